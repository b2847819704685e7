"""Certificate signing requests (PKCS #10, RFC 2986), as an owner of a key makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.certificate import alternative_names_extension
from pytest_modssl.pki.keys import spki_sha256
from pytest_modssl.pki.names import alternative_names, distinguished_name, server_name
from pytest_modssl.pki.openssl import openssl
from pytest_modssl.pki.signature import strong_hash_for

if TYPE_CHECKING:
    from pytest_modssl.pki.keys import PrivateKey
    from pytest_modssl.pki.names import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class CSR:
    """A request together with the key that it is for; made by `CSR.create`.

    Args:
        private_key: the key, which stays with the owner and is no part of `pem`.
        request: the request as the `cryptography` package has it.
    """

    private_key: PrivateKey
    request: x509.CertificateSigningRequest

    @classmethod
    def create(
        cls,
        key: PrivateKey,
        *names: str,
        common_name: str | None = None,
        subject: Subject | None = None,
        signature_hash: str = "sha256",
    ) -> CSR:
        """A request for these names, signed by the key.

        Args:
            key: the key to be certified.
            names: what the certificate shall be for, as in `CA.issue`; none gives a request without subjectAltName.
            common_name: the subject's common name.
            subject: further attributes of the subject by the keys of `DN_ATTRIBUTES`.
            signature_hash: `"sha256"`, `"sha384"` or `"sha512"`.

        Raises:
            PkiError: for a name that no server has, or values that no request can carry.
        """
        name = distinguished_name(subject, common_name)
        builder = x509.CertificateSigningRequestBuilder(name)
        if names:
            extension = alternative_names_extension(name, tuple(map(server_name, names)))
            builder = builder.add_extension(extension.value, critical=extension.critical)
        return cls(
            private_key=key, request=builder.sign(key.signing_key, strong_hash_for(key.signing_key, signature_hash))
        )

    @property
    def pem(self) -> Blob:
        """The request as PEM."""
        return Blob(self.request.public_bytes(Encoding.PEM))

    @property
    def names(self) -> tuple[str, ...]:
        """The DNS names and IP addresses that are asked for, in the request's order, IDNs as A-labels."""
        return alternative_names(self.request.extensions)

    @property
    def public_key_sha256(self) -> str:
        """SHA-256 of the request's DER SubjectPublicKeyInfo, lower-case hex."""
        return spki_sha256(self.request.public_key())

    def text(self) -> str:
        """What `openssl req -noout -text` prints of the request.

        Raises:
            PkiError: when the openssl program is missing or refuses the request.
        """
        return openssl("req", "-noout", "-text", stdin=self.pem.content)
