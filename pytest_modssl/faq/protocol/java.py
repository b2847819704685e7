"""Clients that take only small Diffie-Hellman primes: Java 7."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry

ENTRIES = (
    Entry(
        id="java-dh-1024",
        group="protocol",
        question="Why do I get handshake failures with Java-based clients when using a certificate of over 1024 bits?",
        cause="Java 7 takes no DH prime above 1024 bits",
        remedy="put suites with ECDHE first, or the 1024-bit DH parameters of RFC 2409 into the first "
        "SSLCertificateFile, with @SECLEVEL=1 in SSLCipherSuite",
        anchor="javadh",
        directives=("SSLCertificateFile", "SSLCipherSuite"),
    ),
)
