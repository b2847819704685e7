"""ClientHello messages as bytes, made to measure: any version, suite, group or extension, known to a library or not.

Nothing here can finish a handshake: a hello is made to see what the server selects. Key shares therefore carry no
secret that anyone keeps.
"""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING, Final, TypedDict

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import names
from pytest_modssl.tls.records import HANDSHAKE, HandshakeMessage, Record
from pytest_modssl.tls.wire import numbers, vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

TLS12: Final = names.PROTOCOLS["TLSv1.2"]
TLS13: Final = names.PROTOCOLS["TLSv1.3"]

DEFAULT_VERSIONS: Final = ("TLSv1.2", "TLSv1.3")
"""Protocols offered where none are asked for."""

DEFAULT_GROUPS: Final = ("x25519", "secp256r1", "x448", "secp384r1", "secp521r1")
"""Groups offered where none are asked for: those of OpenSSL 3.0 without ffdhe, which OpenSSL 4.0 servers would prefer
to the parameters of their configuration (RFC 7919 section 4)."""

DEFAULT_SCHEMES: Final = tuple(
    name for name in names.SIGNATURE_SCHEMES if not name.endswith("_md5") and not name.startswith(("mldsa", "sm2"))
)
"""Signature schemes offered where none are asked for: any key that an httpd can have, MD5 left out."""

_SHARES: Final = ("x25519", "secp256r1")


class HelloOptions(TypedDict, total=False):
    """What a ClientHello offers; see `client_hello`."""

    versions: Sequence[str]
    suites: Sequence[int | str]
    groups: Sequence[str]
    signature_schemes: Sequence[str]
    key_shares: Sequence[str]
    alpn: Sequence[str]
    compressions: Sequence[int | str]
    session_id: bytes
    srp_user: str
    extensions_off: Sequence[str]


def client_hello(server_name: str | None = None, **options: Unpack[HelloOptions]) -> bytes:
    """A ClientHello in one record, ready to send.

    Args:
        server_name: For SNI, A-labels only; not sent where it is None or an IP address (RFC 6066 section 3).
        **options: What to offer, each in the client's order of preference.

            - versions: Protocols as mod_ssl names them; `DEFAULT_VERSIONS` unless given. Before TLS 1.3 a client
              can name its newest alone, so the newest of them counts.
            - suites: Numbers or names; every suite of these versions unless given.
            - groups: `DEFAULT_GROUPS` unless given; an empty sequence leaves the extension out.
            - signature_schemes: `DEFAULT_SCHEMES` unless given; sent from TLS 1.2 on.
            - key_shares: Of "x25519" and "secp256r1", for TLS 1.3; none unless given. Without one the server selects
              suite and group by HelloRetryRequest.
            - alpn: Application protocols; none unless given.
            - compressions: Numbers or names of methods, ("DEFLATE", "NULL"); ("NULL",) unless given. Every ClientHello
              has that one too (RFC 5246 section 7.4.1.2).
            - session_id: Up to 32 bytes; empty unless given.
            - srp_user: The user name of SRP (RFC 5054 section 2.8.1).
            - extensions_off: Names of extensions (`names.EXTENSIONS`) that are left out.

    Raises:
        TlsError: when a name is not known, or nothing is offered.
    """
    versions = _codes(names.PROTOCOLS, options.get("versions", DEFAULT_VERSIONS), "protocol")
    if not versions:
        raise TlsError(f"versions: a ClientHello offers at least one of {', '.join(names.PROTOCOLS)}.")
    suites = options.get("suites")
    codes = (
        _all_suites(versions)
        if suites is None
        else [one if isinstance(one, int) else names.cipher_suite(one).code for one in suites]
    )
    legacy = min(max(versions), TLS12)
    body = b"".join(
        [
            legacy.to_bytes(2, "big"),
            os.urandom(32),
            vector(1, options.get("session_id", b"")),
            numbers(2, 2, codes),
            numbers(1, 1, map(_compression, options.get("compressions", ("NULL",)))),
        ]
    )
    extensions = _extensions(server_name, versions, options)
    if extensions:
        body += vector(2, b"".join(number.to_bytes(2, "big") + vector(2, content) for number, content in extensions))
    # RFC 8446 section 5.1: a first ClientHello has 0x0301 in its record, for servers that know no better
    return Record(HANDSHAKE, min(legacy, 0x0301), HandshakeMessage(1, body).to_bytes()).to_bytes()


