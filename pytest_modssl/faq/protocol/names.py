"""Virtual hosts by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests

from pytest_modssl.faq import sharing
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import answers, shown, unwanted
from pytest_modssl.tls import hostname
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.faq.evidence import Evidence
    from pytest_modssl.httpd.config import VirtualHost

# The words of ssl_hook_ReadReq (ssl_engine_kernel.c): the policy since httpd 2.4.66, the default host since 2.4.64.
_MISDIRECTED = (
    r"Hostname (?P<sni>\S+) (?:provided via SNI|(?P<none>\(default host as no SNI was provided\))) and "
    r"hostname (?P<host>\S+) provided via HTTP have no compatible SSL setup(?: for policy '(?P<policy>\w+)')?"
)
_LENIENT = ("authonly", "insecure")


def _first_host_without_sni(evidence: Evidence) -> Iterator[Finding]:
    for one in evidence.seen(Handshake):
        port = evidence.ports.get(one.address)
        first = sharing.first_host(evidence, port)
        wanted = _wanted(evidence, one)
        if not wanted or one.server_name is not None or not one.certificates or first is None:
            continue
        others = [host for host in evidence.config.virtual_hosts if host.port == port and host is not first]
        if _presented(one, first) and any(name in wanted for host in others for name in _names(host)):
            used = evidence.served_by(one, "SSLCertificateFile")
            yield Finding(
                seen=(f"without SNI the server presented the certificate for {', '.join(one.names) or 'no names'}",),
                cause=f"a client that sends no SNI gets the first virtual host of port {port}, {first.name}, and its "
                "certificate",
                place=evidence.call(first) if used is None else used.place,
            )
            return


def _wanted(evidence: Evidence, handshake: Handshake) -> str:
    """What a failure says of the certificate that a handshake should have shown; empty where it says nothing.

    A test may well compare the names by itself: then both sides stand in the first line of what pytest says of it.
    """
    mismatch = _mismatch(evidence, handshake)
    if mismatch is not None:
        return mismatch.expected
    said = str(evidence.error or "").partition("\n")[0]
    return said if handshake.names and handshake.names[0] in said else ""


def _mismatch(evidence: Evidence, handshake: Handshake) -> Mismatch | None:
    """What an assertion says about the host that answered in a handshake."""
    name = handshake.server_name
    found = evidence.mismatch(rf"{re.escape(name or 'no SNI')}: (?:certificate|content|status)")
    if found is None and handshake is evidence.seen(Handshake)[-1]:
        found = evidence.mismatch(r"certificate(?:: names)?")
    if found is None and name is not None and handshake.hostname_ok is False:
        chain = evidence.mismatch("chain")
        found = chain if chain is not None and chain.seen.endswith(f"not {name}") else None
    return found


def _presented(handshake: Handshake, host: VirtualHost) -> bool:
    """Whether it may be that the host's certificate was shown: one that stands in its text is not known."""
    return not host.certificates or handshake.certificates[0] in {one.der for one in host.certificates}


def _names(host: VirtualHost) -> set[str]:
    return {host.name, *host.aliases, *(name for one in host.certificates for name in one.names)}


def _no_host_of_the_name(evidence: Evidence) -> Iterator[Finding]:
    for one in evidence.seen(Handshake):
        port = evidence.ports.get(one.address)
        first = sharing.first_host(evidence, port)
        name = one.server_name
        if not one.certificates or name is None or first is None or hostname.is_address(name):
            continue
        if _mismatch(evidence, one) is not None and sharing.host_named(evidence, name, port) is None:
            yield Finding(
                seen=(f"asked for {name}, the server presented the certificate for {', '.join(one.names)}",),
                cause=f"no virtual host of port {port} has the name {name}, so the first one answers: {first.name}",
                place=evidence.call(first),
                remedy=f"write ServerName or ServerAlias {name} into the virtual host that is meant",
            )
            return


