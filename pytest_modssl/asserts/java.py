"""That clients as old as Java 7 can talk to a server: judged by a hello like theirs, and by a real JVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import require
from pytest_modssl.asserts.dh import BITS, dh_mismatch, refusal
from pytest_modssl.errors import Mismatch
from pytest_modssl.tls import names
from pytest_modssl.tls.hello import JAVA7
from pytest_modssl.tls.suites import suites_by_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.asserts._collect import Expected
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls import JvmHandshake, ProbeResult
    from pytest_modssl.tls.hello import HelloOptions

# OpenJDK before 8, jdk/src/share/classes/com/sun/crypto/provider/DHKeyPairGenerator.java, initialize(): "Prime size
# must be multiple of 64, and can only range from 512 to 1024 (inclusive)"; JSSE answers the exception with the alert
# internal_error. Java 8 has the same rule up to 2048.
_JAVA7_BITS = range(512, 1025, 64)
_JAVA7_ALERT = "internal_error"


def assert_java7_compatible(
    server: Server,
    name: str | None = None,
    *,
    port: int = 443,
    protocol: str = "TLSv1",
    suites: Sequence[str | int] = JAVA7["suites"],
    dh_bits: Expected | None = None,
    jvm: bool = False,
) -> ProbeResult:
    """What the server answered to the hello of Java 7: something that Java 7 can go on with.

    It cannot with a Diffie-Hellman prime above 1024 bits. It then ends the handshake by the alert internal_error, and
    so does this client, so that the server's log says what it says with the real one (AH02008, "SSL alert number 80").

    Whether it meets DHE at all is the server's choice: it prefers ECDHE and RSA itself, so this tells of the prime only
    where the server insists (`SSLHonorCipherOrder on`) or has nothing else; `dh_bits` says that it must.

    Args:
        server: the server to look at.
        name: the name to send as SNI, which Java 7 sends as well.
        port: port of the configuration.
        protocol: what the client speaks: "TLSv1" is what Java 7 uses by itself; it knows "TLSv1.1" and "TLSv1.2" where
            the program asks for them.
        suites: what it offers, in order, by OpenSSL's names or as codes; leave out those with ECDHE for a Java without
            curves.
        dh_bits: size of the prime that it must meet: exact, or a function of it.
        jvm: whether a real Java virtual machine of this machine, with the limits of Java 7, must come to the same
            end; `requires(program=["java", "javac"])` skips a test where there is none.

    Raises:
        ModsslAssertionError: with what Java 7 could not go on with.
        TlsError: when there is to be a JVM, and this machine has no JDK.
    """
    __tracebackhide__ = True
    hello: HelloOptions = {**JAVA7, "versions": (protocol,), "suites": tuple(suites)}
    seen = server.probe(name, port=port, **hello)
    problem = _problem(seen)
    mismatches = [] if problem is None else [problem]
    if seen.dh_bits is not None and problem is not None:
        server.probe(name, port=port, send_alert=_JAVA7_ALERT, **hello)
    elif problem is None and dh_bits is not None:
        mismatches += dh_mismatch(dh_bits, seen)
    shown: list[object] = [seen]
    if jvm:
        witness = server.jvm_handshake(name, port=port, protocol=protocol, suites=suites)
        mismatches += _testimony(witness, seen, able=problem is None)
        shown.append(witness)
    codes = [names.cipher_suite(one) if isinstance(one, str) else suites_by_code().get(one) for one in suites]
    ciphers = ":".join(one.openssl_name for one in codes if one is not None and one.openssl_name)
    command = server.s_client_command(name, port=port, protocol=protocol, ciphers=ciphers, security_level=0)
    require(server, f"Java 7 with {name or 'no name'} on port {port}", mismatches, seen=shown, commands=[command])
    return seen


def _problem(seen: ProbeResult) -> Mismatch | None:
    """What Java 7 could not go on with."""
    if seen.server_hello is None or seen.failure is not None:
        return Mismatch("handshake of Java 7", "an answer that it can go on with", refusal(seen))
    if seen.dh_bits is not None and seen.dh_bits not in _JAVA7_BITS:
        wanted = f"a multiple of {_JAVA7_BITS.step} from {_JAVA7_BITS.start} to {_JAVA7_BITS[-1]}"
        return Mismatch(BITS, wanted, str(seen.dh_bits))
    return None


def _testimony(witness: JvmHandshake, seen: ProbeResult, *, able: bool) -> list[Mismatch]:
    """What a JVM could not do, or did otherwise than its hello alone told."""
    who = f"handshake of Java {witness.java} with the limits of Java 7"
    if not witness.ok:
        return [Mismatch(who, "success", "; caused by ".join(witness.errors))]
    if not able:
        told = f"success with {witness.protocol} {witness.cipher_suite}"
        return [Mismatch(who, "the failure that its hello alone told of", told)]
    if witness.dh_bits != seen.dh_bits:
        return [Mismatch(f"{who}: {BITS}", f"{seen.dh_bits}, as its hello alone told", str(witness.dh_bits))]
    return []
