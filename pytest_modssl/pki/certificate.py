"""One X.509 certificate: its validity, its extensions, its signature (RFC 5280 section 4)."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from pytest_modssl.errors import PkiError
from pytest_modssl.pki.names import general_names
from pytest_modssl.pki.signature import sign_certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

    from pytest_modssl.pki.keys import SigningKey

# RFC 5280 section 4.2.1.12, by OpenSSL's names (manual page x509v3_config).
USAGES: Final = {
    "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
    "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "timeStamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "OCSPSigning": ExtendedKeyUsageOID.OCSP_SIGNING,
    "anyExtendedKeyUsage": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
}

# A clock that is a little wrong, as in virtual machines, must not fail a test.
BACKDATED: Final = dt.timedelta(hours=1)
LIFETIME: Final = dt.timedelta(days=30)
# At most 20 octets (RFC 5280 section 4.1.2.2) and at least 64 random bits (Baseline Requirements, section 7.1.2.7).
_SERIAL_BITS: Final = 127


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: the name, key and key identifier that every certificate of one CA repeats."""

    name: x509.Name
    signing_key: SigningKey
    key_identifier: x509.AuthorityKeyIdentifier

    @classmethod
    def of(cls, name: x509.Name, key: SigningKey) -> Issuer:
        """The issuer that a name and a key make."""
        return cls(name, key, x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one certificate says, beside its public key and its issuer.

    Args:
        subject: the distinguished name, possibly empty.
        names: the subject alternative names.
        ca: whether the certificate may sign others.
        usages: keys of `USAGES`; empty for no extendedKeyUsage at all.
        not_before: start of validity; `None` for an hour ago, or a day before an end that lies in the past.
        not_after: end of validity; `None` for in 30 days, or 30 days after a start that lies in the future.
        signature_hash: one of `SIGNATURE_HASHES`.
        ocsp_url: where the issuer's OCSP responder is asked (RFC 5280 section 4.2.2.1); empty to name none.
    """

    subject: x509.Name
    names: tuple[x509.GeneralName, ...] = ()
    ca: bool = False
    usages: Sequence[str] = ()
    not_before: dt.datetime | None = None
    not_after: dt.datetime | None = None
    signature_hash: str = "sha256"
    ocsp_url: str = ""


def profile_of(certificate: x509.Certificate) -> Profile:
    """What a certificate says, to be said again of another key: subject, names, usages, validity, whether it is a CA's.

    Raises:
        PkiError: for extensions that cannot be read.
    """
    try:
        extensions = certificate.extensions
        authority = _of_class(extensions, x509.BasicConstraints)
        usage = _of_class(extensions, x509.ExtendedKeyUsage)
    except ValueError as error:
        raise PkiError(f"The extensions of {certificate.subject.rfc4514_string()} cannot be read: {error}") from None
    named = {identifier: name for name, identifier in USAGES.items()}
    return Profile(
        subject=certificate.subject,
        names=general_names(extensions),
        ca=authority is not None and authority.ca,
        usages=tuple(named[one] for one in usage or () if one in named),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
    )


def certify(profile: Profile, public_key: CertificatePublicKeyTypes, issuer: Issuer) -> x509.Certificate:
    """The certificate that the issuer signs for this public key.

    Raises:
        PkiError: for an unknown usage or hash, a naive datetime, an end that is not after the start, or a URL that is
            not ASCII.
    """
    start, end = validity(profile.not_before, profile.not_after)
    # All at once: the builder's methods copy the builder and search the extensions at every step.
    builder = x509.CertificateBuilder(
        subject_name=profile.subject,
        issuer_name=issuer.name,
        public_key=public_key,
        serial_number=secrets.randbits(_SERIAL_BITS - 1) | 1 << (_SERIAL_BITS - 1),
        not_valid_before=start,
        not_valid_after=end,
        extensions=_extensions(profile, public_key, issuer),
    )
    return sign_certificate(builder, issuer.signing_key, profile.signature_hash)


def validity(not_before: dt.datetime | None, not_after: dt.datetime | None) -> tuple[dt.datetime, dt.datetime]:
    """Start and end in UTC, with the defaults that `Profile` tells; errors as for `certify`."""
    for moment in (not_before, not_after):
        if moment is not None and moment.tzinfo is None:
            raise PkiError(f"{moment!r} has no time zone: use datetime.now(timezone.utc) and add to that.")
    now = dt.datetime.now(dt.timezone.utc)
    start = not_before or now - BACKDATED
    end = not_after or max(now, start) + LIFETIME
    if not_before is None and end <= start:
        start = end - dt.timedelta(days=1)
    if end <= start:
        raise PkiError(f"A certificate cannot end ({end}) before it starts ({start}).")
    return start.astimezone(dt.timezone.utc).replace(tzinfo=None), end.astimezone(dt.timezone.utc).replace(tzinfo=None)


def alternative_names_extension(
    subject: x509.Name, names: tuple[x509.GeneralName, ...]
) -> x509.Extension[x509.ExtensionType]:
    """The subjectAltName extension, critical where the subject is empty (RFC 5280 section 4.2.1.6)."""
    return _extension(x509.SubjectAlternativeName(names), critical=not subject.rdns)


def _extensions(
    profile: Profile, public_key: CertificatePublicKeyTypes, issuer: Issuer
) -> list[x509.Extension[x509.ExtensionType]]:
    identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    extensions: list[x509.Extension[x509.ExtensionType]] = [
        _extension(x509.BasicConstraints(ca=profile.ca, path_length=None), critical=True),
        _extension(_key_usage(public_key, ca=profile.ca), critical=True),
        _extension(identifier),
        _extension(issuer.key_identifier),
    ]
    if profile.usages:
        extensions.append(_extension(x509.ExtendedKeyUsage([_usage(name) for name in profile.usages])))
    if profile.names:
        extensions.append(alternative_names_extension(profile.subject, profile.names))
    if profile.ocsp_url:
        extensions.append(_extension(x509.AuthorityInformationAccess([_ocsp_access(profile.ocsp_url)])))
    return extensions


_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


def _of_class(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _ocsp_access(url: str) -> x509.AccessDescription:
    try:
        name = x509.UniformResourceIdentifier(url)
    except ValueError as error:
        raise PkiError(f"ocsp_url={url!r} cannot stand in a certificate: {error}") from None
    return x509.AccessDescription(AuthorityInformationAccessOID.OCSP, name)


def _extension(value: x509.ExtensionType, *, critical: bool = False) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical, value)


def _usage(name: str) -> x509.ObjectIdentifier:
    try:
        return USAGES[name]
    except KeyError:
        raise PkiError(f"There is no key usage {name!r}; use any of {', '.join(USAGES)}.") from None


def _key_usage(public_key: CertificatePublicKeyTypes, *, ca: bool) -> x509.KeyUsage:
    # keyEncipherment lets a server key do RSA key exchange (RFC 5246 section 7.4.2).
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=isinstance(public_key, rsa.RSAPublicKey) and not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
