"""Connections that hang or are refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import requests

from pytest_modssl.faq.configuration._urls import call_of, port_of
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.http import FailedRequest
from pytest_modssl.httpd.ports import hosts_without_listen, listens_without_host
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Used

PLAIN_HTTP = "speaking plain HTTP to an SSL-enabled server port"
"""The words of mod_ssl's own error page (ssl_engine_io.c, and seen on httpd 2.4.71)."""
_SPEAK_HTTPS = "write https:// in the URL, or ask at the port that speaks HTTP"
# A line of a <VirtualHost> that has one address, and no variable or parameter of a macro in it.
_ADDRESS = re.compile(r"\s*<VirtualHost\s+\"?(?P<address>[^\s\"<>$%@]+)\"?\s*>\s*", re.IGNORECASE)
_EVERY = ("", "*", "_default_")
# What httpd logs when every worker is busy, in event, worker and prefork (server/mpm of httpd 2.4.71).
_BUSY = ("AH00484", "AH03490", "AH00286", "AH00288", "AH00161")


def _http_to_tls(evidence: Evidence) -> Iterator[Finding]:
    for response in evidence.seen(requests.Response):
        if response.status_code == requests.codes.bad_request and PLAIN_HTTP in response.text:
            url = response.request.url or ""
            logged = next((shown(one) for one, _ in evidence.logged("AH01996")), "")
            yield Finding(
                seen=(f'{url} answered 400: "You\'re {PLAIN_HTTP}."', *filter(None, [logged])),
                cause=f"{url} speaks HTTP to a port that speaks TLS",
                place=call_of(evidence, url),
                remedy=_SPEAK_HTTPS,
            )


def _tls_to_plain(evidence: Evidence) -> Iterator[Finding]:
    if any(_nobody_home(evidence)):
        return
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
    quiet = [
        (evidence.ports.get(one.address, one.address[1]), f"TLS handshake: {one.error}")
        for one in evidence.seen(Handshake)
        if one.failure == "timeout" and one.stage == "hello"
    ]
    quiet += [
        (port_of(one.url), f"{one.url}: {one.error}")
        for one in evidence.seen(FailedRequest)
        if isinstance(one.error, requests.ReadTimeout) and one.url.startswith("http:") and any(evidence.logged(*_BUSY))
    ]
    if quiet and any(source.blocks for _, source in evidence.faulty_sources("connect")):
        return  # it is not that nobody is free
    for port, seen in quiet:
        busy = next((shown(record) for record, _ in evidence.logged(*_BUSY)), "")
        limit = evidence.find("MaxRequestWorkers") or evidence.find("ThreadsPerChild")
        yield Finding(
            seen=(seen, *filter(None, [busy])),
            cause=f"port {port} takes the connection and stays silent: nobody is free to serve it",
            place=None if limit is None else limit.place,
            remedy="end the connections that hold every worker, or allow more: MaxRequestWorkers",
            certainty="certain" if busy else "likely",
        )


def _refused(evidence: Evidence) -> Iterator[Finding]:
    """A port of a virtual host that no Listen opens, by a check or by a connection that came to nothing."""
    told = {one.what.rpartition(" at ")[2]: str(one) for one in evidence.mismatches if one.what.startswith("virtual h")}
    tried = dict(_came_to_nothing(evidence))
    if not told and not tried:
        return
    listens = [one.words[0] for one in evidence.directives if one.name.lower() == "listen"]
    for used, address in _addresses(evidence):
        seen = told.get(address) or tried.get(address.rpartition(":")[2])
        if seen is not None and hosts_without_listen(listens, [address]):
            own = _as_written(evidence, used) or address
            place = used.place and replace(used.place, text=used.place.text.replace(address, own))
            host, _, port = own.rpartition(":")
            yield Finding(
                seen=(seen, f"Listen {', '.join(listens)}"),
                cause=f"<VirtualHost {own}> has no Listen for its {'port' if host in _EVERY else 'address and port'}",
                place=place,
                remedy=f"write Listen {port if host in _EVERY else own} https, or give the virtual host a port that is "
                "listened to",
            )
            return


def _nobody_home(evidence: Evidence) -> Iterator[Finding]:
    """A Listen that no virtual host answers at, by a check or by what the main server said in its place."""
    told = {one.what.removeprefix("Listen "): str(one) for one in evidence.mismatches if one.what.startswith("Listen ")}
    plain = {
        str(evidence.actual(evidence.ports.get(one.address, one.address[1]))): f"TLS handshake: {one.error}"
        for one in evidence.seen(Handshake)
        if one.failure == "not_tls"
    }
    if not told and not plain:
        return
    hosts = [address for _, address in _addresses(evidence)]
    for used in evidence.directives:
        if used.name.lower() != "listen" or not listens_without_host([used.words[0]], hosts):
            continue
        seen = told.get(used.words[0]) or plain.get(used.words[0].rpartition(":")[2])
        if seen is not None:
            yield Finding(
                seen=(seen, f"<VirtualHost {', '.join(dict.fromkeys(hosts))}>"),
                cause=f"Listen {used.words[0]} has no virtual host: the main server answers there, without TLS",
                place=used.place,
                remedy="write a <VirtualHost> for that port, or leave the Listen out",
            )
            return


def _as_written(evidence: Evidence, used: Used) -> str:
    """The address of a `<VirtualHost>` in the user's file; empty where that has several, a variable, or no such line.

    In a run of a repository other addresses and ports stand for those that it names.
    """
    found = None if used.place is None else _ADDRESS.fullmatch(evidence.line(used.place.origin))
    return "" if found is None else found["address"]


def _addresses(evidence: Evidence) -> Iterator[tuple[Used, str]]:
    for one in evidence.directives:
        if one.name.lower() == "virtualhost":
            yield from ((one, word) for word in one.words)


def _came_to_nothing(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Ports at which no connection came about: an engine's proxy takes it for its container, and hangs up."""
    for one in evidence.seen(Handshake):
        if one.failure in ("refused", "reset", "closed") and one.stage in ("connect", "hello"):
            real = evidence.actual(evidence.ports.get(one.address, one.address[1]))
            yield str(real), f"TLS handshake: {one.error}"
    for failed in evidence.seen(FailedRequest):
        if isinstance(failed.error, requests.ConnectionError):
            yield str(evidence.actual(port_of(failed.url))), f"{failed.url}: {failed.error}"


ENTRIES = (
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
        cause="no Listen has the port of the virtual host, or no virtual host the port of Listen",
        remedy="let the ports of Listen and <VirtualHost> match: httpd -S lists the virtual hosts",
        anchor="refused",
        directives=("Listen", "<VirtualHost>"),
        since="httpd starts in either case and says nothing; through a container's published port the connection is "
        "taken by the engine's proxy and closed at once.",
        recognisers=(_refused, _nobody_home),
    ),
)
