"""Certificates that a server sent: readable as a whole, or refused with a reason.

`cryptography` reads the parts of a certificate when it is asked for them, and is stricter than OpenSSL, which lets
servers start and clients shake hands with many a malformed one.
"""

from __future__ import annotations

import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from pytest_modssl.errors import TlsError

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What `cryptography` raises of DER that is malformed, or has what it does not know (measured on 50)."""


def read_certificate(der: bytes) -> x509.Certificate:
    """The certificate, of which names, validity and extensions can be read.

    Raises:
        TlsError: they cannot.
    """
    try:
        with warnings.catch_warnings():
            # Of what it will refuse in the future: whether that matters is for tests to say.
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            # Each is read when it is first asked for.
            _ = certificate.subject, certificate.issuer, certificate.serial_number
            _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc, certificate.extensions
    except UNREADABLE as error:
        raise TlsError(f"the certificate of {len(der)} bytes that the server sent cannot be read: {error}") from None
    return certificate
