"""The names of TLS numbers, and back.

Source of the numbers: IANA's registries "Transport Layer Security (TLS) Parameters" and "TLS ExtensionType Values", as
of 2026-08, without what no OpenSSL can send; each deviation stands beside its table. A number without a name prints as
`0x1a2b`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import TlsError
from pytest_modssl.tls.suites import CipherSuite, suites_by_code, suites_by_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    Table = Mapping[str, int]

PROTOCOLS: Final[Table] = MappingProxyType(
    {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
)
"""Protocol versions by mod_ssl's names (SSLProtocol), oldest first. Source: RFC 6101, 2246, 4346, 5246, 8446."""

GROUPS: Final[Table] = MappingProxyType(
    {
        "sect163k1": 0x0001,
        "sect163r1": 0x0002,
        "sect163r2": 0x0003,
        "sect193r1": 0x0004,
        "sect193r2": 0x0005,
        "sect233k1": 0x0006,
        "sect233r1": 0x0007,
        "sect239k1": 0x0008,
        "sect283k1": 0x0009,
        "sect283r1": 0x000A,
        "sect409k1": 0x000B,
        "sect409r1": 0x000C,
        "sect571k1": 0x000D,
        "sect571r1": 0x000E,
        "secp160k1": 0x000F,
        "secp160r1": 0x0010,
        "secp160r2": 0x0011,
        "secp192k1": 0x0012,
        "secp192r1": 0x0013,
        "secp224k1": 0x0014,
        "secp224r1": 0x0015,
        "secp256k1": 0x0016,
        "secp256r1": 0x0017,
        "secp384r1": 0x0018,
        "secp521r1": 0x0019,
        "brainpoolP256r1": 0x001A,
        "brainpoolP384r1": 0x001B,
        "brainpoolP512r1": 0x001C,
        "x25519": 0x001D,
        "x448": 0x001E,
        "brainpoolP256r1tls13": 0x001F,
        "brainpoolP384r1tls13": 0x0020,
        "brainpoolP512r1tls13": 0x0021,
        "GC256A": 0x0022,
        "GC256B": 0x0023,
        "GC256C": 0x0024,
        "GC256D": 0x0025,
        "GC512A": 0x0026,
        "GC512B": 0x0027,
        "GC512C": 0x0028,
        "curveSM2": 0x0029,
        "ffdhe2048": 0x0100,
        "ffdhe3072": 0x0101,
        "ffdhe4096": 0x0102,
        "ffdhe6144": 0x0103,
        "ffdhe8192": 0x0104,
        "MLKEM512": 0x0200,
        "MLKEM768": 0x0201,
        "MLKEM1024": 0x0202,
        "SecP256r1MLKEM768": 0x11EB,
        "X25519MLKEM768": 0x11EC,
        "SecP384r1MLKEM1024": 0x11ED,
        "curveSM2MLKEM768": 0x11EE,
    }
)
"""Groups of key exchange. Source: "TLS Supported Groups"."""

SIGNATURE_SCHEMES: Final[Table] = MappingProxyType(
    {
        "rsa_pkcs1_md5": 0x0101,
        "rsa_pkcs1_sha1": 0x0201,
        "dsa_sha1": 0x0202,
        "ecdsa_sha1": 0x0203,
        "rsa_pkcs1_sha224": 0x0301,
        "dsa_sha224": 0x0302,
        "ecdsa_sha224": 0x0303,
        "rsa_pkcs1_sha256": 0x0401,
        "dsa_sha256": 0x0402,
        "ecdsa_secp256r1_sha256": 0x0403,
        "rsa_pkcs1_sha384": 0x0501,
        "dsa_sha384": 0x0502,
        "ecdsa_secp384r1_sha384": 0x0503,
        "rsa_pkcs1_sha512": 0x0601,
        "dsa_sha512": 0x0602,
        "ecdsa_secp521r1_sha512": 0x0603,
        "sm2sig_sm3": 0x0708,
        "rsa_pss_rsae_sha256": 0x0804,
        "rsa_pss_rsae_sha384": 0x0805,
        "rsa_pss_rsae_sha512": 0x0806,
        "ed25519": 0x0807,
        "ed448": 0x0808,
        "rsa_pss_pss_sha256": 0x0809,
        "rsa_pss_pss_sha384": 0x080A,
        "rsa_pss_pss_sha512": 0x080B,
        "ecdsa_brainpoolP256r1tls13_sha256": 0x081A,
        "ecdsa_brainpoolP384r1tls13_sha384": 0x081B,
        "ecdsa_brainpoolP512r1tls13_sha512": 0x081C,
        "mldsa44": 0x0904,
        "mldsa65": 0x0905,
        "mldsa87": 0x0906,
    }
)
"""Signature schemes. Source: "TLS SignatureScheme"; those of TLS 1.2 alone (MD5, SHA-224, DSA) are pairs of hash and
algorithm (RFC 5246 section 7.4.1.4.1), named in the same manner."""

