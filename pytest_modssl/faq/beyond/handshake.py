"""Failures that show in the handshake, or in what it presents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import distrusted, judged, shown
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_INVALID_PURPOSE, and X509_V_ERR_CA_MD_TOO_WEAK,
# which is said of leaves too (openssl, x509_vfy.h).
_NOT_YET_VALID = 9
_EXPIRED = 10
_WRONG_PURPOSE = 26
_WEAK_SIGNATURE = 68


def _expired(evidence: Evidence) -> Iterator[Finding]:
    for one in distrusted(evidence, _EXPIRED):
        certificate = judged(one)
        used = evidence.served_by(one, "SSLCertificateFile")
        cause = f"a certificate that the server does not send has expired, at depth {one.verification.depth}"
        if certificate is not None:
            ended = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            cause = f"the certificate of {certificate.subject.rfc4514_string()} expired at {ended}"
        yield Finding(
            seen=(f"OpenSSL's verdict on the chain: {one.verification}",),
            cause=cause,
            place=None if used is None else used.place,
        )


def _ca_as_server(evidence: Evidence) -> Iterator[Finding]:
    if evidence.mismatch("certificate: basicConstraints") is None:
        return
    for record, _ in evidence.logged("AH01906"):
        host = evidence.rendered.host_in(record.message) or ""
        used = evidence.find("SSLCertificateFile", host=host)
        shaken = [one for one in evidence.seen(Handshake) if one.certificates]
        yield Finding(
            seen=(shown(record),),
            cause=f"the certificate of {host or 'a virtual host'} is that of a CA",
            place=None if used is None or not shaken else used.place,
        )
        return


def _not_yet_valid(evidence: Evidence) -> Iterator[Finding]:
    for one in distrusted(evidence, _NOT_YET_VALID):
        certificate = judged(one)
        start = "" if certificate is None else f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        cause = f"the certificate of {_subject(one)} is not valid before {start}" if start else ""
        yield _of_chain(evidence, one, cause)


def _wrong_purpose(evidence: Evidence) -> Iterator[Finding]:
    for one in distrusted(evidence, _WRONG_PURPOSE):
        yield _of_chain(evidence, one, f"the certificate of {_subject(one)} may not be used for servers")


def _weak_signature(evidence: Evidence) -> Iterator[Finding]:
    for one in distrusted(evidence, _WEAK_SIGNATURE):
        yield _of_chain(evidence, one, f"the signature of the certificate of {_subject(one)} is too weak for clients")


def _of_chain(evidence: Evidence, handshake: Handshake, cause: str) -> Finding:
    used = evidence.served_by(handshake, "SSLCertificateFile")
    return Finding(
        seen=(f"OpenSSL's verdict on the chain: {handshake.verification}",),
        cause=cause,
        place=None if used is None else used.place,
    )


def _subject(handshake: Handshake) -> str:
    certificate = judged(handshake)
    return (
        f"a CA at depth {handshake.verification.depth}" if certificate is None else certificate.subject.rfc4514_string()
    )


ENTRIES = (
    Entry(
        id="certificate-expired",
        group="beyond",
        question="Why do clients say that the certificate has expired?",
        cause="the end of the certificate's validity has passed; httpd says nothing about that",
        remedy="let the CA issue a new certificate, and put it into SSLCertificateFile",
        directives=("SSLCertificateFile",),
        recognisers=(_expired,),
    ),
    Entry(
        id="ca-certificate-as-server",
        group="beyond",
        question="Why does httpd warn that the server certificate is a CA certificate?",
        cause="the certificate may sign others (basicConstraints CA:TRUE), as openssl req -x509 makes it by default",
        remedy="issue a certificate of its own for the server, with CA:FALSE, and keep the CA's key off the server",
        directives=("SSLCertificateFile",),
        numbers=("AH01906",),
        recognisers=(_ca_as_server,),
    ),
    Entry(
        id="certificate-not-yet-valid",
        group="beyond",
        question="Why do clients say that the certificate is not yet valid?",
        cause="the start of the certificate's validity is in the future; httpd says nothing about that",
        remedy="set the clocks of the CA's and of the client's machine, or issue it with an earlier start",
        directives=("SSLCertificateFile",),
        recognisers=(_not_yet_valid,),
    ),
    Entry(
        id="certificate-for-another-purpose",
        group="beyond",
        question="Why do clients say that the certificate has the wrong purpose?",
        cause="the certificate's extendedKeyUsage does not have serverAuth",
        remedy="issue one with serverAuth among its usages",
        directives=("SSLCertificateFile",),
        recognisers=(_wrong_purpose,),
    ),
    Entry(
        id="signature-too-weak",
        group="beyond",
        question="Why do clients refuse the signature of a certificate?",
        cause="the certificate is signed with SHA-1 or MD5, which clients no longer trust",
        remedy="let the CA sign it with SHA-256 or better",
        directives=("SSLCertificateFile", "SSLCipherSuite"),
        recognisers=(_weak_signature,),
    ),
)