def _extensions(server_name: str | None, versions: Sequence[int], options: HelloOptions) -> list[tuple[int, bytes]]:
    """The extensions to send, by number."""
    newest = max(versions)
    found: dict[str, bytes] = {}
    if server_name is not None and not _is_address(server_name):
        found["server_name"] = vector(2, b"\0" + vector(2, _ascii(server_name)))
    groups = _codes(names.GROUPS, options.get("groups", DEFAULT_GROUPS), "group")
    if groups:
        found["supported_groups"] = numbers(2, 2, groups)
        found["ec_point_formats"] = vector(1, b"\0")  # uncompressed, RFC 8422 section 5.1.2
    if newest >= TLS12:
        schemes = options.get("signature_schemes", DEFAULT_SCHEMES)
        found["signature_algorithms"] = numbers(2, 2, _codes(names.SIGNATURE_SCHEMES, schemes, "signature scheme"))
    alpn = options.get("alpn", ())
    if alpn:
        protocols = b"".join(vector(1, protocol.encode()) for protocol in alpn)
        found["application_layer_protocol_negotiation"] = vector(2, protocols)
    user = options.get("srp_user")
    if user is not None:
        found["srp"] = vector(1, user.encode())
    if newest >= TLS13:
        shares = b"".join(_share(group) for group in options.get("key_shares", ()))
        found["supported_versions"] = numbers(1, 2, versions)
        found["psk_key_exchange_modes"] = vector(1, b"\x01")  # psk_dhe_ke, RFC 8446 section 4.2.9
        found["key_share"] = vector(2, shares)
    if min(versions) < TLS13 and newest > names.PROTOCOLS["SSLv3"]:
        found["renegotiation_info"] = vector(1, b"")  # RFC 5746 section 3.4
    off = _codes(names.EXTENSIONS, options.get("extensions_off", ()), "extension")
    numbered = [(names.EXTENSIONS[name], content) for name, content in found.items()]
    return [(number, content) for number, content in numbered if number not in off]


def _share(group: str) -> bytes:
    if group == "x25519":
        public = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
    elif group == "secp256r1":
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        public = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        raise TlsError(f"key_shares: {group!r} cannot be made here, only {' and '.join(_SHARES)}.")
    return names.GROUPS[group].to_bytes(2, "big") + vector(2, public)


def _all_suites(versions: Sequence[int]) -> list[int]:
    """The numbers of every suite of these versions, those of TLS 1.3 first."""
    suites = {
        suite.code: suite.minimum for version in versions for suite in names.cipher_suites(names.protocol_name(version))
    }
    return sorted(suites, key=lambda code: suites[code] != "TLSv1.3")


def _compression(method: int | str) -> int:
    return method if isinstance(method, int) else names.code_of(names.COMPRESSIONS, method, "compression method")


def _codes(table: names.Table, wanted: Sequence[str], what: str) -> list[int]:
    return [names.code_of(table, name, what) for name in wanted]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _ascii(server_name: str) -> bytes:
    try:
        return server_name.encode("ascii")
    except UnicodeEncodeError:
        raise TlsError(
            f"server_name={server_name!r}: SNI takes A-labels only (RFC 6066 section 3). Write the name as xn--..."
        ) from None


JAVA7: Final[HelloOptions] = {
    "versions": ("TLSv1",),
    "suites": (
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "AES128-SHA",
        "ECDH-ECDSA-AES128-SHA",
        "ECDH-RSA-AES128-SHA",
        "DHE-RSA-AES128-SHA",
        "DHE-DSS-AES128-SHA",
        "ECDHE-ECDSA-RC4-SHA",
        "ECDHE-RSA-RC4-SHA",
        "RC4-SHA",
        "ECDH-ECDSA-RC4-SHA",
        "ECDH-RSA-RC4-SHA",
        "ECDHE-ECDSA-DES-CBC3-SHA",
        "ECDHE-RSA-DES-CBC3-SHA",
        "DES-CBC3-SHA",
        "ECDH-ECDSA-DES-CBC3-SHA",
        "ECDH-RSA-DES-CBC3-SHA",
        "DHE-RSA-DES-CBC3-SHA",
        "DHE-DSS-DES-CBC3-SHA",
        "RC4-MD5",
        0x00FF,
    ),
    "groups": (
        "secp256r1",
        "sect163k1",
        "sect163r2",
        "secp192r1",
        "secp224r1",
        "sect233k1",
        "sect233r1",
        "sect283k1",
        "sect283r1",
        "secp384r1",
        "sect409k1",
        "sect409r1",
        "secp521r1",
        "sect571k1",
        "sect571r1",
        "secp160k1",
        "secp160r1",
        "secp160r2",
        "sect163r1",
        "secp192k1",
        "sect193r1",
        "sect193r2",
        "secp224k1",
        "sect239k1",
        "secp256k1",
    ),
    "extensions_off": ("renegotiation_info",),
}
"""What a Java 7 client offers: TLS 1.0, suites of 128 bits (more need the unlimited policy files), the renegotiation
signal as a suite (0x00FF), curves, and no ffdhe group. Only the order of extensions differs from Java's.

Source: OpenJDK 7, jdk/src/share/classes/sun/security/ssl: CipherSuite.java, the suites "enabled by default" in their
order, without those that its `suprt` column keeps for TLS 1.2; HelloExtensions.java, SupportedEllipticCurvesExtension.
Later updates of it order these differently and drop RC4 and most curves; they offer the same suites with DHE.
"""
