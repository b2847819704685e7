"""What a stapled OCSP response says (RFC 6066 section 8, RFC 6960), and whether it may be believed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from pytest_modssl.certificates import UNREADABLE, is_valid, issued
from pytest_modssl.errors import PkiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Stapled:
    """An OCSP response in the words of RFC 6960.

    Args:
        response: "successful", "try_later", "internal_error", "unauthorized", ... (section 4.2.1). httpd makes up
            "try_later" itself where it could not get a response (SSLStaplingFakeTryLater).
        certificate: "good", "revoked" or "unknown"; None unless successful.
        serial: serial number of the certificate that it is about.
        this_update: from when it is right.
        next_update: until when; None where the responder always has something newer.
    """

    response: str
    certificate: str | None = None
    serial: int | None = None
    this_update: dt.datetime | None = None
    next_update: dt.datetime | None = None

    def __str__(self) -> str:
        until = "" if self.next_update is None else f", until {self.next_update:%Y-%m-%d %H:%M} UTC"
        return f"{self.certificate}{until}" if self.certificate else f"none but the error {self.response}"


def read_stapled(der: bytes) -> Stapled:
    """What a response says.

    Raises:
        PkiError: when it is no OCSP response.
    """
    try:
        response = ocsp.load_der_ocsp_response(der)
        status = response.response_status.name.lower()
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return Stapled(response=status)
        return Stapled(
            response=status,
            certificate=response.certificate_status.name.lower(),
            serial=response.serial_number,
            this_update=response.this_update_utc,
            next_update=response.next_update_utc,
        )
    except UNREADABLE as error:
        raise PkiError(f"the stapled response of {len(der)} bytes cannot be read: {error}") from None


def faults_of_stapled(der: bytes, leaf: x509.Certificate, issuers: Sequence[x509.Certificate]) -> Iterator[str]:
    """Why a client does not believe a successful response, whatever it says of the certificate (RFC 6960 section 3.2).

    Args:
        der: the response.
        leaf: the certificate that it should be about.
        issuers: those that may have issued the leaf: the chain as sent, and the roots.
    """
    response = ocsp.load_der_ocsp_response(der)
    now = dt.datetime.now(dt.timezone.utc)
    if response.serial_number != leaf.serial_number:
        yield f"it is about serial number {response.serial_number:X}, not {leaf.serial_number:X}"
    if response.this_update_utc > now:
        yield f"it is right from {response.this_update_utc:%Y-%m-%d %H:%M} UTC on only"
    if response.next_update_utc is not None and response.next_update_utc < now:
        yield f"it was right until {response.next_update_utc:%Y-%m-%d %H:%M} UTC"
    issuer = next((one for one in issuers if issued(one, leaf)), None)
    if issuer is None:
        yield "the issuer of the certificate, who could have signed it, is not known"
    elif not _is_of(issuer, leaf, response):
        yield f"it is about a certificate of another issuer than {issuer.subject.rfc4514_string()}"
    elif not any(_signed(one, response) for one in _allowed(issuer, response.certificates)):
        yield f"{issuer.subject.rfc4514_string()} has not signed it, nor let somebody sign it"


def _is_of(issuer: x509.Certificate, leaf: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    """Whether the serial number of a response is one of this issuer's (RFC 6960 section 4.1.1)."""
    try:
        own = ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, response.hash_algorithm).build()
    except UNREADABLE:
        return False
    return (response.issuer_key_hash, response.issuer_name_hash) == (own.issuer_key_hash, own.issuer_name_hash)


def _allowed(issuer: x509.Certificate, sent: Sequence[x509.Certificate]) -> Iterator[x509.Certificate]:
    """Who may sign: the issuer, and those that it issued for that purpose (RFC 6960 section 4.2.2.2)."""
    yield issuer
    for one in sent:
        try:
            usages = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (x509.ExtensionNotFound, *UNREADABLE):
            continue
        if is_valid(one) and ExtendedKeyUsageOID.OCSP_SIGNING in usages and issued(issuer, one):
            yield one


def _signed(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    try:
        key, algorithm = signer.public_key(), response.signature_hash_algorithm
        signature, signed = response.signature, response.tbs_response_bytes
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, dsa.DSAPublicKey) and algorithm is not None:
            key.verify(signature, signed, algorithm)
        elif algorithm is None:  # Ed25519 and Ed448 bring their own (RFC 8410)
            key.verify(signature, signed)  # type: ignore[union-attr, call-arg]
        else:
            return False
    except (InvalidSignature, AttributeError, *UNREADABLE):
        return False
    return True
