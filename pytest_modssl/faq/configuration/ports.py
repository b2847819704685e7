"""HTTP and HTTPS side by side, and the port of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests

from pytest_modssl.errors import UnknownHostError
from pytest_modssl.faq.configuration._urls import (
    call_of,
    host_at,
    https_elsewhere,
    of_host,
    port_of,
    redirecting,
)
from pytest_modssl.faq.configuration.connecting import PLAIN_HTTP
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.http import RedirectChain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# What `Server.resolve` says of a URL that it cannot place.
_UNSERVED = re.compile(r"no virtual host serves (?P<url>https://\S+?);")


def _tls_everywhere(evidence: Evidence) -> Iterator[Finding]:
    engine = [one for one in evidence.directives if one.name.lower() == "sslengine" and one.words[:1] == ("on",)]
    outside = next((one for one in reversed(engine) if not one.sections), None)
    for response in evidence.seen(requests.Response) if outside is not None else ():
        url = response.request.url or ""
        refused = response.status_code == requests.codes.bad_request and PLAIN_HTTP in response.text
        if refused and host_at(evidence, url) is not None and not any(of_host(evidence, url, "sslengine")):
            logged = next((shown(one) for one, _ in evidence.logged("AH01996")), "")
            yield Finding(
                seen=(f'{url} answered 400: "You\'re {PLAIN_HTTP}."', *filter(None, [logged])),
                cause="SSLEngine on stands outside of the virtual hosts, and those for HTTP inherit it",
                place=None if outside is None else outside.place,
                remedy="move SSLEngine on, and the certificate, into the virtual host for HTTPS",
            )
            return


def _redirect_to_another_port(evidence: Evidence) -> Iterator[Finding]:
    for chain in evidence.seen(RedirectChain):
        wanted = https_elsewhere(evidence, chain.url)
        if chain.status is not None or not chain.hops or wanted is None or not chain.url.startswith("https:"):
            continue
        hop = chain.hops[-1]
        used = redirecting(evidence, hop.url)
        if used is not None and used.name.lower() == "rewriterule":
            continue  # told by scheme-switching
        named = next(iter(reversed([*of_host(evidence, hop.url, "servername")])), None)
        place = used or named
        yield Finding(
            seen=(str(hop), chain.error or ""),
            cause=f"a redirect leads to port {port_of(chain.url)}, and {wanted.name} speaks HTTPS on {wanted.port}",
            place=None if place is None else place.place,
            remedy=f"write the port into the redirect: https://{wanted.name}:{wanted.port}/"
            if used is not None
            else f"write the port into the name that redirects are made of: ServerName https://{wanted.name}:"
            f"{wanted.port}, or leave out UseCanonicalName on",
        )
        return


def _asked_at_another_port(evidence: Evidence) -> Iterator[Finding]:
    found = _UNSERVED.search(str(evidence.error)) if isinstance(evidence.error, UnknownHostError) else None
    wanted = None if found is None else https_elsewhere(evidence, found["url"])
    if found is not None and wanted is not None:
        real = f"https://{wanted.name}:{wanted.port}/"
        yield Finding(
            seen=(str(evidence.error).partition("; ")[0],),
            cause=f"{found['url']} names port {port_of(found['url'])}, and {wanted.name} speaks HTTPS on {wanted.port}",
            place=call_of(evidence, real),
            remedy=f"write the port into the URL: {real}",
        )


ENTRIES = (
    Entry(
        id="http-and-https",
        group="configuration",
        question="Is it possible to provide HTTP and HTTPS from the same server?",
        cause="one server answers both, by two virtual hosts on two ports; SSLEngine on belongs to one of them",
        remedy="write a virtual host for port 80 and one with SSLEngine on for port 443, and Listen to both",
        anchor="parallel",
        directives=("<VirtualHost>", "Listen", "SSLEngine"),
        numbers=("AH01996",),
        recognisers=(_tls_everywhere,),
    ),
    Entry(
        id="https-port",
        group="configuration",
        question="Which port does HTTPS use?",
        cause="443, unless the URL names another",
        remedy="Listen to the port that the URL names: https://www.example.test:8443/ needs Listen 8443 https",
        anchor="ports",
        directives=("Listen", "ServerName", "UseCanonicalName"),
        recognisers=(_redirect_to_another_port, _asked_at_another_port),
    ),
)
