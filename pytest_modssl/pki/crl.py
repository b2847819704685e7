"""Certificate revocation lists (RFC 5280 section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.certificate import validity
from pytest_modssl.pki.signature import strong_hash_for

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from pytest_modssl.pki.certificate import Issuer


def revocation_list(
    issuer: Issuer,
    revoked: Mapping[int, dt.datetime],
    *,
    number: int,
    last_update: dt.datetime | None = None,
    next_update: dt.datetime | None = None,
) -> Blob:
    """The list as PEM, kind `"X509 CRL"`: what belongs into SSLCARevocationFile.

    Args:
        issuer: who signs.
        revoked: serial number -> moment of revocation.
        number: the list's own number, larger than that of the issuer's earlier lists (RFC 5280 section 5.2.3).
        last_update: when it was made; an hour ago by default, or a day before a `next_update` in the past.
        next_update: when it is out of date; in 30 days by default.

    Raises:
        PkiError: for a naive datetime, or a `next_update` that is not after `last_update`.
    """
    start, end = validity(last_update, next_update)
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=issuer.name,
        last_update=start,
        next_update=end,
        revoked_certificates=[
            x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=moment).build()
            for serial, moment in revoked.items()
        ],
    )
    builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    builder = builder.add_extension(issuer.key_identifier, critical=False)
    signed = builder.sign(issuer.signing_key, strong_hash_for(issuer.signing_key, "sha256"))
    return Blob(signed.public_bytes(Encoding.PEM))
