"""Cipher suites, read from `cipher_suites.csv` beside this module.

The table has the suites of IANA's registry "TLS Cipher Suites" (as of 2026-08) and those that OpenSSL named and IANA
does not list: the 56-bit export suites 0x0060-0x0066 and older numbers of GOST. The names of OpenSSL are those of 1.1.0
and later, from its ssl3.h, tls1.h and s3_lib.c; suites which it has dropped keep their last name. `minimum` is the
oldest protocol that OpenSSL uses the suite with (`openssl ciphers -V`, 3.0.22), for some older than their RFC allows.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE: Final = Path(__file__).with_name("cipher_suites.csv")

_EXCHANGES: Final = MappingProxyType(
    {
        "RSA": ("RSA", "RSA"),
        "DH_DSS": ("DH", "DSS"),
        "DH_RSA": ("DH", "RSA"),
        "DHE_DSS": ("DHE", "DSS"),
        "DHE_RSA": ("DHE", "RSA"),
        "DH_anon": ("DHE", "anon"),
        "ECDH_ECDSA": ("ECDH", "ECDSA"),
        "ECDH_RSA": ("ECDH", "RSA"),
        "ECDHE_ECDSA": ("ECDHE", "ECDSA"),
        "ECDHE_RSA": ("ECDHE", "RSA"),
        "ECDH_anon": ("ECDHE", "anon"),
        "PSK": ("PSK", "PSK"),
        "DHE_PSK": ("DHE_PSK", "PSK"),
        "RSA_PSK": ("RSA_PSK", "RSA"),
        "ECDHE_PSK": ("ECDHE_PSK", "PSK"),
        "SRP_SHA": ("SRP", "SRP"),
        "SRP_SHA_RSA": ("SRP", "RSA"),
        "SRP_SHA_DSS": ("SRP", "DSS"),
        "KRB5": ("KRB5", "KRB5"),
    }
)
"""Key exchange and authentication by the part of a suite's name before `_WITH_`. Source: the RFCs of these suites;
anonymous exchanges are ephemeral (RFC 5246 section 7.2, RFC 4492 section 2.5)."""

_AEAD: Final = re.compile(r"_(GCM|CCM|POLY1305|MGM)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CipherSuite:
    """One cipher suite.

    Args:
        code: Its number on the wire.
        name: IANA's name.
        openssl_name: OpenSSL's name, None where it never had one.
        key_exchange: RSA, DH, DHE, ECDH, ECDHE, PSK, DHE_PSK, RSA_PSK, ECDHE_PSK, SRP, KRB5, ECCPWD, GOST, or any (TLS
            1.3).
        authentication: RSA, DSS, ECDSA, PSK, SRP, KRB5, ECCPWD, GOST, anon, or any (TLS 1.3).
        encryption: The cipher and its mode as in IANA's name, "AES_128_GCM"; "SHA256" for the two of TLS 1.3
            that do not encrypt.
        mac: The last part of IANA's name, "SHA256": for AEAD ciphers the hash of the key derivation.
        export: Whether it is weak on purpose, for the export rules of the 1990s.
        aead: Whether the cipher itself protects integrity.
        minimum: The oldest protocol that OpenSSL uses it with.
        maximum: The newest protocol that it may be used with.
    """

    code: int
    name: str
    openssl_name: str | None
    key_exchange: str
    authentication: str
    encryption: str
    mac: str
    export: bool
    aead: bool
    minimum: str
    maximum: str

    def __str__(self) -> str:
        return self.openssl_name or self.name

    @property
    def forward_secret(self) -> bool:
        """Whether a key that leaks later does not open what was recorded before."""
        return self.key_exchange in {"DHE", "ECDHE", "DHE_PSK", "ECDHE_PSK", "SRP", "any"}


@cache
def suites_by_code() -> Mapping[int, CipherSuite]:
    """Every known suite by its number."""
    with _TABLE.open(encoding="ascii", newline="") as lines:
        suites = [_suite(row) for row in csv.DictReader(lines)]
    return MappingProxyType({suite.code: suite for suite in suites})


@cache
def suites_by_name() -> Mapping[str, CipherSuite]:
    """Every known suite by IANA's name and by OpenSSL's, present and before 1.1.0 (EDH for DHE)."""
    names: dict[str, CipherSuite] = {}
    for suite in suites_by_code().values():
        names.setdefault(suite.name, suite)
        if suite.openssl_name is not None:
            names[suite.openssl_name] = suite
            if "-DES-CBC" in suite.openssl_name:
                names[suite.openssl_name.replace("DHE-", "EDH-")] = suite
    return MappingProxyType(names)


def _suite(row: Mapping[str, str]) -> CipherSuite:
    name = row["name"]
    before, separator, cipher = name.removeprefix("TLS_").partition("_WITH_")
    if not separator:  # a name of TLS 1.3 says nothing of key exchange
        before, cipher = "any", before
    exchange = re.sub(r"_EXPORT(1024)?$", "", before)
    key_exchange, authentication = _EXCHANGES.get(exchange, (exchange, exchange))
    if exchange.startswith("GOST"):
        key_exchange = authentication = "any" if row["minimum"] == "TLSv1.3" else "GOST"
    bare_ccm = cipher.endswith(("CCM", "CCM_8"))  # RFC 6655 and 7251 leave SHA256 out of the name
    encryption, _, mac = (cipher, "", "SHA256") if bare_ccm else cipher.rpartition("_")
    return CipherSuite(
        code=int(row["code"], 16),
        name=name,
        openssl_name=row["openssl_name"] or None,
        key_exchange=key_exchange,
        authentication=authentication,
        encryption=encryption,
        mac=mac,
        export="_EXPORT" in before,
        aead=_AEAD.search(cipher) is not None,
        minimum=row["minimum"],
        maximum="TLSv1.3" if row["minimum"] == "TLSv1.3" else "TLSv1.2",
    )
