"""Handshake messages and alerts, understood: from a body of bytes to a value, or RecordError.

The layouts of TLS 1.3 and of what came before differ for Certificate, CertificateRequest and NewSessionTicket; their
parsers take the protocol version that ServerHello has selected. ServerKeyExchange cannot be read without the cipher
suite. All are bounded by the length of the body.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pytest_modssl.errors import RecordError
from pytest_modssl.tls import names
from pytest_modssl.tls.suites import suites_by_code
from pytest_modssl.tls.wire import Cursor

if TYPE_CHECKING:
    from collections.abc import Mapping

TLS12: Final = names.PROTOCOLS["TLSv1.2"]
TLS13: Final = names.PROTOCOLS["TLSv1.3"]

HELLO_RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random value by which a ServerHello is a HelloRetryRequest. Source: RFC 8446 section 4.1.3."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Args:
        level: 1 warning, 2 fatal (RFC 8446 section 6).
        description: Its number, see `names.ALERTS`.
    """

    level: int
    description: int

    @property
    def name(self) -> str:
        """Its name, "handshake_failure"."""
        return names.alert_name(self.description)

    @property
    def fatal(self) -> bool:
        """Whether it ends the connection."""
        return self.level == 2

    def __str__(self) -> str:
        return f"{self.name} ({'fatal' if self.fatal else 'warning'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHello:
    """What a client offers (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).

    Args:
        version: The legacy version field: the newest it speaks, up to TLS 1.2.
        random: 32 bytes.
        session_id: Of a session to resume, or any (TLS 1.3).
        cipher_suites: Numbers, in its order of preference.
        compressions: Numbers of compression methods.
        extensions: By number, in the order sent.
    """

    version: int
    random: bytes
    session_id: bytes
    cipher_suites: tuple[int, ...]
    compressions: tuple[int, ...]
    extensions: Mapping[int, bytes]

    @property
    def versions(self) -> tuple[int, ...]:
        """The protocol versions it speaks, as far as it says: all of them in TLS 1.3, else the newest."""
        body = self.extensions.get(names.EXTENSIONS["supported_versions"])
        return (self.version,) if body is None else Cursor(body, "supported_versions").numbers(1, 2)

    @property
    def psk_identity(self) -> bytes:
        """The first identity of a pre-shared key, in TLS 1.3 the ticket of a session (RFC 8446 section 4.2.11)."""
        body = self.extensions.get(names.EXTENSIONS["pre_shared_key"])
        return b"" if body is None else Cursor(Cursor(body, "pre_shared_key").vector(2), "pre_shared_key").vector(2)

    @property
    def server_name(self) -> str | None:
        """The host name of SNI (RFC 6066 section 3)."""
        body = self.extensions.get(names.EXTENSIONS["server_name"])
        if body is None:
            return None
        entries = Cursor(Cursor(body, "server_name").vector(2), "server_name")
        while entries:
            kind, value = entries.number(1), entries.vector(2)
            if kind == 0:
                return value.decode("ascii", "backslashreplace")
        return None

    @property
    def groups(self) -> tuple[int, ...]:
        """Numbers of the groups of supported_groups, in its order of preference."""
        return self._numbers("supported_groups")

    @property
    def signature_schemes(self) -> tuple[int, ...]:
        """Numbers of the signature schemes of signature_algorithms, in its order of preference."""
        return self._numbers("signature_algorithms")

    @property
    def alpn(self) -> tuple[bytes, ...]:
        """The application protocols of ALPN (RFC 7301), in its order of preference."""
        body = self.extensions.get(names.EXTENSIONS["application_layer_protocol_negotiation"])
        return () if body is None else tuple(Cursor(body, "ALPN").vectors(2, 1))

    def _numbers(self, extension: str) -> tuple[int, ...]:
        body = self.extensions.get(names.EXTENSIONS[extension])
        return () if body is None else Cursor(body, extension).numbers(2, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerHello:
    """What the server has selected (RFC 8446 section 4.1.3, RFC 5246 section 7.4.1.3).

    Args:
        version: The protocol selected: from supported_versions where it is there, else from the version field.
        random: 32 bytes.
        session_id: Of the session made or resumed; in TLS 1.3 the client's, sent back.
        cipher_suite: The number of the suite selected.
        compression: The number of the compression method selected.
        extensions: By number, in the order sent.
    """

    version: int
    random: bytes
    session_id: bytes
    cipher_suite: int
    compression: int
    extensions: Mapping[int, bytes]

    @property
    def is_retry(self) -> bool:
        """Whether it is a HelloRetryRequest: the selection stands, but the client must send another key share."""
        return self.random == HELLO_RETRY_RANDOM

    @property
    def group(self) -> int | None:
        """The number of the group selected, which stands here in TLS 1.3 alone (RFC 8446 section 4.2.8)."""
        body = self.extensions.get(names.EXTENSIONS["key_share"])
        return None if body is None else Cursor(body, "key_share").number(2)

    @property
    def alpn(self) -> bytes | None:
        """The application protocol selected, up to TLS 1.2; in TLS 1.3 it is encrypted."""
        body = self.extensions.get(names.EXTENSIONS["application_layer_protocol_negotiation"])
        return None if body is None else next(iter(Cursor(body, "ALPN").vectors(2, 1)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKeyExchange:
    """The server's half of an ephemeral key exchange, up to TLS 1.2.

    Args:
        kind: "dhe" (RFC 5246 section 7.4.3), "ecdhe" (RFC 8422 section 5.4), "srp" (RFC 5054 section 2.5.3).
        prime: The prime of "dhe" and "srp", else None.
        generator: Their generator, else None.
        group: The number of the named group of "ecdhe", else None.
        public_length: Bytes of the server's public value.
        signature_scheme: The number of the scheme it is signed with, named in TLS 1.2 alone.
        raw: The whole body.
    """

    kind: Literal["dhe", "ecdhe", "srp"]
    prime: int | None
    generator: int | None
    group: int | None
    public_length: int
    signature_scheme: int | None
    raw: bytes

    @property
    def bits(self) -> int | None:
        """The bits of the prime of "dhe" and "srp"."""
        return None if self.prime is None else self.prime.bit_length()


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificates that one side sent, as DER, its own first (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2)."""

    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRequest:
    """The server asks for a client certificate (RFC 8446 section 4.3.2, RFC 5246 section 7.4.4).

    Args:
        certificate_types: Numbers of the kinds of certificate, up to TLS 1.2.
        signature_schemes: Numbers of the schemes that the client may sign with; not named before TLS 1.2.
        ca_names: Subjects of the CAs accepted, as DER; none means any.
    """

    certificate_types: tuple[int, ...]
    signature_schemes: tuple[int, ...]
    ca_names: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class EncryptedExtensions:
    """What the server answers to extensions of a TLS 1.3 ClientHello (RFC 8446 section 4.3.1), by number."""

    extensions: Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class CertificateVerify:
    """Proof that one side has the key of its certificate (RFC 8446 section 4.4.3, RFC 5246 section 7.4.8).

    Args:
        scheme: The number of the scheme it is signed with; not named before TLS 1.2.
        length: Bytes of the signature.
    """

    scheme: int | None
    length: int


@dataclass(frozen=True, slots=True)
class NewSessionTicket:
    """A ticket to resume with; its content is secret and not kept (RFC 8446 section 4.6.1, RFC 5077 section 3.3).

    Args:
        lifetime: Seconds that the server means to honour it; 0 up to TLS 1.2 leaves that open.
        length: Bytes of the ticket.
    """

    lifetime: int
    length: int


def parse_alert(payload: bytes) -> Alert:
    """The alert in a record of type alert that is not encrypted.

    Raises:
        RecordError: when it is malformed.
    """
    cursor = Cursor(payload, "Alert")
    alert = Alert(cursor.number(1), cursor.number(1))
    cursor.end()
    return alert


def parse_client_hello(body: bytes) -> ClientHello:
    """The ClientHello in the body of a handshake message.

    Raises:
        RecordError: when it is malformed.
    """
    cursor = Cursor(body, "ClientHello")
    return ClientHello(
        version=cursor.number(2),
        random=cursor.take(32),
        session_id=cursor.vector(1),
        cipher_suites=cursor.numbers(2, 2),
        compressions=cursor.numbers(1, 1),
        extensions=_extensions(cursor, "ClientHello"),
    )


def parse_server_hello(body: bytes) -> ServerHello:
    """The ServerHello in the body of a handshake message.

    Raises:
        RecordError: when it is malformed.
    """
    cursor = Cursor(body, "ServerHello")
    version = cursor.number(2)
    random, session_id = cursor.take(32), cursor.vector(1)
    cipher_suite, compression = cursor.number(2), cursor.number(1)
    extensions = _extensions(cursor, "ServerHello")
    selected = extensions.get(names.EXTENSIONS["supported_versions"])
    hello = ServerHello(
        version=version if selected is None else Cursor(selected, "supported_versions").number(2),
        random=random,
        session_id=session_id,
        cipher_suite=cipher_suite,
        compression=compression,
        extensions=extensions,
    )
    # What a ServerHello tells by its extensions is read here once: whoever has one can then ask it for anything.
    _ = hello.group, hello.alpn
    return hello


def parse_server_key_exchange(body: bytes, *, cipher_suite: int, version: int) -> ServerKeyExchange:
    """The ServerKeyExchange in the body of a handshake message.

    Args:
        body: What follows the header of the message.
        cipher_suite: The number of the suite selected: the message does not tell its own layout.
        version: The protocol version selected.

    Raises:
        RecordError: when it is malformed, or the suite has no key exchange that is read here.
    """
    suite = suites_by_code().get(cipher_suite)
    exchange = "" if suite is None else suite.key_exchange
    cursor = Cursor(body, "ServerKeyExchange")
    prime = generator = group = None
    kind: Literal["dhe", "ecdhe", "srp"]
    if exchange in {"DHE_PSK", "ECDHE_PSK"}:
        cursor.vector(2)  # psk_identity_hint (RFC 4279 section 3, RFC 5489 section 2)
    if exchange in {"ECDHE", "ECDHE_PSK"}:
        kind = "ecdhe"
        curve_type = cursor.number(1)
        if curve_type != 3:  # named_curve; explicit curves are deprecated by RFC 8422 section 5.4
            raise RecordError(f"ServerKeyExchange: its curve is of type {curve_type}; only named curves (3) are read.")
        group = cursor.number(2)
        public_length = len(cursor.vector(1))
    elif exchange in {"DHE", "DHE_PSK"}:
        kind = "dhe"
        prime, generator = (int.from_bytes(cursor.vector(2), "big") for _ in range(2))
        public_length = len(cursor.vector(2))
    elif exchange == "SRP":
        kind = "srp"
        prime, generator = (int.from_bytes(cursor.vector(2), "big") for _ in range(2))
        cursor.vector(1)  # salt
        public_length = len(cursor.vector(2))
    else:
        raise RecordError(
            f"ServerKeyExchange under {names.cipher_suite_name(cipher_suite)}: the message has no layout that is known."
        )
    scheme = cursor.number(2) if version >= TLS12 and len(cursor) > 2 else None
    return ServerKeyExchange(
        kind=kind,
        prime=prime,
        generator=generator,
        group=group,
        public_length=public_length,
        signature_scheme=scheme,
        raw=body,
    )


def parse_certificate(body: bytes, *, version: int) -> Certificate:
    """The Certificate in the body of a handshake message, by the layout of the protocol version.

    Raises:
        RecordError: when it is malformed.
    """
    cursor = Cursor(body, "Certificate")
    if version < TLS13:
        return Certificate(tuple(cursor.vectors(3, 3)))
    cursor.vector(1)  # certificate_request_context
    entries = Cursor(cursor.vector(3), "Certificate")
    chain = []
    while entries:
        chain.append(entries.vector(3))
        entries.vector(2)  # extensions of this certificate
    return Certificate(tuple(chain))


def parse_certificate_request(body: bytes, *, version: int) -> CertificateRequest:
    """The CertificateRequest in the body of a handshake message, by the layout of the protocol version.

    Raises:
        RecordError: when it is malformed.
    """
    cursor = Cursor(body, "CertificateRequest")
    if version < TLS13:
        return CertificateRequest(
            certificate_types=cursor.numbers(1, 1),
            signature_schemes=cursor.numbers(2, 2) if version == TLS12 else (),
            ca_names=tuple(cursor.vectors(2, 2)),
        )
    cursor.vector(1)  # certificate_request_context
    extensions = _extensions(cursor, "CertificateRequest")
    schemes = extensions.get(names.EXTENSIONS["signature_algorithms"])
    cas = extensions.get(names.EXTENSIONS["certificate_authorities"])
    return CertificateRequest(
        certificate_types=(),
        signature_schemes=() if schemes is None else Cursor(schemes, "signature_algorithms").numbers(2, 2),
        ca_names=() if cas is None else tuple(Cursor(cas, "certificate_authorities").vectors(2, 2)),
    )


def parse_encrypted_extensions(body: bytes) -> EncryptedExtensions:
    """The EncryptedExtensions in the body of a handshake message.

    Raises:
        RecordError: when it is malformed.
    """
    return EncryptedExtensions(_extensions(Cursor(body, "EncryptedExtensions"), "EncryptedExtensions"))


def parse_certificate_verify(body: bytes, *, version: int) -> CertificateVerify:
    """The CertificateVerify in the body of a handshake message, by the layout of the protocol version.

    Raises:
        RecordError: when it is malformed.
    """
    cursor = Cursor(body, "CertificateVerify")
    scheme = cursor.number(2) if version >= TLS12 else None
    length = len(cursor.vector(2))
    cursor.end()
    return CertificateVerify(scheme, length)


def parse_new_session_ticket(body: bytes, *, version: int) -> NewSessionTicket:
    """The NewSessionTicket in the body of a handshake message, by the layout of the protocol version.

    Raises:
        RecordError: when it is malformed.
    """
    cursor = Cursor(body, "NewSessionTicket")
    lifetime = cursor.number(4)
    if version >= TLS13:
        cursor.number(4)  # ticket_age_add
        cursor.vector(1)  # ticket_nonce
    return NewSessionTicket(lifetime, len(cursor.vector(2)))


def _extensions(cursor: Cursor, what: str) -> dict[int, bytes]:
    if not cursor:  # allowed up to TLS 1.2 (RFC 5246 section 7.4.1.2)
        return {}
    block = Cursor(cursor.vector(2), what)
    cursor.end()
    extensions: dict[int, bytes] = {}
    while block:
        number = block.number(2)
        if number in extensions:
            raise RecordError(f"{what}: the extension {names.extension_name(number)} is there twice (RFC 8446 4.2).")
        extensions[number] = block.vector(2)
    return extensions
