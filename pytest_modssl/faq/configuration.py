"""The FAQ's group Configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.http import SslEnvironment
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Place

# The words of mod_ssl's own error page (ssl_engine_io.c, and seen on httpd 2.4.71).
_PLAIN_HTTP = "speaking plain HTTP to an SSL-enabled server port"
_SPEAK_HTTPS = "write https:// in the URL, or ask at the port that speaks HTTP"
# What httpd logs when every worker is busy, in event, worker and prefork (server/mpm of httpd 2.4.71).
_BUSY = ("AH00484", "AH03490", "AH00286", "AH00288", "AH00161")
_SSL_NAME = re.compile(r"\bSSL_[A-Z]\w*")


def _http_to_tls(evidence: Evidence) -> Iterator[Finding]:
    for response in evidence.seen(requests.Response):
        if response.status_code == requests.codes.bad_request and _PLAIN_HTTP in response.text:
            url = response.request.url or ""
            logged = next((shown(one) for one, _ in evidence.logged("AH01996")), "")
            yield Finding(
                seen=(f'{url} answered 400: "You\'re {_PLAIN_HTTP}."', *filter(None, [logged])),
                cause=f"{url} speaks HTTP to a port that speaks TLS",
                place=_host_at(evidence, url),
                remedy=_SPEAK_HTTPS,
            )


def _tls_to_plain(evidence: Evidence) -> Iterator[Finding]:
    for one in evidence.seen(Handshake):
        if one.failure == "not_tls":
            port = evidence.ports.get(one.address, one.address[1])
            host = evidence.host_of(one.server_name, port)
            used = evidence.find("SSLEngine", host=f"{host.name}:{host.port}" if host else "")
            off = used is not None and used.words[:1] == ("off",)
            yield Finding(
                seen=(f"TLS handshake: {one.error}",),
                cause=f"port {port} speaks plain HTTP, and was asked for TLS",
                place=used.place if used is not None and off else evidence.call(host),
                remedy="give the virtual host of that port SSLEngine on and a certificate (tls=), or write http:// in "
                "the URL",
            )


def _silent(evidence: Evidence) -> Iterator[Finding]:
    quiet = [one for one in evidence.seen(Handshake) if one.failure == "timeout" and one.stage == "hello"]
    for one in quiet:
        port = evidence.ports.get(one.address, one.address[1])
        busy = next((shown(record) for record, _ in evidence.logged(*_BUSY)), "")
        limit = evidence.find("MaxRequestWorkers") or evidence.find("ThreadsPerChild")
        yield Finding(
            seen=(f"TLS handshake: {one.error}", *filter(None, [busy])),
            cause=f"port {port} takes the connection and stays silent: nobody is free to serve it",
            place=None if limit is None else limit.place,
            remedy="end the connections that hold every worker, or allow more: MaxRequestWorkers",
            certainty="certain" if busy else "likely",
        )


def _no_variables(evidence: Evidence) -> Iterator[Finding]:
    wanted = _SSL_NAME.findall(evidence.subject)
    for seen in evidence.seen(SslEnvironment):
        # Without StdEnvVars a TLS request has HTTPS and SSL_TLS_SNI only (manual, mod_ssl, SSLOptions).
        missing = [name for name in wanted if name not in seen and name != "SSL_TLS_SNI"]
        if missing and seen.get("HTTPS") == "on" and "SSL_PROTOCOL" not in seen:
            used = evidence.find("SSLOptions")
            yield Finding(
                seen=(f"{seen.url} (via {seen.via}): HTTPS=on, and no {', '.join(dict.fromkeys(missing))}",),
                cause="SSLOptions +StdEnvVars is not in force there: TLS is on, and its variables are not handed on",
                place=_host_at(evidence, seen.url) if used is None else used.place,
            )


def _host_at(evidence: Evidence, url: str) -> Place | None:
    match = re.match(r"(?P<scheme>https?)://(?P<name>[^/:]+)(?::(?P<port>\d+))?", url)
    if match is None:
        return None
    port = int(match["port"] or (443 if match["scheme"] == "https" else 80))
    return evidence.call(evidence.host_of(match["name"], port))


ENTRIES = (
    Entry(
        id="http-and-https",
        group="configuration",
        question="Is it possible to provide HTTP and HTTPS from the same server?",
        cause="one server answers both, by two virtual hosts on two ports",
        remedy="write a virtual host for port 80 and one with SSLEngine on for port 443, and Listen to both",
        anchor="parallel",
        directives=("<VirtualHost>", "Listen", "SSLEngine"),
    ),
    Entry(
        id="https-port",
        group="configuration",
        question="Which port does HTTPS use?",
        cause="443, unless the URL names another",
        remedy="Listen to the port that the URL names: https://www.example.test:8443/ needs Listen 8443 https",
        anchor="ports",
        directives=("Listen",),
    ),
    Entry(
        id="speak-https-by-hand",
        group="configuration",
        question="How do I speak HTTPS manually for testing purposes?",
        cause="TLS lies between TCP and HTTP",
        remedy="use openssl s_client and curl: every failure prints the command lines that repeat it",
        anchor="httpstest",
    ),
    Entry(
        id="connection-hangs",
        group="configuration",
        question="Why does the connection hang when I connect to my SSL-aware Apache server?",
        cause="client and port do not speak the same protocol, or nobody is free to serve the connection",
        remedy="ask with the scheme that the port speaks: https:// where SSLEngine is on, else http://",
        anchor="hang",
        directives=("SSLEngine", "Listen", "MaxRequestWorkers"),
        numbers=("AH01996", *_BUSY),
        since="httpd 2.4 answers HTTP on a TLS port with 400, and HTTPS on a plain port with an HTTP error: neither "
        "hangs. A port that takes connections and stays silent does.",
        recognisers=(_http_to_tls, _tls_to_plain, _silent),
    ),
    Entry(
        id="connection-refused",
        group="configuration",
        question="Why do I get Connection Refused messages when trying to access my newly installed server via HTTPS?",
        cause="no Listen has the port of the virtual host",
        remedy="let the ports of Listen and <VirtualHost> match",
        anchor="refused",
        directives=("Listen", "<VirtualHost>"),
    ),
    Entry(
        id="ssl-variables-missing",
        group="configuration",
        question="Why are the SSL_XXX variables not available to my CGI and SSI scripts?",
        cause="SSLOptions +StdEnvVars is not in force for the request",
        remedy="write SSLOptions +StdEnvVars in the virtual host, or in the <Location>, <Directory> or <Files> of the "
        "scripts; for SSL_SERVER_CERT and SSL_CLIENT_CERT +ExportCertData as well",
        anchor="envvars",
        directives=("SSLOptions",),
        since="HTTPS and SSL_TLS_SNI are there without it.",
        recognisers=(_no_variables,),
    ),
    Entry(
        id="scheme-switching",
        group="configuration",
        question="How can I switch between HTTP and HTTPS in relative hyperlinks?",
        cause="a relative link keeps the scheme of its page",
        remedy="let mod_rewrite redirect links with a suffix: RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]",
        anchor="relative",
        directives=("RewriteRule", "RewriteEngine"),
    ),
)
