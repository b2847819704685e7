"""Failures that show in the handshake, or in what it presents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import distrusted, judged, shown
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# X509_V_ERR_CERT_HAS_EXPIRED (openssl, x509_vfy.h).
_EXPIRED = 10


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
)
