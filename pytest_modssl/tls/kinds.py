"""Kinds of cipher suites, in the words that `openssl ciphers` has for them.

A pattern is the name of a suite (OpenSSL's or IANA's), a kind, or several of both joined by `+`, all of which must
hold: "RC4", "aNULL", "ECDHE+AESGCM", "TLSv1.2+CBC". OpenSSL's HIGH, MEDIUM, LOW and DEFAULT are left out: what they
stand for changes from version to version.
"""

from __future__ import annotations

import difflib
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import TlsError
from pytest_modssl.tls.names import PROTOCOLS, cipher_suite
from pytest_modssl.tls.suites import suites_by_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_modssl.tls.suites import CipherSuite

    Kind = Callable[[CipherSuite], bool]


def _exchange(*names: str) -> Kind:
    return lambda suite: suite.key_exchange in names


def _authentication(*names: str) -> Kind:
    return lambda suite: suite.authentication in names


def _encryption(*pieces: str) -> Kind:
    return lambda suite: any(piece in f"_{suite.encryption}_" for piece in pieces)


def _mac(*names: str) -> Kind:
    return lambda suite: suite.mac in names and not suite.aead


def _anonymous(exchange: str) -> Kind:
    return lambda suite: suite.key_exchange == exchange and suite.authentication == "anon"


def _authenticated(exchange: str) -> Kind:
    return lambda suite: suite.key_exchange == exchange and suite.authentication != "anon"


def _since(protocol: str) -> Kind:
    return lambda suite: suite.minimum == protocol


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "ALL": lambda _: True,
        # Key exchange
        "kRSA": _exchange("RSA"),
        "RSA": _exchange("RSA"),
        "kDHE": _exchange("DHE"),
        "kEDH": _exchange("DHE"),
        "DHE": _authenticated("DHE"),
        "EDH": _authenticated("DHE"),
        "ADH": _anonymous("DHE"),
        "DH": _exchange("DH", "DHE"),
        "kECDHE": _exchange("ECDHE"),
        "kEECDH": _exchange("ECDHE"),
        "ECDHE": _authenticated("ECDHE"),
        "EECDH": _authenticated("ECDHE"),
        "AECDH": _anonymous("ECDHE"),
        "ECDH": _exchange("ECDH", "ECDHE"),
        "kPSK": _exchange("PSK"),
        "PSK": _exchange("PSK", "DHE_PSK", "RSA_PSK", "ECDHE_PSK"),
        "SRP": _exchange("SRP"),
        "kSRP": _exchange("SRP"),
        # Authentication
        "aRSA": _authentication("RSA"),
        "aECDSA": _authentication("ECDSA"),
        "ECDSA": _authentication("ECDSA"),
        "aDSS": _authentication("DSS"),
        "DSS": _authentication("DSS"),
        "aPSK": _authentication("PSK"),
        "aSRP": _authentication("SRP"),
        "aNULL": _authentication("anon"),
        # Encryption
        "eNULL": _encryption("_NULL_"),
        "NULL": _encryption("_NULL_"),
        "AES": _encryption("_AES_"),
        "AES128": _encryption("_AES_128_"),
        "AES256": _encryption("_AES_256_"),
        "AESGCM": _encryption("_AES_128_GCM_", "_AES_256_GCM_"),
        "AESCCM": _encryption("_CCM_"),
        "AESCCM8": _encryption("_CCM_8_"),
        "CHACHA20": _encryption("_CHACHA20_"),
        "CAMELLIA": _encryption("_CAMELLIA_"),
        "CAMELLIA128": _encryption("_CAMELLIA_128_"),
        "CAMELLIA256": _encryption("_CAMELLIA_256_"),
        "ARIA": _encryption("_ARIA_"),
        "ARIA128": _encryption("_ARIA_128_"),
        "ARIA256": _encryption("_ARIA_256_"),
        "SEED": _encryption("_SEED_"),
        "IDEA": _encryption("_IDEA_"),
        "3DES": _encryption("_3DES_"),
        "DES": _encryption("_DES_", "_DES40_"),
        "RC4": _encryption("_RC4_"),
        "RC2": _encryption("_RC2_"),
        "EXP": lambda suite: suite.export,
        # Integrity
        "MD5": _mac("MD5"),
        "SHA": _mac("SHA"),
        "SHA1": _mac("SHA"),
        "SHA256": _mac("SHA256"),
        "SHA384": _mac("SHA384"),
        # Oldest protocol
        **{protocol: _since(protocol) for protocol in PROTOCOLS},
        # What openssl ciphers has no word for
        "AEAD": lambda suite: suite.aead,
        "CBC": _encryption("_CBC_"),
        "FS": lambda suite: suite.forward_secret,
    }
)
"""Kinds by name. Source: ciphers(1) of OpenSSL 3.0, "Cipher strings"; the last three are this project's own: AEAD, CBC,
and FS for forward secrecy. What asks for key exchange or authentication fits no suite of TLS 1.3, which names neither;
a protocol stands for the suites that came with it, as in ciphers(1)."""


def chosen(suites: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Those of the suites that one of the patterns fits, in their order.

    Args:
        suites: names of suites.
        patterns: see the module.

    Raises:
        TlsError: for a pattern with a word that is neither suite nor kind.
    """
    kinds = [kind_of(one) for one in patterns]
    return tuple(name for name in suites if any(kind(cipher_suite(name)) for kind in kinds))


def first_swap(wanted: Sequence[str], seen: Sequence[str]) -> str:
    """Where an order is first another one than wanted: "A before B", for two orders of the same things."""
    one, other = next((have, want) for have, want in zip(seen, wanted, strict=True) if have != want)
    return f"{one} before {other}"


@cache
def kind_of(pattern: str) -> Kind:
    """Whether a suite fits a pattern, as a function.

    Raises:
        TlsError: for a word that is neither suite nor kind.
    """
    kinds = [_kind(word) for word in pattern.split("+")]
    return lambda suite: all(kind(suite) for kind in kinds)


def _kind(word: str) -> Kind:
    # A suite's own name first: NULL-SHA is one, NULL is a kind.
    named = suites_by_name().get(word)
    if named is not None:
        return lambda suite: suite.code == named.code
    try:
        return KINDS[word]
    except KeyError:
        alike = difflib.get_close_matches(word, [*KINDS, *suites_by_name()], n=3)
        hint = f" Alike are {', '.join(alike)}." if alike else ""
        raise TlsError(
            f"{word!r} is no cipher suite and no kind of them.{hint} Kinds, to be joined by '+': {', '.join(KINDS)}."
        ) from None
