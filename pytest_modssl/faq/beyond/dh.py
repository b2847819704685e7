"""Diffie-Hellman parameters that are not those in force."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq._dh import about_primes, certificate_files, hellos, place_of
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import ends_start, of_tls, shown
from pytest_modssl.tls.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq._dh import CertificateFile, Hello
    from pytest_modssl.faq.evidence import Evidence

# SSL_CTX_set_security_level(3): level 1 wants 1024 bits, level 2 wants 2048; below 1024 none is content (a block of 512
# bits was ignored at level 0 too: measured on httpd 2.4.71 / OpenSSL 3.0.22).
_LEVEL_1 = 1024
_DHE = re.compile(r"(?<!C)DHE|kDHE")


def _ignored_block(evidence: Evidence) -> Iterator[Finding]:
    for one in hellos(evidence) if about_primes(evidence) else ():
        files = certificate_files(evidence, one)
        if not files or not (one.dh_bits or _left_without(evidence, one)):
            continue
        first, later = files[0], next((file for file in files[1:] if file.bits), None)
        served = f"the server sent a prime of {one.dh_bits} bits" if one.dh_bits else f"TLS handshake: {one.error}"
        if first.bits and first.bits != one.dh_bits and "EC" not in first.kinds and not _in_force(evidence, one, first):
            yield _below_level(evidence, one, first.bits, served)
            return
        if not first.bits and later is not None and later.bits != one.dh_bits:
            yield Finding(
                seen=(served, f"another certificate file of the host has DH parameters of {later.bits} bits"),
                cause="the DH parameters stand in a further certificate file; httpd looks for them in the first alone",
                place=later.used.place,
                remedy="append the block to the file of the host's first SSLCertificateFile",
            )
            return


def _below_level(evidence: Evidence, seen: Hello, bits: int, served: str) -> Finding:
    small = bits < _LEVEL_1
    return Finding(
        seen=(served, f"the first SSLCertificateFile of the host has DH parameters of {bits} bits"),
        cause=f"the DH parameters of {bits} bits are ignored without a word: "
        + ("OpenSSL takes less than 1024 at no level" if small else "they are below OpenSSL's security level"),
        place=place_of(evidence, seen, "SSLCipherSuite"),
        remedy="give a block of 2048 bits or more" + ("" if small else "; where it must be this one: SSLCipherSuite "
        "...:@SECLEVEL=1, which lowers the level for all else too"),
    )  # fmt: skip


def _in_force(evidence: Evidence, seen: Hello, file: CertificateFile) -> bool:
    """Whether httpd has said that the parameters are in force; where no DHE is left, it was mistaken."""
    return seen.dh_bits is not None and any(
        evidence.logged("AH02540", match=rf"\({file.bits} bits\) for {re.escape(file.used.host)}")
    )


def _left_without(evidence: Evidence, seen: Hello) -> bool:
    """Whether no DHE suite was left, as with OpenSSL 1.1.1, which takes parameters first and then refuses them."""
    alerts = seen.alerts if isinstance(seen, ProbeResult) else seen.alerts_received
    refused = seen.protocol is None and any(one.name == "handshake_failure" for one in alerts)
    return refused and (evidence.installation.openssl or (3,)) < (3,)


def _command(evidence: Evidence) -> Iterator[Finding]:
    for one in hellos(evidence) if about_primes(evidence) else ():
        host = evidence.asked(one)
        used = evidence.find("SSLOpenSSLConfCmd", host=f"{host.name}:{host.port}" if host else "", word="DHParameters")
        if used is not None and one.dh_bits:
            yield Finding(
                seen=(f"the server sent a prime of {one.dh_bits} bits",),
                cause="SSLOpenSSLConfCmd DHParameters has no effect since httpd 2.4.52: OpenSSL chooses by itself then",
                place=used.place,
            )
            return


def _curve_first(evidence: Evidence) -> Iterator[Finding]:
    for one in hellos(evidence):
        alerts = one.alerts if isinstance(one, ProbeResult) else one.alerts_received
        if not any(alert.name == "internal_error" for alert in alerts) or not _DHE.match(one.cipher_suite or ""):
            continue
        for file in certificate_files(evidence, one)[:1]:
            if file.kinds[:1] == ("EC",):
                lines = [shown(record) for record, _ in evidence.logged(match=of_tls("internal error"))][:1]
                yield Finding(
                    seen=(f"TLS handshake: {one.cipher_suite} selected, then alert internal_error", *lines),
                    place=file.used.place,
                )
                return


def _never_chosen(evidence: Evidence) -> Iterator[Finding]:
    wanted = evidence.mismatch(r"DH prime in bits|dh_bits|cipher_suite")
    if wanted is None or (wanted.what == "cipher_suite" and not _DHE.search(wanted.expected)):
        return
    for one in hellos(evidence):
        if one.protocol is None or one.dh_bits or _DHE.match(one.cipher_suite or ""):
            continue
        newer = one.protocol == "TLSv1.3"
        yield Finding(
            seen=(f"the server selected {one.protocol} with {one.cipher_suite}",),
            cause="TLS 1.3 has no DHE suites, and is what was spoken" if newer else "the server prefers another suite "
            "to those with DHE, so that clients which offer both never meet its prime",
            place=place_of(evidence, one, "SSLProtocol" if newer else "SSLCipherSuite"),
        )  # fmt: skip
        return


ENTRIES = (
    Entry(
        id="dh-parameters-ignored",
        group="beyond",
        question="Why does the server send another Diffie-Hellman prime than the one in SSLCertificateFile?",
        cause="the parameters are below OpenSSL's security level, and are then ignored without a word in the log",
        remedy="give larger ones, or lower the level: SSLCipherSuite ...:@SECLEVEL=1 for 1024 bits; they belong into "
        "the first SSLCertificateFile of the host",
        directives=("SSLCertificateFile", "SSLCipherSuite"),
        since="From httpd 2.4.52 on OpenSSL chooses a prime instead; with OpenSSL 1.1.1 no suite with DHE is left. "
        "Parameters that are in force are logged at debug (AH02540).",
        recognisers=(_ignored_block,),
    ),
    Entry(
        id="dh-parameters-command",
        group="beyond",
        question="Why does SSLOpenSSLConfCmd DHParameters not do anything, or stop the start?",
        cause="from httpd 2.4.52 on it has no effect, since OpenSSL chooses the prime; below the security level it "
        "stops the start",
        remedy="put the parameters at the end of the host's first SSLCertificateFile, and take the directive away",
        directives=("SSLOpenSSLConfCmd", "SSLCertificateFile"),
        numbers=("AH02407",),
        recognisers=(
            ends_start(
                "AH02407",
                match=r'"SSLOpenSSLConfCmd DHParameters (?P<file>.*?)" failed for',
                cause="OpenSSL cannot use the DH parameters of {file} for {host}: they are below its security level, "
                "or none; where it can, they have no effect since httpd 2.4.52",
                directive="SSLOpenSSLConfCmd",
            ),
            _command,
        ),
    ),
    Entry(
        id="ec-parameters-before-dh",
        group="beyond",
        question="Why does every handshake with a DHE suite end in the alert internal_error?",
        cause="a block EC PARAMETERS stands before the DH parameters in SSLCertificateFile, and is taken for them",
        remedy="take the block EC PARAMETERS away: openssl ecparam -genkey writes it before the key, -noout does not",
        directives=("SSLCertificateFile",),
        numbers=("AH02008",),
        since="With OpenSSL 3.0 and later; 1.1.1 passes it over.",
        recognisers=(_curve_first,),
    ),
    Entry(
        id="dhe-never-chosen",
        group="beyond",
        question="Why do clients never meet the server's Diffie-Hellman prime?",
        cause="the server prefers suites with ECDHE or RSA, or TLS 1.3, to those with DHE",
        remedy="that is as it should be; to see the prime look with a client that knows DHE alone (assert_dh_bits); "
        "where clients must get DHE, put it first in SSLCipherSuite, with SSLHonorCipherOrder on",
        directives=("SSLCipherSuite", "SSLHonorCipherOrder"),
        recognisers=(_never_chosen,),
    ),
)
