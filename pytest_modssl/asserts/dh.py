"""Diffie-Hellman sizes, and what clients with old limits make of them: judged by what the server sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.errors import Mismatch
from pytest_modssl.httpd.expectations import expectations
from pytest_modssl.tls import names
from pytest_modssl.tls.hello import JAVA7

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.hello import HelloOptions
    from pytest_modssl.tls.probe import ProbeResult

# OpenJDK before 8, jdk/src/share/classes/com/sun/crypto/provider/DHKeyPairGenerator.java, initialize(): "Prime size
# must be multiple of 64, and can only range from 512 to 1024 (inclusive)"; JSSE answers the exception with the alert
# internal_error. Java 8 has the same rule up to 2048.
_JAVA7_BITS = range(512, 1025, 64)
_JAVA7_ALERT = "internal_error"

_BITS = "DH prime in bits"


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
    mismatches = compare(_BITS, bits, seen.dh_bits)
    if seen.dh_bits is None:
        mismatches = [
            Mismatch(one.what, one.expected, f"none: {_refusal(seen)}{_none_at_all(server)}") for one in mismatches
        ]
    command = server.s_client_command(name, port=port, protocol=protocol, ciphers="kDHE:@SECLEVEL=0")
    headline = f"Diffie-Hellman prime for {name or 'no name'} on port {port}"
    require(server, headline, mismatches, seen=[seen], commands=[command])
    return seen


def assert_java7_compatible(
    server: Server,
    name: str | None = None,
    *,
    port: int = 443,
    protocol: str = "TLSv1",
    suites: Sequence[str | int] = JAVA7["suites"],
) -> ProbeResult:
    """What the server answered to the hello of Java 7: something that Java 7 can go on with.

    It cannot with a Diffie-Hellman prime above 1024 bits. It then ends the handshake by the alert internal_error, and
    so does this client, so that the server's log says what it says with the real one (AH02008, "SSL alert number 80").

    Whether it meets DHE at all is the server's choice: it prefers ECDHE and RSA itself, so this tells of the prime only
    where the server insists (`SSLHonorCipherOrder on`) or has nothing else; `assert_dh_bits` tells it always.

    Args:
        server: the server to look at.
        name: the name to send as SNI, which Java 7 sends as well.
        port: port of the configuration.
        protocol: what the client speaks: "TLSv1" is what Java 7 uses by itself; it knows "TLSv1.1" and "TLSv1.2" where
            the program asks for them.
        suites: what it offers, in order, by OpenSSL's names or as codes; leave out those with ECDHE for a Java without
            curves.

    Raises:
        ModsslAssertionError: with what Java 7 could not go on with.
    """
    __tracebackhide__ = True
    hello: HelloOptions = {**JAVA7, "versions": (protocol,), "suites": tuple(suites)}
    seen = server.probe(name, port=port, **hello)
    mismatches = []
    if seen.server_hello is None:
        mismatches.append(Mismatch("handshake of Java 7", "a ServerHello", _refusal(seen)))
    elif seen.dh_bits is not None and seen.dh_bits not in _JAVA7_BITS:
        wanted = f"a multiple of {_JAVA7_BITS.step} from {_JAVA7_BITS.start} to {_JAVA7_BITS[-1]}"
        mismatches.append(Mismatch(_BITS, wanted, str(seen.dh_bits)))
        server.probe(name, port=port, send_alert=_JAVA7_ALERT, **hello)
    ciphers = ":".join([*(one for one in suites if isinstance(one, str)), "@SECLEVEL=0"])
    command = server.s_client_command(name, port=port, protocol=protocol, ciphers=ciphers)
    require(server, f"Java 7 with {name or 'no name'} on port {port}", mismatches, seen=[seen], commands=[command])
    return seen


def _none_at_all(server: Server) -> str:
    """What to know of an httpd that chooses no prime by itself, whatever the certificate."""
    fact = expectations(server.installation).fact("dh rsa-2048 none 2")
    return f" (httpd {server.installation.version}; {fact.source})" if fact.value == 0 else ""


def _refusal(seen: ProbeResult) -> str:
    if seen.server_hello is not None:
        return f"{seen.protocol} with {seen.cipher_suite}, which uses none"
    return f"alert {seen.alert.name}" if seen.alert is not None else str(seen.error)
