"""That keys belong to certificates, and that nobody but their owner can read them."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from pytest_modssl.asserts._collect import fail_alone, require
from pytest_modssl.errors import Mismatch, PkiError
from pytest_modssl.faq import Diagnosis, Finding, entry
from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.csr import CSR
from pytest_modssl.pki.keys import PrivateKey, modulus_md5, spki_sha256
from pytest_modssl.pki.leaf import LeafCert

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes

    from pytest_modssl.targets.server import Server

HasPublicKey: TypeAlias = (
    PrivateKey
    | CSR
    | LeafCert
    | x509.Certificate
    | x509.CertificateSigningRequest
    | Blob
    | bytes
    | str
    | os.PathLike[str]
)
"""What has a public key: an object of `pki` or of `cryptography`, PEM as bytes, or the path of a PEM file."""

_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
# Where a key may stand with its certificate: a server's, where no other file is named, and a proxy's always.
_WITH_KEY = frozenset({"sslcertificatefile", "sslproxymachinecertificatefile"})


def assert_key_matches(
    key: HasPublicKey, *others: HasPublicKey, by_modulus: bool = False, pass_phrase: str | None = None
) -> None:
    """Return if the private key belongs to every other thing: certificate, request, or key. Needs no server.

    Of a file with several certificates the first counts, as for httpd; of `key` with a private key, that.

    Args:
        key: the private key, or whatever the others are to be held against.
        others: what must have its public half.
        by_modulus: compare the MD5 of the modulus, as mod_ssl's FAQ does, which only RSA has; otherwise the SHA-256 of
            the public key, which every type has.
        pass_phrase: what opens private keys that are given as PEM.

    Raises:
        ModsslAssertionError: with each that does not match.
        PkiError: for what holds no public key, or with `by_modulus` one that is not RSA.
    """
    __tracebackhide__ = True
    measure = _modulus if by_modulus else _sha256
    name = "modulus, MD5" if by_modulus else "public key, SHA-256"
    wanted = measure(_key_of(key), pass_phrase)
    mismatches = [
        Mismatch(f"{_named(one)}: {name}", wanted, found)
        for one in others
        if (found := measure(one, pass_phrase)) != wanted
    ]
    if mismatches:
        finding = Finding(
            seen=tuple(map(str, mismatches)), cause=f"{mismatches[0].what.partition(':')[0]} is not of {_named(key)}"
        )
        fail_alone(f"what belongs to {_named(key)}", mismatches, [Diagnosis(entry("key-matches-certificate"), finding)])


def assert_private_keys_protected(server: Server) -> tuple[str, ...]:
    """The files of the private keys that the server uses, none of which anybody but its owner may read or write.

    Args:
        server: the server to look at; its files are looked at where it runs.

    Raises:
        ModsslAssertionError: with every file that others may read or write.
    """
    __tracebackhide__ = True
    paths: dict[str, None] = {}
    for one in server.evidence().directives:
        name = one.name.lower()
        holds = name in _WITH_KEY and _KEY.search(server.instance.content(one.words[0]) or b"")
        if holds or name == "sslcertificatekeyfile":
            paths[one.words[0]] = None
    modes = {path: server.instance.mode(path) for path in paths}
    require(
        server,
        "private keys",
        [
            Mismatch(f"private key {path}", "no permission for group and others (0600, 0400)", f"{mode & 0o7777:04o}")
            for path, mode in modes.items()
            if mode is not None and mode & (stat.S_IRWXG | stat.S_IRWXO)
        ],
    )
    return tuple(paths)


def _key_of(thing: HasPublicKey) -> HasPublicKey:
    """Of a file with certificate and key the key: that is what is to match."""
    found = _KEY.search(_content(thing)) if isinstance(thing, (Blob, bytes, str, os.PathLike)) else None
    return thing if found is None else found[0] + b"\n"


def _sha256(thing: HasPublicKey, pass_phrase: str | None) -> str:
    return spki_sha256(_public_key(thing, pass_phrase))


def _modulus(thing: HasPublicKey, pass_phrase: str | None) -> str:
    key = _public_key(thing, pass_phrase)
    if not isinstance(key, rsa.RSAPublicKey):
        raise PkiError(f"{_named(thing)} has no modulus, as its key is not RSA: leave by_modulus=True out.")
    return modulus_md5(key)


def _public_key(thing: HasPublicKey, pass_phrase: str | None) -> CertificatePublicKeyTypes | PublicKeyTypes:
    if isinstance(thing, PrivateKey):
        return thing.signing_key.public_key()
    if isinstance(thing, CSR):
        return thing.request.public_key()
    if isinstance(thing, LeafCert):
        return thing.certificate.public_key()
    if isinstance(thing, (x509.Certificate, x509.CertificateSigningRequest)):
        return thing.public_key()
    return _public_key_in(_content(thing), _named(thing), pass_phrase)


def _content(thing: Blob | bytes | str | os.PathLike[str]) -> bytes:
    if isinstance(thing, Blob):
        return thing.bytes()
    if isinstance(thing, bytes):
        return thing
    try:
        return Path(thing).read_bytes()
    except OSError as error:
        raise PkiError(f"{thing} cannot be read: {error.strerror}.") from None


def _public_key_in(pem: bytes, name: str, pass_phrase: str | None) -> CertificatePublicKeyTypes | PublicKeyTypes:
    """The public key of the first block that has one."""
    first = next((one for one in Blob(pem).kind.split(" + ") if not one.endswith("PARAMETERS")), "")
    try:
        if first == "CERTIFICATE":
            return x509.load_pem_x509_certificate(pem).public_key()
        if first.endswith("CERTIFICATE REQUEST"):
            return x509.load_pem_x509_csr(pem).public_key()
        if first == "PUBLIC KEY":
            return load_pem_public_key(pem)
    except ValueError as error:
        raise PkiError(f"{name} cannot be read as {first}: {error}.") from None
    if first.endswith("PRIVATE KEY"):
        encrypted = b"ENCRYPTED" in pem
        return PrivateKey.load(pem, pass_phrase if encrypted else None).signing_key.public_key()
    raise PkiError(f"{name} ({Blob(pem).kind}) holds no certificate, request or key.")


def _named(thing: HasPublicKey) -> str:
    """A thing as a message may name it: never by its content."""
    if isinstance(thing, PrivateKey):
        return f"the {thing.type} key"
    if isinstance(thing, CSR):
        return f"the request of {thing.request.subject.rfc4514_string() or 'nobody'}"
    if isinstance(thing, LeafCert):
        return f"the certificate of {thing.certificate.subject.rfc4514_string() or 'nobody'}"
    if isinstance(thing, x509.Certificate):
        return f"the certificate of {thing.subject.rfc4514_string() or 'nobody'}"
    if isinstance(thing, x509.CertificateSigningRequest):
        return f"the request of {thing.subject.rfc4514_string() or 'nobody'}"
    if isinstance(thing, (Blob, bytes)):
        return repr(thing if isinstance(thing, Blob) else Blob(thing))
    return os.fspath(thing)