ALERTS: Final[Table] = MappingProxyType(
    {
        "close_notify": 0,
        "unexpected_message": 10,
        "bad_record_mac": 20,
        "decryption_failed": 21,
        "record_overflow": 22,
        "decompression_failure": 30,
        "handshake_failure": 40,
        "no_certificate": 41,
        "bad_certificate": 42,
        "unsupported_certificate": 43,
        "certificate_revoked": 44,
        "certificate_expired": 45,
        "certificate_unknown": 46,
        "illegal_parameter": 47,
        "unknown_ca": 48,
        "access_denied": 49,
        "decode_error": 50,
        "decrypt_error": 51,
        "export_restriction": 60,
        "protocol_version": 70,
        "insufficient_security": 71,
        "internal_error": 80,
        "inappropriate_fallback": 86,
        "user_canceled": 90,
        "no_renegotiation": 100,
        "missing_extension": 109,
        "unsupported_extension": 110,
        "certificate_unobtainable": 111,
        "unrecognized_name": 112,
        "bad_certificate_status_response": 113,
        "bad_certificate_hash_value": 114,
        "unknown_psk_identity": 115,
        "certificate_required": 116,
        "general_error": 117,
        "no_application_protocol": 120,
        "ech_required": 121,
    }
)
"""Alerts. Source: "TLS Alerts"; the reserved ones by the names of RFC 8446 appendix B.2, without `_RESERVED`."""

HANDSHAKE_TYPES: Final[Table] = MappingProxyType(
    {
        "HelloRequest": 0,
        "ClientHello": 1,
        "ServerHello": 2,
        "HelloVerifyRequest": 3,
        "NewSessionTicket": 4,
        "EndOfEarlyData": 5,
        "HelloRetryRequest": 6,
        "EncryptedExtensions": 8,
        "RequestConnectionId": 9,
        "NewConnectionId": 10,
        "Certificate": 11,
        "ServerKeyExchange": 12,
        "CertificateRequest": 13,
        "ServerHelloDone": 14,
        "CertificateVerify": 15,
        "ClientKeyExchange": 16,
        "ClientCertificateRequest": 17,
        "Finished": 20,
        "CertificateURL": 21,
        "CertificateStatus": 22,
        "SupplementalData": 23,
        "KeyUpdate": 24,
        "CompressedCertificate": 25,
        "EktKey": 26,
        "NextProtocol": 67,
        "MessageHash": 254,
    }
)
"""Handshake messages, written as in RFC 8446. Source: "TLS HandshakeType"; NextProtocol from the NPN draft 04."""

EXTENSIONS: Final[Table] = MappingProxyType(
    {
        "server_name": 0,
        "max_fragment_length": 1,
        "client_certificate_url": 2,
        "trusted_ca_keys": 3,
        "truncated_hmac": 4,
        "status_request": 5,
        "user_mapping": 6,
        "client_authz": 7,
        "server_authz": 8,
        "cert_type": 9,
        "supported_groups": 10,
        "ec_point_formats": 11,
        "srp": 12,
        "signature_algorithms": 13,
        "use_srtp": 14,
        "heartbeat": 15,
        "application_layer_protocol_negotiation": 16,
        "status_request_v2": 17,
        "signed_certificate_timestamp": 18,
        "client_certificate_type": 19,
        "server_certificate_type": 20,
        "padding": 21,
        "encrypt_then_mac": 22,
        "extended_master_secret": 23,
        "token_binding": 24,
        "cached_info": 25,
        "compress_certificate": 27,
        "record_size_limit": 28,
        "delegated_credential": 34,
        "session_ticket": 35,
        "pre_shared_key": 41,
        "early_data": 42,
        "supported_versions": 43,
        "cookie": 44,
        "psk_key_exchange_modes": 45,
        "certificate_authorities": 47,
        "oid_filters": 48,
        "post_handshake_auth": 49,
        "signature_algorithms_cert": 50,
        "key_share": 51,
        "next_protocol_negotiation": 13172,
        "encrypted_client_hello": 65037,
        "renegotiation_info": 65281,
    }
)
"""Extensions. Source: "TLS ExtensionType Values"; next_protocol_negotiation from the NPN draft 04."""

