"""A certification authority for tests: root and intermediates, server and client certificates, revocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.pki.cache import KeyPool
from pytest_modssl.pki.certificate import Issuer, Profile, certify
from pytest_modssl.pki.leaf import LeafCert, certificate_pem, server_profile
from pytest_modssl.pki.names import Subject, distinguished_name, email_name, upn_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from cryptography import x509

    from pytest_modssl.pki.blob import Blob
    from pytest_modssl.pki.keys import PrivateKey


class CA:
    """A certification authority: a root, or an intermediate where it has a parent.

    Args:
        common_name: the name of its subject.
        key_type: one of `KEY_TYPES`.
        subject: further attributes of its subject by the keys of `DN_ATTRIBUTES`.
        not_before: start of validity, an aware datetime; an hour ago by default.
        not_after: end of validity, an aware datetime; in 30 days by default.
        signature_hash: one of `SIGNATURE_HASHES`.
        parent: who signs its certificate; `None` makes a root.

    Raises:
        PkiError: for values that no certificate can carry.
    """

    def __init__(
        self,
        *,
        common_name: str = "pytest-modssl test root",
        key_type: str = "ec-p256",
        subject: Subject | None = None,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        signature_hash: str = "sha256",
        parent: CA | None = None,
    ) -> None:
        self._parent = parent
        self._keys: KeyPool = parent._keys if parent else KeyPool()
        self.private_key = self._keys.take(key_type)
        profile = Profile(
            subject=distinguished_name(subject, common_name),
            ca=True,
            not_before=not_before,
            not_after=not_after,
            signature_hash=signature_hash,
        )
        key = self.private_key.signing_key
        self._issuer = Issuer.of(profile.subject, key)
        self.certificate = certify(profile, key.public_key(), parent._issuer if parent else self._issuer)

    @property
    def cert_pem(self) -> Blob:
        """Its own certificate as PEM: what clients trust of a root."""
        return certificate_pem(self.certificate)

    @property
    def root(self) -> CA:
        """The CA at the top, which is this one where it has no parent."""
        return self._parent.root if self._parent else self

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What a server presents after a certificate of this CA: its own first, then upwards, without the root."""
        return (self.certificate, *self._parent.chain) if self._parent else ()

    def intermediate(
        self,
        *,
        common_name: str = "pytest-modssl test intermediate",
        key_type: str = "ec-p256",
        subject: Subject | None = None,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        signature_hash: str = "sha256",
    ) -> CA:
        """A CA whose certificate this one signs; arguments and errors as for `CA`."""
        return CA(
            common_name=common_name,
            key_type=key_type,
            subject=subject,
            not_before=not_before,
            not_after=not_after,
            signature_hash=signature_hash,
            parent=self,
        )

    def issue(
        self,
        *names: str,
        common_name: str | None = None,
        subject: Subject | None = None,
        key_type: str = "ec-p256",
        key: PrivateKey | None = None,
        usages: Sequence[str] = ("serverAuth",),
        ca: bool = False,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        signature_hash: str = "sha256",
    ) -> LeafCert:
        """A server certificate for these names, with a key of its own.

        Args:
            names: DNS names, wildcards, IP literals, internationalised names (in Unicode or as A-labels).
            common_name: the subject's; the first name by default, none where that has more than 64 characters.
            subject: further attributes of the subject by the keys of `DN_ATTRIBUTES`.
            key_type: one of `KEY_TYPES`; not looked at where `key` is given.
            key: an existing key to certify.
            usages: keys of `USAGES`; empty for a certificate without extendedKeyUsage.
            ca: whether to mark it as a CA's, a mistake that httpd reports with AH01906.
            not_before: start of validity, an aware datetime; an hour ago by default.
            not_after: end of validity, an aware datetime; in 30 days by default. One in the past makes it expired.
            signature_hash: one of `SIGNATURE_HASHES`.

        Raises:
            PkiError: for a name that no server has, or values that no certificate can carry.
        """
        profile = server_profile(
            names,
            common_name=common_name,
            subject=subject,
            usages=usages,
            ca=ca,
            not_before=not_before,
            not_after=not_after,
            signature_hash=signature_hash,
        )
        return self._certify(profile, key or self._keys.take(key_type))

    def issue_client(
        self,
        common_name: str,
        *,
        emails: Sequence[str] = (),
        upns: Sequence[str] = (),
        subject: Subject | None = None,
        key_type: str = "ec-p256",
        key: PrivateKey | None = None,
        usages: Sequence[str] = ("clientAuth",),
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        signature_hash: str = "sha256",
    ) -> LeafCert:
        """A client certificate for a person or program, with a key of its own.

        Args:
            common_name: the subject's, which mod_ssl exports as SSL_CLIENT_S_DN_CN.
            emails: e-mail addresses among its alternative names (SSL_CLIENT_SAN_Email_n).
            upns: user principal names among them (SSL_CLIENT_SAN_OTHER_msUPN_n).
            subject: further attributes of the subject, as in `{"O": "Example", "OU": ["Shop", "Web"]}`.
            key_type: one of `KEY_TYPES`; not looked at where `key` is given.
            key: an existing key to certify.
            usages: keys of `USAGES`; empty for a certificate without extendedKeyUsage.
            not_before: start of validity, an aware datetime; an hour ago by default.
            not_after: end of validity, an aware datetime; in 30 days by default.
            signature_hash: one of `SIGNATURE_HASHES`.

        Raises:
            PkiError: for values that no certificate can carry.
        """
        profile = Profile(
            subject=distinguished_name(subject, common_name),
            names=(*map(email_name, emails), *map(upn_name, upns)),
            usages=usages,
            not_before=not_before,
            not_after=not_after,
            signature_hash=signature_hash,
        )
        return self._certify(profile, key or self._keys.take(key_type))

    def _certify(self, profile: Profile, key: PrivateKey) -> LeafCert:
        certificate = certify(profile, key.signing_key.public_key(), self._issuer)
        return LeafCert(private_key=key, certificate=certificate, chain=self.chain, root=self.root.certificate)

    def __repr__(self) -> str:
        return f"<CA {self.certificate.subject.rfc4514_string()}>"
