"""Diffie-Hellman sizes, judged by what the server sends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.errors import Mismatch
from pytest_modssl.httpd.expectations import expectations
from pytest_modssl.tls import names

if TYPE_CHECKING:
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.probe import ProbeResult

BITS: Final = "DH prime in bits"
"""What a mismatch about the size of a prime is about."""


def assert_dh_bits(
    server: Server, name: str | None, bits: Expected, *, port: int = 443, protocol: str = "TLSv1.2"
) -> ProbeResult:
    """What the server answered to a client that knows DHE alone: a prime of the expected size.

    The size is read from ServerKeyExchange (RFC 5246 7.4.3). The configuration does not tell it: httpd 2.4.71 with
    OpenSSL 3.0.22 silently serves another prime than that of the certificate file where its security level is not
    content. The client names no groups, since a server that follows RFC 7919 would choose by these.

    Args:
        server: the server to look at.
        name: the name to send as SNI.
        bits: size of the prime: exact, or a function of it (`lambda bits: bits >= 2048`).
        port: port of the configuration.
        protocol: what the client speaks; TLS 1.3 has no DHE of this kind.

    Raises:
        ModsslAssertionError: with the size seen, or why there is none.
    """
    __tracebackhide__ = True
    suites = [one.code for one in names.cipher_suites(protocol) if one.key_exchange == "DHE"]
    seen = server.probe(name, port=port, versions=(protocol,), suites=suites, groups=())
    mismatches = dh_mismatch(bits, seen)
    if seen.dh_bits is None:
        mismatches = [replace(one, seen=f"{one.seen}{_none_at_all(server)}") for one in mismatches]
    command = server.s_client_command(name, port=port, protocol=protocol, ciphers="kDHE:@SECLEVEL=0")
    headline = f"Diffie-Hellman prime for {name or 'no name'} on port {port}"
    require(server, headline, mismatches, seen=[seen], commands=[command])
    return seen


def dh_mismatch(bits: Expected, seen: ProbeResult) -> list[Mismatch]:
    """The mismatch where there is another prime than expected, or none: it says what is there instead."""
    mismatches = compare(BITS, bits, seen.dh_bits)
    if seen.dh_bits is None:
        return [Mismatch(one.what, one.expected, f"none: {refusal(seen)}") for one in mismatches]
    return mismatches


def refusal(seen: ProbeResult) -> str:
    """Why an answer shows no prime."""
    if seen.alert is not None:
        after = "" if seen.server_hello is None else f" after {seen.protocol} with {seen.cipher_suite} was selected"
        return f"alert {seen.alert.name}{after}"
    if seen.server_hello is not None and seen.failure is None:
        return f"{seen.protocol} with {seen.cipher_suite}, which uses none"
    return str(seen.error)


def _none_at_all(server: Server) -> str:
    """What to know of an httpd that chooses no prime by itself, whatever the certificate."""
    fact = expectations(server.installation).fact("dh rsa-2048 none 2")
    return f" (httpd {server.installation.version}; {fact.source})" if fact.value == 0 else ""
