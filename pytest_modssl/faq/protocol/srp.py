"""Passwords instead of certificates: TLS-SRP (RFC 5054)."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry

ENTRIES = (
    Entry(
        id="tls-srp",
        group="protocol",
        question="How do I enable TLS-SRP?",
        cause="a verifier file and SRP suites make it",
        remedy='SSLSRPVerifierFile /path/to/passwd.srpv and SSLCipherSuite "!DSS:!aRSA:SRP", without TLS 1.3',
        anchor="srp",
        directives=("SSLSRPVerifierFile", "SSLSRPUnknownUserSeed"),
    ),
)
