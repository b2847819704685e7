"""What an OCSP responder answers (RFC 6960): to a request at hand, or beforehand for every request about a certificate.

Responses are signed by a CA, mostly by that which issued, and good for a day, from an hour ago.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from pytest_modssl._data import fixture
from pytest_modssl.pki import _der
from pytest_modssl.pki.certificate import BACKDATED
from pytest_modssl.pki.signature import strong_hash_for

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_modssl.pki.certificate import Issuer

LIFETIME: Final = dt.timedelta(days=1)

Responder: TypeAlias = "tuple[x509.Certificate, Issuer]"
"""A CA that signs responses: its own certificate, and how it signs."""


def respond(
    request: bytes,
    certificate: x509.Certificate,
    responder: Responder,
    *,
    issued: Collection[int],
    revoked: Mapping[int, dt.datetime],
) -> bytes:
    """The response to a request, as DER; one that says what is wrong where the request cannot be answered.

    Args:
        request: DER of an OCSPRequest about one certificate; about several it is malformed here.
        certificate: that of the CA whose certificates it answers for.
        responder: who signs.
        issued: serial numbers of the certificates that it issued.
        revoked: serial number -> moment of revocation.
    """
    try:
        asked = ocsp.load_der_ocsp_request(request)
        same = _request_about(certificate, certificate, asked.hash_algorithm)
        extensions = asked.extensions
    except (ValueError, NotImplementedError):
        return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    # By key, not by name: two authorities of one test may well have the same name.
    if asked.issuer_key_hash != same.issuer_key_hash:
        return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    now = dt.datetime.now(dt.timezone.utc)
    serial = asked.serial_number
    known = ocsp.OCSPCertStatus.GOOD if serial in issued else ocsp.OCSPCertStatus.UNKNOWN
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        asked.issuer_name_hash,
        asked.issuer_key_hash,
        serial,
        asked.hash_algorithm,
        ocsp.OCSPCertStatus.REVOKED if serial in revoked else known,
        now - BACKDATED,
        now + LIFETIME,
        revoked.get(serial),
        None,
    )
    # httpd knows no other certificate of a responder than those in the response: without the CA's own SSLOCSPEnable
    # refuses it with AH01925 (measured on httpd 2.4.71).
    signer, issuer = responder
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer])
    for extension in extensions:
        if isinstance(extension.value, x509.OCSPNonce):  # RFC 6960 section 4.4.1
            builder = builder.add_extension(extension.value, critical=False)
    signed = builder.sign(issuer.signing_key, strong_hash_for(issuer.signing_key, "sha256"))
    return signed.public_bytes(Encoding.DER)


def prepared_site(
    subjects: Sequence[x509.Certificate],
    certificate: x509.Certificate,
    responder: Responder,
    *,
    issued: Collection[int],
    revoked: Mapping[int, dt.datetime],
) -> dict[str, bytes]:
    """The files of a responder with prepared answers: a CGI program, and a response for each certificate.

    The program knows a response by its name, which is a piece of each request about that certificate: the end of its
    CertID (RFC 6960 section 4.1.1), with SHA-1 as OpenSSL and RFC 5019 section 2.1.1 have it.

    Args:
        subjects: the certificates to answer for.
        certificate: that of the CA whose certificates it answers for.
        responder: who signs.
        issued: serial numbers of the certificates that it issued.
        revoked: serial number -> moment of revocation.
    """
    site = {
        "ocsp.cgi": fixture("pages/ocsp.cgi").read_bytes(),
        "unauthorized.der": _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED),
    }
    for subject in subjects:
        request = _request_about(subject, certificate, hashes.SHA1())  # noqa: S303 - names a certificate, signs nothing
        name = (request.issuer_key_hash + _der.integer(request.serial_number)).hex()
        der = request.public_bytes(Encoding.DER)
        site[f"{name}.der"] = respond(der, certificate, responder, issued=issued, revoked=revoked)
    return site


def _request_about(
    subject: x509.Certificate, issuer: x509.Certificate, algorithm: hashes.HashAlgorithm
) -> ocsp.OCSPRequest:
    return ocsp.OCSPRequestBuilder().add_certificate(subject, issuer, algorithm).build()


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
