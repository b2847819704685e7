"""What the configuration of a virtual host comes to: protocols, suites, groups, and the keys of its certificates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from pytest_modssl.errors import TlsError
from pytest_modssl.tls.kinds import kind_of
from pytest_modssl.tls.names import PROTOCOLS, cipher_suites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.faq.evidence import Evidence, Place, Used
    from pytest_modssl.tls.suites import CipherSuite

_TLS13 = "TLSv1.3"
# What OpenSSL 1.1.1 to 3.6 uses up to TLS 1.2 unless told otherwise (SSL_CTX_set1_groups(3)).
_DEFAULT_GROUPS = ("x25519", "secp256r1", "x448", "secp521r1", "secp384r1")
# Other names that OpenSSL takes for groups, in small letters.
_OTHER_NAMES = {
    "p-256": "secp256r1",
    "prime256v1": "secp256r1",
    "p-384": "secp384r1",
    "p-521": "secp521r1",
    "x25519": "x25519",
    "x448": "x448",
}
# httpd manual, SSLProtocol: all of them but SSLv3.
_ALL = frozenset(PROTOCOLS) - {"SSLv3"}


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a configured certificate.

    Attributes:
        kind: in words: "EC", "RSA", "DSA", "Ed25519".
        authentication: of the suites up to TLS 1.2 that it serves for: "ECDSA", "RSA", "DSS".
        curve: of an EC key, by its name at IANA; empty for others.
        place: where it is configured.
    """

    kind: str
    authentication: str
    curve: str
    place: Place | None


def protocols_of(words: Sequence[str]) -> tuple[str, ...]:
    """The protocols that count of SSLProtocol: from the newest down to the first hole.

    Args:
        words: its arguments. A word with a sign adds or takes away, one without replaces (httpd manual, SSLProtocol).
    """
    chosen: set[str] = set()
    for word in words:
        name = word.lstrip("+-").lower()
        meant = {one for one in _ALL if name == "all"} or {one for one in PROTOCOLS if one.lower() == name}
        chosen = chosen | meant if word.startswith("+") else chosen - meant if word.startswith("-") else meant
    newest_first = dropwhile(lambda one: one not in chosen, reversed(list(PROTOCOLS)))
    return tuple(takewhile(lambda one: one in chosen, newest_first))


def named_suites(cipher_string: str) -> tuple[CipherSuite, ...] | None:
    """The suites up to TLS 1.2 that a cipher string stands for, in no order; none where only its OpenSSL can tell.

    Args:
        cipher_string: as for SSLCipherSuite. HIGH, DEFAULT and their like differ from version to version.
    """
    chosen: set[int] = set()
    for word in re.split(r"[:, ]+", cipher_string):
        sign = word[:1] if word[:1] in {"!", "-", "+", "@"} else ""
        if sign in {"+", "@"} or not word:
            continue  # neither an order nor a security level adds a suite
        try:
            fits = kind_of(word.removeprefix(sign))
        except TlsError:
            if sign:
                continue  # at most too many are left, and those that are named stay the same
            return None
        meant = {one.code for one in cipher_suites("TLSv1.2") if fits(one)}
        chosen = chosen - meant if sign else chosen | meant
    return tuple(one for one in cipher_suites("TLSv1.2") if one.code in chosen)


def cipher_string(evidence: Evidence, host: str, protocol: str | None) -> Used | None:
    """The SSLCipherSuite that counts for a protocol in a virtual host; those of TLS 1.3 are set apart.

    Args:
        evidence: what is known.
        host: "www.example.test:443".
        protocol: "TLSv1.3"; any other stands for all up to TLS 1.2.
    """
    apart = protocol == _TLS13
    found = evidence.settings("SSLCipherSuite", host=host, fits=lambda one: (one.words[:1] == (_TLS13,)) is apart)
    return next(reversed(found), None)


def group_setting(evidence: Evidence, host: str) -> Used | None:
    """The SSLOpenSSLConfCmd that sets the groups of a virtual host; arguments as for `cipher_string`."""
    found = (evidence.find("SSLOpenSSLConfCmd", host=host, word=word) for word in ("Curves", "Groups"))
    return next((one for one in found if one is not None and len(one.words) > 1), None)


def groups_of(evidence: Evidence, host: str) -> tuple[tuple[str, ...], Place | None]:
    """The groups that a virtual host may use by their names at IANA, and where that is configured.

    Args:
        evidence: what is known.
        host: "www.example.test:443".
    """
    used = group_setting(evidence, host)
    if used is None:
        return _DEFAULT_GROUPS, None
    return tuple(map(_group, re.split(r"[:/]", used.words[1]))), used.place


def _group(name: str) -> str:
    bare = name.lstrip("?*-")
    return _OTHER_NAMES.get(bare.lower(), bare)


def keys_of(evidence: Evidence, host: str) -> tuple[Key, ...]:
    """The keys of a virtual host's certificates; none where a file is not ours, so that not all are known.

    Args:
        evidence: what is known.
        host: "www.example.test:443".
    """
    found = []
    for one in evidence.settings("SSLCertificateFile", host=host):
        written = evidence.written(one.words[0]) if one.words else None
        if written is None:
            return ()
        try:
            key = x509.load_pem_x509_certificate(written[0]).public_key()
        except ValueError:
            return ()
        found.append(_key(key, one.place))
    return tuple(found)


def _key(key: object, place: Place | None) -> Key:
    if isinstance(key, rsa.RSAPublicKey):
        return Key("RSA", "RSA", "", place)
    if isinstance(key, dsa.DSAPublicKey):
        return Key("DSA", "DSS", "", place)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return Key("EC", "ECDSA", key.curve.name, place)
    # Ed25519 and Ed448 serve for the suites of ECDSA (RFC 8422 section 5.10) and have no curve that a client lists.
    return Key(type(key).__name__.lstrip("_").removesuffix("PublicKey"), "ECDSA", "", place)
