"""Clients that take only small Diffie-Hellman primes: Java 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq._dh import about_primes, hellos, place_of
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import of_tls, shown
from pytest_modssl.tls.jvm import JvmHandshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# What the server logs beside AH02008 when the client ends the handshake so (measured on OpenSSL 1.1.1w to 3.6.5).
_ABORTED = of_tls(r"tlsv1 alert internal error \(SSL alert number 80\)")
# javax.net.ssl and com.sun.crypto.provider of OpenJDK: the exception that the FAQ quotes.
_EXCEPTION = "Could not generate DH keypair"


def _long_prime(evidence: Evidence) -> Iterator[Finding]:
    aborted = [shown(record) for record, _ in evidence.logged(match=_ABORTED)][:1]
    told = [record for record, _ in evidence.logged("AH02008")][-1:] if aborted else []
    java = [error for one in evidence.seen(JvmHandshake) for error in one.errors if _EXCEPTION in error][:1]
    if not aborted or not about_primes(evidence):
        return
    for one in hellos(evidence):
        if one.dh_bits:
            host = evidence.asked(one)
            name = f"{host.name}:{host.port}" if host else "the server"
            yield Finding(
                seen=(*map(shown, told), *aborted, *java),
                cause=f"{name} sends a Diffie-Hellman prime of {one.dh_bits} bits, and Java 7 takes none above 1024",
                place=place_of(evidence, one, "SSLCipherSuite"),
            )
            return


ENTRIES = (
    Entry(
        id="java-dh-1024",
        group="protocol",
        question="Why do I get handshake failures with Java-based clients when using a certificate of over 1024 bits?",
        cause="Java 7 takes no DH prime above 1024 bits",
        remedy="put suites with ECDHE first (SSLHonorCipherOrder on), or the 1024-bit DH parameters of RFC 2409 into "
        "the first SSLCertificateFile, with @SECLEVEL=1 in SSLCipherSuite, and 0 for TLS 1.0; java7_settings() gives "
        "what suits the httpd at hand",
        anchor="javadh",
        directives=("SSLCertificateFile", "SSLCipherSuite", "SSLHonorCipherOrder"),
        numbers=("AH02008",),
        since="Since httpd 2.4.7. With OpenSSL 1.1.0 and later its security level has to allow the small prime, and "
        "TLS 1.0, too.",
        recognisers=(_long_prime,),
    ),
)
