"""Signatures of certificates, those with MD5 and SHA-1 among them, which the X.509 builder refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import _der

if TYPE_CHECKING:
    from pytest_modssl.pki.keys import SigningKey

_STRONG: Final[dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_WEAK: Final[dict[str, hashes.HashAlgorithm]] = {"md5": hashes.MD5(), "sha1": hashes.SHA1()}  # noqa: S303 - weak on purpose
SIGNATURE_HASHES: Final = (*_WEAK, *_STRONG)

# DER AlgorithmIdentifier by key family and hash. RFC 3279 sections 2.2.1 (RSA, NULL parameters), 2.2.2 (DSA), 2.2.3 (ECDSA).
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
        key: the issuer's key; Ed25519 brings its own hash (RFC 8410 section 3), and the argument is then not looked at.
        signature_hash: one of `SIGNATURE_HASHES`.

    Raises:
        PkiError: for an unknown hash, or MD5 with a key that has no such signature.
    """
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return builder.sign(key, None)
    if signature_hash in _WEAK:
        return _sign_weakly(builder, key, signature_hash)
    return builder.sign(key, strong_hash(signature_hash))


def strong_hash(name: str) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """The hash of that name, for what only strong hashes sign.

    Raises:
        PkiError: when the name is none of them.
    """
    try:
        return _STRONG[name]
    except KeyError:
        raise PkiError(f"There is no signature hash {name!r}; use one of {', '.join(SIGNATURE_HASHES)}.") from None


def _sign_weakly(builder: x509.CertificateBuilder, key: SigningKey, signature_hash: str) -> x509.Certificate:
    """A strongly signed certificate, whose algorithm and signature are then exchanged (RFC 5280 section 4.1)."""
    family = (
        "ec" if isinstance(key, ec.EllipticCurvePrivateKey) else "dsa" if isinstance(key, dsa.DSAPrivateKey) else "rsa"
    )
    try:
        algorithm = _WEAK_ALGORITHMS[family, signature_hash]
    except KeyError:
        raise PkiError(
            f"No certificate is signed with {family} and {signature_hash} (RFC 3279); use RSA for it."
        ) from None
    strong = builder.sign(key, hashes.SHA256())
    version, serial, _, *rest = _der.split(_der.content_of(strong.tbs_certificate_bytes))
    signed = _der.sequence(version, serial, algorithm, *rest)
    return x509.load_der_x509_certificate(
        _der.sequence(signed, algorithm, _der.bit_string(_raw(key, signed, signature_hash)))
    )


def _raw(key: SigningKey, signed: bytes, signature_hash: str) -> bytes:
    algorithm = _WEAK[signature_hash]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(signed, ec.ECDSA(algorithm))
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(signed, algorithm)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(signed)
    return key.sign(signed, padding.PKCS1v15(), algorithm)