def _misdirected(evidence: Evidence) -> Iterator[Finding]:
    for response in unwanted(evidence, requests.codes.misdirected_request):
        for record, found in evidence.logged("AH02032", match=_MISDIRECTED):
            port = _port(response.url)
            first = sharing.first_host(evidence, port)
            if first is None:
                return
            connected = sharing.host_named(evidence, found["sni"], port) or first
            asked = sharing.host_named(evidence, found["host"], port) or first
            with_what = "no SNI" if found["none"] else f"the SNI {found['sni']}"
            cause = f"the connection was made with {with_what}, the request is for {found['host']}"
            seen = (f"{response.url} answered {response.status_code}", shown(record))
            if found["policy"] == "strict":
                used = evidence.find("SSLVHostSNIPolicy")
                yield Finding(
                    seen=seen,
                    cause=f"{cause}, and SSLVHostSNIPolicy strict lets a connection serve one virtual host only",
                    place=None if used is None else used.place,
                )
                return
            differences = sharing.differences(evidence, connected, asked)
            names = ", ".join(one.directive for one in differences)
            differ = f", whose virtual hosts differ in {names}" if names else ""
            # What even the lenient policy asks about comes first.
            weighty = sorted(differences, key=lambda one: one.kind != "client-authentication")
            place = weighty[0].place if weighty else None
            yield Finding(seen=seen, cause=cause + differ, place=place or evidence.call(asked))
            return


def _let_through(evidence: Evidence) -> Iterator[Finding]:
    wanted = evidence.mismatch("status")
    used = evidence.find("SSLVHostSNIPolicy")
    if wanted is None or not wanted.expected.startswith("421") or used is None:
        return
    word = used.words[0].lower()
    if word in _LENIENT:
        yield Finding(
            seen=(f"status {wanted.seen}, and not 421",),
            cause=f"SSLVHostSNIPolicy {word} lets a connection serve hosts whose certificates or suites differ",
            place=used.place,
            remedy="write SSLVHostSNIPolicy secure, or leave it out: that is the default",
        )


def _port(url: str) -> int | None:
    """The port of the configuration that an answer came from."""
    found = re.match(r"https://[^/]*?(?::(\d+))?(?:/|$)", url)
    return None if found is None else int(found[1] or 443)


ENTRIES = (
    Entry(
        id="name-based-without-sni",
        group="protocol",
        question="Why can't I use SSL with name-based/non-IP-based virtual hosts?",
        cause="a client that sends no server name gets the first virtual host of the address",
        remedy="give the first host a certificate for all names (wildcard, or several names), or hosts of their own "
        "addresses or ports",
        anchor="vhosts",
        directives=("<VirtualHost>", "ServerName", "SSLCertificateFile"),
        since="Since httpd 2.4.64 such a client may not ask for a host whose certificate is another one (421).",
        recognisers=(_first_host_without_sni,),
    ),
    Entry(
        id="sni",
        group="protocol",
        question="Is it possible to use Name-Based Virtual Hosting to identify different SSL virtual hosts?",
        cause="the client names the host in its ClientHello (SNI)",
        remedy="ask with the same name in SNI and Host; to serve both names on one connection, let both hosts name the "
        "same SSLCertificateFile and SSLCertificateKeyFile and the same suites, protocols and client authentication",
        anchor="vhosts2",
        directives=("ServerName", "SSLVHostSNIPolicy", "SSLStrictSNIVHostCheck"),
        numbers=("AH02032", "AH02033"),
        since="SSLVHostSNIPolicy came with httpd 2.4.66. A client without SNI is judged like others since 2.4.64.",
        recognisers=(
            _misdirected,
            _let_through,
            _no_host_of_the_name,
            answers(
                "AH02033",
                status=403,
                cause="the client sent no SNI, and SSLStrictSNIVHostCheck refuses that",
                remedy="let clients send SNI, or write SSLStrictSNIVHostCheck off",
                directive="SSLStrictSNIVHostCheck",
            ),
        ),
    ),
)
