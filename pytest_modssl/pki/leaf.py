"""A certificate with its key and chain: all that a server or a client presents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.certificate import Profile
from pytest_modssl.pki.keys import PrivateKey, spki_sha256
from pytest_modssl.pki.names import COMMON_NAME_LIMIT, Subject, alternative_names, distinguished_name, server_name
from pytest_modssl.pki.openssl import openssl

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from cryptography import x509

NO_BLOB: Final = Blob(b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafCert:
    """A certificate, its private key and what is presented along with them; made by `CA.issue` and its like.

    Args:
        private_key: the key, of which `key_file_pem` is made.
        certificate: the certificate itself.
        chain: certificates presented after it; as issued: its issuer first, without the root.
        root: the root that a client has to trust; `None` for a self-signed certificate.
        dh_parameters: a block of DH parameters that follows the certificates in `cert_file_pem`.
    """

    private_key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()
    root: x509.Certificate | None = None
    dh_parameters: Blob = NO_BLOB

    @property
    def names(self) -> tuple[str, ...]:
        """DNS names and IP addresses of the certificate, in its order, IDNs as A-labels."""
        return alternative_names(self.certificate.extensions)

    @property
    def root_pem(self) -> Blob | None:
        """The root to trust as PEM; `None` for a self-signed certificate, which is trusted by itself or not at all."""
        return None if self.root is None else certificate_pem(self.root)

    @property
    def cert_pem(self) -> Blob:
        """The certificate alone as PEM."""
        return certificate_pem(self.certificate)

    @property
    def chain_pem(self) -> Blob:
        """The chain as PEM, possibly empty: what belongs into SSLCertificateChainFile."""
        return certificate_pem(*self.chain)

    @property
    def cert_file_pem(self) -> Blob:
        """What belongs into SSLCertificateFile: certificate, chain (since httpd 2.4.8), DH parameters (since 2.4.7)."""
        return certificate_pem(self.certificate, *self.chain) + self.dh_parameters

    @property
    def key_file_pem(self) -> Blob:
        """What belongs into SSLCertificateKeyFile: the key, encrypted where it has a pass phrase."""
        return self.private_key.pem

    @property
    def private_key_and_cert_chain_pem(self) -> Blob:
        """Key, certificate and chain in one, as for a SSLProxyMachineCertificateFile or `curl --cert`."""
        return self.private_key.pem + certificate_pem(self.certificate, *self.chain)

    @property
    def der(self) -> bytes:
        """The certificate as DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER certificate, 64 lower-case hex digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def public_key_sha256(self) -> str:
        """SHA-256 of the certificate's DER SubjectPublicKeyInfo, lower-case hex; not of the private key's."""
        return spki_sha256(self.certificate.public_key())

    def with_chain(self, *certificates: x509.Certificate) -> LeafCert:
        """The same, presenting exactly these certificates after its own, in this order."""
        return replace(self, chain=certificates)

    def without_chain(self) -> LeafCert:
        """The same, presenting nothing but its own certificate."""
        return replace(self, chain=())

    def with_key(self, key: PrivateKey) -> LeafCert:
        """The same certificate with another key, which need not match: httpd refuses that with AH02565."""
        return replace(self, private_key=key)

    def with_pass_phrase(self, pass_phrase: str) -> LeafCert:
        """The same, with its key encrypted; errors as for `PrivateKey.encrypted`."""
        return replace(self, private_key=self.private_key.encrypted(pass_phrase))

    def with_dh_parameters(self, parameters: Blob) -> LeafCert:
        """The same, with these DH parameters after its certificates; `dh_parameters` has well-known ones."""
        return replace(self, dh_parameters=parameters)

    def text(self) -> str:
        """What `openssl x509 -noout -text` prints of the certificate.

        Raises:
            PkiError: when the openssl program is missing or refuses the certificate.
        """
        return openssl("x509", "-noout", "-text", stdin=self.cert_pem.content)

    def __str__(self) -> str:
        names = ", ".join(self.names) or "no names"
        return (
            f"{self.certificate.subject.rfc4514_string()} ({names}), {self.private_key.type}, {self.fingerprint[:12]}"
        )


def certificate_pem(*certificates: x509.Certificate) -> Blob:
    """The certificates as PEM, one after the other."""
    return Blob(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))


def server_profile(
    names: Sequence[str],
    *,
    common_name: str | None = None,
    subject: Subject | None = None,
    usages: Sequence[str] = ("serverAuth",),
    ca: bool = False,
    not_before: dt.datetime | None = None,
    not_after: dt.datetime | None = None,
    signature_hash: str = "sha256",
    ocsp_url: str = "",
) -> Profile:
    """What a server's certificate says; the common name is the first name unless given or too long for one."""
    general_names = tuple(map(server_name, names))
    if common_name is None and general_names and len(first := str(general_names[0].value)) <= COMMON_NAME_LIMIT:
        common_name = first
    return Profile(
        subject=distinguished_name(subject, common_name),
        names=general_names,
        ca=ca,
        usages=usages,
        not_before=not_before,
        not_after=not_after,
        signature_hash=signature_hash,
        ocsp_url=ocsp_url,
    )