COMPRESSIONS: Final[Table] = MappingProxyType({"NULL": 0, "DEFLATE": 1, "LZS": 64})
"""Compression methods, as in SSL_COMPRESS_METHOD. Source: RFC 3749 section 2, RFC 3943 section 2.1."""

_SIGNALS: Final = MappingProxyType({0x00FF: "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", 0x5600: "TLS_FALLBACK_SCSV"})
"""Numbers in a list of suites that are none. Source: RFC 5746 section 3.3, RFC 7507 section 2."""


def _swap(table: Table) -> Mapping[int, str]:
    return MappingProxyType({code: name for name, code in table.items()})


_PROTOCOL_NAMES = _swap(PROTOCOLS)
_GROUP_NAMES = _swap(GROUPS)
_SCHEME_NAMES = _swap(SIGNATURE_SCHEMES)
_ALERT_NAMES = _swap(ALERTS)
_HANDSHAKE_NAMES = _swap(HANDSHAKE_TYPES)
_EXTENSION_NAMES = _swap(EXTENSIONS)
_COMPRESSION_NAMES = _swap(COMPRESSIONS)


def protocol_name(code: int) -> str:
    """The protocol with this number, as in `PROTOCOLS`."""
    return _PROTOCOL_NAMES.get(code) or _number(code)


def group_name(code: int) -> str:
    """The group with this number, as in `GROUPS`."""
    return _GROUP_NAMES.get(code) or _number(code)


def signature_scheme_name(code: int) -> str:
    """The signature scheme with this number, as in `SIGNATURE_SCHEMES`."""
    return _SCHEME_NAMES.get(code) or _number(code)


def alert_name(code: int) -> str:
    """The alert with this number, as in `ALERTS`."""
    return _ALERT_NAMES.get(code) or f"alert {code}"


def handshake_name(code: int) -> str:
    """The handshake message with this type, as in `HANDSHAKE_TYPES`."""
    return _HANDSHAKE_NAMES.get(code) or f"handshake message {code}"


def extension_name(code: int) -> str:
    """The extension with this number, as in `EXTENSIONS`."""
    return _EXTENSION_NAMES.get(code) or _number(code)


def compression_name(code: int) -> str:
    """The compression method with this number, as in `COMPRESSIONS`."""
    return _COMPRESSION_NAMES.get(code) or _number(code)


def cipher_suite_name(code: int) -> str:
    """OpenSSL's name of the suite with this number, or IANA's where OpenSSL never had it."""
    suite = suites_by_code().get(code)
    if suite is None:
        return _SIGNALS.get(code) or _number(code)
    return suite.openssl_name or suite.name


def cipher_suite(key: int | str) -> CipherSuite:
    """The cipher suite with this number or name (OpenSSL's, also an older one, or IANA's).

    Raises:
        TlsError: when there is none.
    """
    suite = suites_by_code().get(key) if isinstance(key, int) else suites_by_name().get(key)
    if suite is None:
        shown = _number(key) if isinstance(key, int) else repr(key)
        raise TlsError(
            f"No cipher suite {shown}. Suites go by OpenSSL's name (ECDHE-RSA-AES128-GCM-SHA256), IANA's "
            "(TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), or number (0xC02F)."
        )
    return suite


def cipher_suites(protocol: str | None = None) -> tuple[CipherSuite, ...]:
    """All known suites, or those that may be used with a protocol, in the order of their numbers.

    Raises:
        TlsError: when there is no such protocol.
    """
    suites = tuple(suites_by_code().values())
    if protocol is None:
        return suites
    version = code_of(PROTOCOLS, protocol, "protocol")
    return tuple(suite for suite in suites if PROTOCOLS[suite.minimum] <= version <= PROTOCOLS[suite.maximum])


def code_of(table: Table, name: str, what: str) -> int:
    """The number of a name in one of the tables of this module.

    Args:
        table: The table.
        name: The name.
        what: What the table holds, for the error.

    Raises:
        TlsError: when the name is not there.
    """
    try:
        return table[name]
    except KeyError:
        raise TlsError(f"No {what} is called {name!r}. Known: {', '.join(table)}.") from None


def _number(code: int) -> str:
    return f"0x{code:04x}"
