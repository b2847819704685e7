"""Signatures of certificates, those with MD5 and SHA-1 among them, which the X.509 builder refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import _der
from pytest_modssl.pki.keys import key_type_of

if TYPE_CHECKING:
    from pytest_modssl.pki.keys import SigningKey

_StrongHash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_HashingKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | dsa.DSAPrivateKey

_STRONG: Final[dict[str, _StrongHash]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_WEAK: Final[dict[str, hashes.HashAlgorithm]] = {"md5": hashes.MD5(), "sha1": hashes.SHA1()}  # noqa: S303 - weak on purpose
SIGNATURE_HASHES: Final = (*_WEAK, *_STRONG)

# DER AlgorithmIdentifier by kind of key and hash: RFC 3279 sections 2.2.1 (RSA), 2.2.2 (DSA) and 2.2.3 (ECDSA).
_WEAK_ALGORITHMS: Final = {
    ("rsa", "md5"): bytes.fromhex("300d06092a864886f70d0101040500"),
    ("rsa", "sha1"): bytes.fromhex("300d06092a864886f70d0101050500"),
    ("dsa", "sha1"): bytes.fromhex("300906072a8648ce380403"),
    ("ec", "sha1"): bytes.fromhex("300906072a8648ce3d0401"),
}


def sign_certificate(builder: x509.CertificateBuilder, key: SigningKey, signature_hash: str) -> x509.Certificate:
    """The certificate of a complete builder.

    Args:
        builder: all that the certificate says.
        key: the issuer's key; Ed25519 brings its own hash (RFC 8410 section 3) in place of a strong one.
        signature_hash: one of `SIGNATURE_HASHES`.

    Raises:
        PkiError: for an unknown hash, or a weak one that this kind of key never signs with.
    """
    if signature_hash in _WEAK:
        return _sign_weakly(builder, key, signature_hash)
    return builder.sign(key, strong_hash_for(key, signature_hash))


def strong_hash_for(key: SigningKey, name: str) -> _StrongHash | None:
    """The hash for what only strong hashes sign; `None` for Ed25519, which brings its own (RFC 8410 section 3).

    Raises:
        PkiError: when the name is that of no strong hash.
    """
    if name not in _STRONG:
        allowed = ", ".join(_STRONG)
        raise PkiError(f"There is no signature hash {name!r}; use {allowed}, or for certificates {', '.join(_WEAK)}.")
    return None if isinstance(key, ed25519.Ed25519PrivateKey) else _STRONG[name]


def _sign_weakly(builder: x509.CertificateBuilder, key: SigningKey, signature_hash: str) -> x509.Certificate:
    """A strongly signed certificate, whose algorithm and signature are then exchanged (RFC 5280 section 4.1)."""
    family = key_type_of(key).partition("-")[0]
    algorithm = _WEAK_ALGORITHMS.get((family, signature_hash))
    if isinstance(key, ed25519.Ed25519PrivateKey) or algorithm is None:
        raise PkiError(f"Nothing is signed with {signature_hash} and a key of type {family}; use an RSA key for that.")
    strong = builder.sign(key, hashes.SHA256())
    version, serial, _, *rest = _der.split(_der.content_of(strong.tbs_certificate_bytes))
    signed = _der.sequence(version, serial, algorithm, *rest)
    signature = _der.bit_string(_sign(key, signed, _WEAK[signature_hash]))
    return x509.load_der_x509_certificate(_der.sequence(signed, algorithm, signature))


def _sign(key: _HashingKey, signed: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(signed, ec.ECDSA(algorithm))
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(signed, algorithm)
    return key.sign(signed, padding.PKCS1v15(), algorithm)
