"""A certification authority for tests: root and intermediates, server and client certificates, revocation."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

from cryptography import x509

from pytest_modssl.errors import PkiError
from pytest_modssl.pki.cache import KeyPool
from pytest_modssl.pki.certificate import Issuer, Profile, certify, profile_of
from pytest_modssl.pki.crl import revocation_list
from pytest_modssl.pki.leaf import LeafCert, certificate_pem, server_profile
from pytest_modssl.pki.names import Subject, distinguished_name, email_name, general_names, server_name, upn_name
from pytest_modssl.pki.ocsp import prepared_site, respond

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.pki.blob import Blob
    from pytest_modssl.pki.csr import CSR
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

    Attributes:
        certificate: its own certificate.
        private_key: its own key.
        signer: name, key and identifier that it signs with.
        keys: where it takes the keys of its leaves and intermediates from.
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
        self.keys: KeyPool = parent.keys if parent else KeyPool()
        self.private_key = self.keys.take(key_type)
        profile = Profile(
            subject=distinguished_name(subject, common_name),
            ca=True,
            not_before=not_before,
            not_after=not_after,
            signature_hash=signature_hash,
        )
        key = self.private_key.signing_key
        self.signer = Issuer.of(profile.subject, key)
        self.certificate = certify(profile, key.public_key(), parent.signer if parent else self.signer)
        if parent:
            parent._issued.add(self.certificate.serial_number)  # noqa: SLF001 - another object of this class
        self._issued: set[int] = set()
        self._revoked: dict[int, dt.datetime] = {}
        self._crl_numbers = itertools.count(1)

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
        common_name: str | None = None,
        key_type: str = "ec-p256",
        subject: Subject | None = None,
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        signature_hash: str = "sha256",
    ) -> CA:
        """A CA whose certificate this one signs, named by its depth unless given; the rest as for `CA`."""
        return CA(
            common_name=common_name or f"pytest-modssl test intermediate {len(self.chain) + 1}",
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
        ocsp_url: str = "",
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
            ocsp_url: where the certificate says that its revocation is asked, as in `OcspResponder.url`.

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
            ocsp_url=ocsp_url,
        )
        return self._certify(profile, key or self.keys.take(key_type))

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
        ocsp_url: str = "",
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
            ocsp_url: where the certificate says that its revocation is asked.

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
            ocsp_url=ocsp_url,
        )
        return self._certify(profile, key or self.keys.take(key_type))

    def sign(
        self,
        csr: CSR,
        *,
        names: Sequence[str] | None = None,
        usages: Sequence[str] = ("serverAuth",),
        not_before: dt.datetime | None = None,
        not_after: dt.datetime | None = None,
        signature_hash: str = "sha256",
        ocsp_url: str = "",
    ) -> LeafCert:
        """The certificate that a request asks for: its subject, names and key.

        Args:
            csr: the request.
            names: what the request must ask for, in any order; `None` accepts whatever it asks for.
            usages: keys of `USAGES`.
            not_before: start of validity, an aware datetime; an hour ago by default.
            not_after: end of validity, an aware datetime; in 30 days by default.
            signature_hash: one of `SIGNATURE_HASHES`.
            ocsp_url: where the certificate says that its revocation is asked.

        Raises:
            PkiError: when the request asks for other names than `names`, or values that no certificate can carry.
        """
        requested = general_names(csr.request.extensions)
        if names is not None and set(requested) != set(map(server_name, names)):
            raise PkiError(
                f"The request asks for {', '.join(csr.names) or 'no names'}, but {', '.join(names) or 'no names'} "
                "should be certified. Make the request with CSR.create(key, *names), or leave `names` out."
            )
        profile = Profile(
            subject=csr.request.subject,
            names=requested,
            usages=usages,
            not_before=not_before,
            not_after=not_after,
            signature_hash=signature_hash,
            ocsp_url=ocsp_url,
        )
        return self._certify(profile, csr.private_key)

    def reissue(self, certificate: x509.Certificate, key: PrivateKey) -> LeafCert:
        """A certificate of this CA that says of another key what one of any CA says: subject, names, usages, validity.

        Raises:
            PkiError: for extensions that cannot be read, or a validity that ends before it starts.
        """
        return self._certify(profile_of(certificate), key)

    def revoke(self, revoked: LeafCert | CA) -> None:
        """Put a certificate of this CA, a leaf's or an intermediate's, on the lists that `crl` makes from now on.

        Raises:
            PkiError: when another CA issued it; only the issuer can revoke.
        """
        certificate = revoked.certificate
        # By key, not by name: two authorities of one test may well have the same name.
        identifier = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        if identifier != self.signer.key_identifier:
            raise PkiError(
                f"{self!r} cannot revoke a certificate of {certificate.issuer.rfc4514_string()}; that CA can."
            )
        self._revoked.setdefault(certificate.serial_number, dt.datetime.now(dt.timezone.utc))

    def forget(self, forgotten: LeafCert | CA) -> None:
        """Take a certificate off the records, as one that the CA never issued: OCSP calls it unknown from now on."""
        self._issued.discard(forgotten.certificate.serial_number)
        self._revoked.pop(forgotten.certificate.serial_number, None)

    def crl(self, *, last_update: dt.datetime | None = None, next_update: dt.datetime | None = None) -> Blob:
        """The certificates revoked so far, as PEM: what belongs into SSLCARevocationFile.

        Args:
            last_update: when the list was made; an hour ago by default.
            next_update: when it is out of date; in 30 days by default. A moment in the past makes an expired list.

        Raises:
            PkiError: for a naive datetime, or a `next_update` that is not after `last_update`.
        """
        number = next(self._crl_numbers)
        return revocation_list(
            self.signer, self._revoked, number=number, last_update=last_update, next_update=next_update
        )

    def ocsp_response(self, request: bytes) -> bytes:
        """What this CA's OCSP responder answers to a request, at this moment: good, revoked or unknown, as DER.

        Unknown is a certificate that it did not issue; one of another CA gets the error unauthorized (RFC 6960 section
        2.3). A nonce comes back as it was sent.

        Args:
            request: the DER of the request, as OCSP over HTTP carries it.
        """
        responder = self.certificate, self.signer
        return respond(request, self.certificate, responder, issued=self._issued, revoked=self._revoked)

    def ocsp_site(self, *certificates: LeafCert | CA, signed_by: CA | None = None) -> dict[str, bytes]:
        """The files of a virtual host that answers OCSP requests at `/ocsp.cgi`: pass them as its `files=`.

        The answers are those of this moment, made beforehand, so that no key is on the server and it needs no program
        but `sh`, `od`, `tr` and `cat`. Like other responders with prepared answers (RFC 5019 section 4.1) it leaves
        nonces out, which httpd takes only with `SSLOCSPUseRequestNonce off`. Requests about other certificates get the
        error unauthorized.

        Args:
            certificates: those to answer for, whoever issued them: one that this CA did not issue is unknown.
            signed_by: a CA that signs the answers in this one's place, for responses that nobody may believe (RFC 6960
                section 4.2.2.2).
        """
        signer = signed_by or self
        return prepared_site(
            [one.certificate for one in certificates],
            self.certificate,
            (signer.certificate, signer.signer),
            issued=self._issued,
            revoked=self._revoked,
        )

    def _certify(self, profile: Profile, key: PrivateKey) -> LeafCert:
        certificate = certify(profile, key.signing_key.public_key(), self.signer)
        self._issued.add(certificate.serial_number)
        return LeafCert(private_key=key, certificate=certificate, chain=self.chain, root=self.root.certificate)

    def __repr__(self) -> str:
        return f"<CA {self.certificate.subject.rfc4514_string()}>"
