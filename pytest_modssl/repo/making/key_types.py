"""Which type of key a certificate gets that nobody has seen: by file names, by its neighbours, by the suites."""

from __future__ import annotations

import functools
import re
import ssl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

# What parts of file names say, as acme.sh, certbot, lego and the manuals of CAs name their files. A size alone is one
# of RSA: those of curves are 256 and 384.
_TOKENS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(?:ec|ecc|ecdsa|p|ecp|secp|nistp)?384(?:r1)?"), "ec-p384"),
    (re.compile(r"ec|ecc|ecdsa|(?:ec|ecc|ecdsa|p|ecp|secp|nistp)256(?:r1)?|prime256v1"), "ec-p256"),
    (re.compile(r"ed25519|eddsa"), "ed25519"),
    (re.compile(r"(?:dsa|dss)(?:1024)?"), "dsa-2048"),
    (re.compile(r"(?:rsa)?(?P<bits>1024|2048|3072|4096)"), "rsa-{bits}"),
    (re.compile(r"rsa"), "rsa-2048"),
)
# The later of two tokens of one file name is more exact where both are of one family: "rsa", "4096".
_SIZED: Final = re.compile(r"\d{3,}")
# What the certificates of a host are where their names say nothing: first what has been so the longest.
_SEVERAL: Final = ("rsa-2048", "ec-p256", "ed25519")
# certbot has made ECDSA keys on P-256 unless told otherwise since 2.0 (its changelog, 2022-11-21).
DEFAULT: Final = "ec-p256"
_RSA: Final = "rsa-2048"


def told_by_names(paths: Iterable[str], host_names: Iterable[str]) -> str | None:
    """The key type that file names tell, `None` where they tell none.

    Args:
        paths: of the certificate and of its key.
        host_names: names of the host, which tell nothing of the key: `ec.example.com.crt`.
    """
    found: str | None = None
    for path in paths:
        text = "/".join(path.lower().split("/")[-2:])
        for name in host_names:
            text = text.replace(name.lower().removeprefix("*."), " ")
        tokens = re.split(r"[^a-z0-9]+", text)
        for token in tokens:
            told = _of_token(token)
            if told is None or (found is not None and (family(told) != family(found) or not _SIZED.search(token))):
                continue
            found = told
    return found


def family(key_type: str) -> str:
    """What a server has one certificate of: "rsa", "ec", "ed25519", "dsa"."""
    return key_type.partition("-")[0]


def chosen(position: int, neighbours: Sequence[str | None], suites: str | None) -> str:
    """The key type of a certificate whose file names tell none.

    Args:
        position: of the certificate among those of its host.
        neighbours: the types that are known of all certificates of the host, `None` for those that are not.
        suites: the host's SSLCipherSuite, where it has one.
    """
    if len(neighbours) > 1:
        return _beside(position, neighbours)
    return _RSA if suites is not None and needs_rsa(suites) else DEFAULT


def _beside(position: int, neighbours: Sequence[str | None]) -> str:
    taken: Collection[str] = {family(one) for one in neighbours if one is not None}
    free = [one for one in _SEVERAL if family(one) not in taken] or [DEFAULT]
    before = sum(one is None for one in neighbours[:position])
    return free[min(before, len(free) - 1)]


@functools.lru_cache(maxsize=256)
def needs_rsa(suites: str) -> bool:
    """Whether a list of suites has some for RSA certificates and none for those of elliptic curves, TLS 1.3 apart.

    Args:
        suites: as SSLCipherSuite has it (openssl-ciphers(1)).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.set_ciphers(suites)
    except (ssl.SSLError, ValueError):
        # None that the OpenSSL at hand still has: RC4, export, 3DES.
        return "RSA" in suites and "ECDSA" not in suites
    kinds = {str(one.get("auth")) for one in context.get_ciphers()}
    return "auth-rsa" in kinds and "auth-ecdsa" not in kinds


def _of_token(token: str) -> str | None:
    for pattern, key_type in _TOKENS:
        match = pattern.fullmatch(token)
        if match is not None:
            return key_type.format_map(match.groupdict())
    return None
