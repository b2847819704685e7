"""SRP verifiers (RFC 5054), and the file of them that SSLSRPVerifierFile names, as `openssl srp` writes it.

A verifier is what a server keeps instead of a password: whoever has it can try passwords against it, so it is shown
nowhere.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from pytest_modssl.errors import PkiError
from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.dh import dh_prime

# RFC 5054 appendix A: the primes of its own, with generator 2, and the generators for those of RFC 3526.
_PRIMES: Final = {
    "1024": int(
        "EEAF0AB9ADB38DD69C33F80AFA8FC5E86072618775FF3C0B9EA2314C9C256576D674DF7496EA81D3383B4813D692C6E0"
        "E0D5D8E250B98BE48E495C1D6089DAD15DC7D7B46154D6B6CE8EF4AD69B15D4982559B297BCF1885C529F566660E57EC"
        "68EDBC3C05726CC02FD4CBF4976EAA9AFD5138FE8376435B9FC61D2FC0EB06E3",
        16,
    ),
    "1536": int(
        "9DEF3CAFB939277AB1F12A8617A47BBBDBA51DF499AC4C80BEEEA9614B19CC4D5F4F5F556E27CBDE51C6A94BE4607A29"
        "1558903BA0D0F84380B655BB9A22E8DCDF028A7CEC67F0D08134B1C8B97989149B609E0BE3BAB63D47548381DBC5B1FC"
        "764E3F4B53DD9DA1158BFD3E2B9C8CF56EDF019539349627DB2FD53D24B7C48665772E437D6C7F8CE442734AF7CCB7AE"
        "837C264AE3A9BEB87F8A2FE9B8B5292E5A021FFF5E91479E8CE7A28C2442C6F315180F93499A234DCF76E3FED135F9BB",
        16,
    ),
    "2048": int(
        "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050A37329CBB4A099ED8193E0757767A13D"
        "D52312AB4B03310DCD7F48A9DA04FD50E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B8"
        "55F97993EC975EEAA80D740ADBF4FF747359D041D5C33EA71D281E446B14773BCA97B43A23FB801676BD207A436C6481"
        "F1D2B9078717461A5B9D32E688F87748544523B524B0D57D5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6"
        "AF874E7303CE53299CCC041C7BC308D82A5698F3A8D0C38271AE35F8E9DBFBB694B5C803D89F7AE435DE236D525F5475"
        "9B65E372FCD68EF20FA7111F9E4AFF73",
        16,
    ),
}
_GENERATORS: Final = {"3072": 5, "4096": 5, "6144": 5, "8192": 19}
SRP_GROUPS: Final = (*_PRIMES, *_GENERATORS)
"""The groups of RFC 5054 appendix A, by the bits of their prime as `openssl srp -gn` calls them."""

# As many as `openssl srp` takes (SRP_RANDOM_SALT_LEN of openssl/srp.h).
_SALT_BYTES: Final = 20
# RFC 5054 section 2.8.1 and 2.5.3: user name and salt go over the wire with one byte of length.
_WIRE_LIMIT: Final = 255
# crypto/srp/srp_vfy.c of OpenSSL has Base64 with an alphabet of its own.
_ALPHABET: Final = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz./",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SrpVerifier:
    """What a server knows of one user: neither the password, nor what could be sent in its place.

    Args:
        user: the name that the client sends in clear, `SSL_SRP_USER`.
        salt: random bytes that the server tells the client, the first of them not zero.
        verifier: g^x mod N (RFC 5054 section 2.4).
        group: one of `SRP_GROUPS`.
        info: free text, `SSL_SRP_USERINFO`.
    """

    user: str
    salt: bytes = field(repr=False)
    verifier: int = field(repr=False)
    group: str
    info: str = ""

    def line(self) -> str:
        """Its line of a verifier file: type, verifier, salt, user, group, info, parted by tabs (`openssl srp`)."""
        number = self.verifier.to_bytes((self.verifier.bit_length() + 7) // 8, "big")
        return "\t".join(["V", _base64(number), _base64(self.salt), self.user, self.group, self.info])


def srp_verifier(
    user: str, password: str, *, group: str = "2048", salt: bytes | None = None, info: str = ""
) -> SrpVerifier:
    """The verifier of a user's password: x = SHA1(salt | SHA1(user | ":" | password)), v = g^x mod N (RFC 5054 2.4).

    Args:
        user: the user's name, 1 to 255 bytes as UTF-8, without tabs and line ends.
        password: the password; it is kept nowhere.
        group: one of `SRP_GROUPS`, the bits of N.
        salt: 1 to 255 bytes, the first of them not zero; 20 random ones unless given.
        info: free text, without tabs and line ends.

    Raises:
        PkiError: for a name, salt, text or group that a verifier file or the protocol cannot have.
    """
    if group not in SRP_GROUPS:
        raise PkiError(f"There is no SRP group {group!r}; use one of {', '.join(SRP_GROUPS)} (RFC 5054 appendix A).")
    name = user.encode()
    if not 0 < len(name) <= _WIRE_LIMIT:
        raise PkiError(f"user {user!r}: RFC 5054 section 2.8.1 has room for 1 to {_WIRE_LIMIT} bytes, not {len(name)}.")
    for what, text in (("user", user), ("info", info)):
        if any(one in text for one in "\t\r\n\0"):
            raise PkiError(f"{what} {text!r}: a verifier file parts its fields by tabs and its users by line ends.")
    if salt is None:
        salt = bytes([1 + secrets.randbelow(255)]) + secrets.token_bytes(_SALT_BYTES - 1)
    # OpenSSL reads the salt as a number: what it tells the client has no zeros in front.
    if not 0 < len(salt) <= _WIRE_LIMIT or salt[0] == 0:
        raise PkiError(f"A salt of {len(salt)} bytes: 1 to {_WIRE_LIMIT} are needed, the first of them not zero.")
    prime = _PRIMES[group] if group in _PRIMES else dh_prime(f"rfc3526-{group}")
    generator = _GENERATORS.get(group, 2)
    inner = hashlib.sha1(name + b":" + password.encode(), usedforsecurity=False).digest()
    exponent = int.from_bytes(hashlib.sha1(salt + inner, usedforsecurity=False).digest(), "big")
    return SrpVerifier(user=user, salt=salt, verifier=pow(generator, exponent, prime), group=group, info=info)


def srp_verifier_file(*verifiers: SrpVerifier) -> Blob:
    """What belongs into SSLSRPVerifierFile; `ServerConfig(pki={"users.srpv": ...})` carries it to the server.

    Args:
        verifiers: one for each user.

    Raises:
        PkiError: where two are of one user: OpenSSL would take the first.
    """
    users = [one.user for one in verifiers]
    twice = sorted({one for one in users if users.count(one) > 1})
    if twice:
        raise PkiError(f"Two verifiers of one user: {', '.join(twice)}.")
    return Blob("".join(f"{one.line()}\n" for one in verifiers).encode())


def _base64(content: bytes) -> str:
    """Base64 as OpenSSL has it here: zeros go in front, and their digits are left out again (srp_vfy.c, t_tob64)."""
    zeros = -len(content) % 3
    return base64.b64encode(bytes(zeros) + content).translate(_ALPHABET).decode()[zeros:]
