"""Certificates of others: readable as a whole, or refused with a reason.

`cryptography` reads the parts of a certificate when it is asked for them, and is stricter than OpenSSL, which lets
servers start and clients shake hands with many a malformed one.
"""

from __future__ import annotations

import datetime as dt
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from pytest_modssl.errors import PkiError

if TYPE_CHECKING:
    from collections.abc import Callable

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises of DER that is malformed, or has what it does not know (measured on 50)."""


@lru_cache(maxsize=256)  # a test looks at the same ones again and again
def read_certificate(
    data: bytes, *, load: Callable[[bytes], x509.Certificate] = x509.load_der_x509_certificate
) -> x509.Certificate:
    """A certificate of which names, validity and extensions can be read.

    Args:
        data: it, as DER.
        load: for another form than DER: what loads that.

    Raises:
        PkiError: it cannot be read.
    """
    try:
        with warnings.catch_warnings():
            # Of what it will refuse in the future: whether that matters is for tests to say.
            warnings.simplefilter("ignore")
            certificate = load(data)
            # Each is read when it is first asked for.
            _ = certificate.subject, certificate.issuer, certificate.serial_number
            _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc, certificate.extensions
    except UNREADABLE as error:
        raise PkiError(f"a certificate of {len(data)} bytes cannot be read: {error}") from None
    return certificate


def issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a certificate has the name of an issuer, and the signature of its key."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def is_valid(certificate: x509.Certificate) -> bool:
    """Whether it is valid now (RFC 5280 section 4.1.2.5)."""
    return certificate.not_valid_before_utc <= dt.datetime.now(dt.timezone.utc) <= certificate.not_valid_after_utc
