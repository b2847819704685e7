"""What a repository has at a path, as far as it can be used: certificates, keys, and whether a file is sealed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import PrivateKey
from pytest_modssl.pki.keys import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

# Secrets that a repository keeps encrypted, or elsewhere: Ansible Vault, git-crypt, Git LFS, PGP, age, SOPS; and what a
# template is to fill in.
_SEALED: Final = re.compile(
    rb"\A(?:\$ANSIBLE_VAULT;|\0GITCRYPT\0|version https://git-lfs|age-encryption\.org/)"
    rb"|-----BEGIN (?:PGP MESSAGE|AGE ENCRYPTED FILE)-----|ENC\[AES256_GCM,|\{\{.*\}\}"
)
_KEY: Final = re.compile(
    rb"-----BEGIN (?P<kind>[A-Z ]*)PRIVATE KEY-----.*?-----END (?P=kind)PRIVATE KEY-----", re.DOTALL
)
_CERTIFICATES: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_CERTIFICATE: Final = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")


@dataclass(frozen=True)
class Held:
    """A file that is there.

    Attributes:
        content: its bytes.
        pass_phrase: what opens encrypted keys, where it is known.
    """

    content: bytes = field(repr=False)
    pass_phrase: str | None = field(default=None, repr=False)

    @cached_property
    def certificate(self) -> x509.Certificate | None:
        """Its first certificate; `None` where it has none that can be read."""
        try:
            if _CERTIFICATE.search(self.content):
                return x509.load_pem_x509_certificate(self.content)
            return x509.load_der_x509_certificate(self.content)
        except ValueError:
            return None

    @cached_property
    def certificates(self) -> tuple[x509.Certificate, ...]:
        """All of its certificates that can be read, in order."""
        found = []
        for block in _CERTIFICATES.findall(self.content):
            try:
                found.append(x509.load_pem_x509_certificate(block))
            except ValueError:
                continue
        return tuple(found) or (() if self.certificate is None else (self.certificate,))

    @property
    def has_certificate(self) -> bool:
        """Whether there is a certificate in it, readable or not."""
        return _CERTIFICATE.search(self.content) is not None or self.certificate is not None

    @cached_property
    def key(self) -> PrivateKey | None:
        """Its first private key; `None` where it has none, or one that the pass phrase does not open."""
        block = _KEY.search(self.content)
        try:
            if block is not None:
                return PrivateKey.load(block[0] + b"\n", self.pass_phrase if self.is_encrypted else None)
            key = serialization.load_der_private_key(self.content, None)
        except (PkiError, ValueError, TypeError, UnsupportedAlgorithm):
            return None
        return PrivateKey(signing_key=key) if isinstance(key, SigningKey) else None

    @property
    def has_key(self) -> bool:
        """Whether there is a private key in it, readable or not."""
        return _KEY.search(self.content) is not None or self.key is not None

    @property
    def is_encrypted(self) -> bool:
        """Whether its private key is encrypted (RFC 5958 section 3, RFC 1421 section 4.6.1.1)."""
        block = _KEY.search(self.content)
        return block is not None and (block["kind"] == b"ENCRYPTED " or b"Proc-Type: 4,ENCRYPTED" in block[0])


class Holdings:
    """What is there, asked once for each path.

    Args:
        has: the content of the file at a deployment path, `None` where there is none.
        has_folder: whether a folder is there.
        pass_phrase: what opens the repository's encrypted keys, where it is known.
    """

    def __init__(
        self, has: Callable[[str], bytes | None], has_folder: Callable[[str], bool], pass_phrase: str | None
    ) -> None:
        self._has = has
        self._files: dict[str, Held | None] = {}
        self.has_folder = has_folder
        self.pass_phrase = pass_phrase

    def file(self, path: str) -> Held | None:
        """The file at a path; `None` where there is none, or one that is sealed."""
        if path not in self._files:
            content = self._has(path)
            there = content is not None and _SEALED.search(content) is None
            self._files[path] = Held(content, self.pass_phrase) if there and content is not None else None
        return self._files[path]

    def is_sealed(self, path: str) -> bool:
        """Whether there is a file whose content only others can read."""
        return self.file(path) is None and self._has(path) is not None
