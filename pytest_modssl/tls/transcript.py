"""Every record of a connection as it went over the wire, printable as `openssl s_client -state -msg` would tell it.

Handshake messages are decoded: the clear ones, and those of TLS 1.3 that the handshake's own secrets protect. Other
encrypted records carry the names that the TLS library gave to what it read or wrote there, no contents. Application
data is counted, never kept, and no key material is part of a transcript.
"""

from __future__ import annotations

import contextlib
import textwrap
import time
from dataclasses import dataclass, field
from typing import Final, Literal

from pytest_modssl.errors import RecordError
from pytest_modssl.tls.describe import describe
from pytest_modssl.tls.messages import (
    TLS12,
    TLS13,
    Alert,
    CertificateVerify,
    ClientHello,
    ServerHello,
    ServerKeyExchange,
    parse_alert,
    parse_certificate,
    parse_certificate_verify,
    parse_client_hello,
    parse_server_hello,
    parse_server_key_exchange,
)
from pytest_modssl.tls.names import HANDSHAKE_TYPES
from pytest_modssl.tls.records import (
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    RECORD_TYPES,
    HandshakeMessage,
    HandshakeReader,
    Record,
    RecordReader,
)
from pytest_modssl.tls.traffic import CLIENT, SERVER, HandshakeSecrets, Opened, Opener

CLIENT_HELLO, SERVER_HELLO = HANDSHAKE_TYPES["ClientHello"], HANDSHAKE_TYPES["ServerHello"]
CERTIFICATE, SERVER_KEY_EXCHANGE = HANDSHAKE_TYPES["Certificate"], HANDSHAKE_TYPES["ServerKeyExchange"]
CERTIFICATE_VERIFY, FINISHED = HANDSHAKE_TYPES["CertificateVerify"], HANDSHAKE_TYPES["Finished"]

Direction = Literal["sent", "received"]

MOST: Final = 10_000
"""Records that a transcript tells of at most, the first ones; the others are counted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record.

    Args:
        direction: As this client sees it.
        time: Seconds since the connection was begun.
        record_type: The type in the record's header.
        version: The version in the record's header, which says little about the protocol (RFC 8446 section 5.1).
        length: Bytes after the header.
        encrypted: Whether its contents were encrypted on the wire.
        protocol: The protocol that the ServerHello has selected, which the layout of messages depends on; TLS 1.2 until
            then.
        messages: The handshake messages that ended in this record; one may have begun in an earlier record.
        alert: The alert, where the record could be read.
        names: What the TLS library said that an encrypted record holds, where the record could not be read.
    """

    direction: Direction
    time: float
    record_type: int
    version: int
    length: int
    encrypted: bool
    protocol: int = TLS12
    messages: tuple[HandshakeMessage, ...] = ()
    alert: Alert | None = None
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        arrow = ">>>" if self.direction == "sent" else "<<<"
        kind = RECORD_TYPES.get(self.record_type, f"type {self.record_type}")
        head = f"{arrow} {self.time * 1000:8.2f} ms  {kind}, {self.length} bytes"
        if self.encrypted:
            head += ", encrypted"
        told = [str(self.alert)] if self.alert is not None else self.names
        if told:
            return f"{head}: {', '.join(told)}"
        return "\n".join([head, *(_indented(describe(message, self.protocol)) for message in self.messages)])


@dataclass(frozen=True, slots=True)
class Transcript:
    """The records of a connection, in the order in which this client sent and read them.

    Args:
        entries: The first 10,000 (`MOST`), each with its direction and the messages that it carries.
        left_out: How many more there were.
    """

    entries: tuple[Entry, ...] = ()
    left_out: int = 0

    @property
    def client_hello(self) -> ClientHello | None:
        """The client's first ClientHello; None where it did not come to one."""
        for entry in self.entries:
            for message in entry.messages if entry.direction == "sent" else ():
                if message.type == CLIENT_HELLO:
                    return parse_client_hello(message.body)
        return None

    def __str__(self) -> str:
        more = [f"(and {self.left_out} more records)"] if self.left_out else []
        return "\n".join([*map(str, self.entries), *more]) or "no record was exchanged"


def _indented(text: str) -> str:
    return textwrap.fill(
        text, 120, initial_indent=" " * 6, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False
    )


@dataclass(slots=True)
class _Line:
    """An entry still open to the names that the library gives afterwards."""

    direction: Direction
    time: float
    record_type: int
    version: int
    length: int
    encrypted: bool
    protocol: int = TLS12
    messages: tuple[HandshakeMessage, ...] = ()
    alert: Alert | None = None
    names: list[str] = field(default_factory=list)
    closed: bool = False


class Side:
    """One direction of a connection: its readers, and what could be read of it.

    Args:
        secret: The label of its secret (see `pytest_modssl.tls.traffic`).

    Attributes:
        messages: Handshake messages that could be read.
        alerts: Clear alerts.
        length: Bytes on the wire.
    """

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.records = RecordReader()
        self.handshakes = HandshakeReader()
        self.messages: list[HandshakeMessage] = []
        self.alerts: list[Alert] = []
        self.length = 0
        self.changed_cipher = False
        self.opener: Opener | None = None

    def body_of(self, handshake_type: int) -> bytes | None:
        """The first message of this type that could be read."""
        return next((message.body for message in self.messages if message.type == handshake_type), None)

    def take_handshake(self, payload: bytes) -> tuple[HandshakeMessage, ...]:
        """The messages that the contents of a handshake record complete; none where they are out of order."""
        try:
            messages = tuple(self.handshakes.feed(payload))
        except RecordError:
            return ()
        self.messages += messages
        return messages


class Recorder:
    """Collects the records of one connection while it lasts."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.sent = Side(CLIENT)
        self.received = Side(SERVER)
        self.secrets = HandshakeSecrets()
        self.server_hello: ServerHello | None = None
        self._lines: list[_Line] = []
        self._left_out = 0
        self._last_received: _Line | None = None
        self._names_to_send: list[str] = []

    def send(self, data: bytes) -> None:
        """Record what goes out: whole records, as the library writes them."""
        self.sent.length += len(data)
        for record in self.sent.records.feed(data):
            self._note("sent", self.sent, record)

    def split(self, data: bytes) -> list[Record]:
        """The records that bytes from the server complete; RecordError where they are no records."""
        self.received.length += len(data)
        return self.received.records.feed(data)

    def receive(self, record: Record) -> None:
        """Record what came in, before the library reads it."""
        self._note("received", self.received, record)

    def name_encrypted(self, direction: Direction, name: str) -> None:
        """Take down what the library says that it has just read, or is about to send."""
        if direction == "sent":
            self._names_to_send.append(name)
            return
        if self._last_received is not None and self._last_received.closed:
            self._last_received.names.append(name)

    def server_key_exchange(self) -> ServerKeyExchange | None:
        """The parameters of an ephemeral key exchange up to TLS 1.2; None where none came, or not in good order."""
        body = self.received.body_of(SERVER_KEY_EXCHANGE)
        hello = self.server_hello
        if body is None or hello is None:
            return None
        with contextlib.suppress(RecordError):
            return parse_server_key_exchange(body, cipher_suite=hello.cipher_suite, version=hello.version)
        return None

    def certificates(self) -> tuple[bytes, ...] | None:
        """The server's chain, DER, where its message could be read and was in good order."""
        body = self.received.body_of(CERTIFICATE)
        if body is None or self.server_hello is None:
            return None
        with contextlib.suppress(RecordError):
            return parse_certificate(body, version=self.server_hello.version).chain
        return None

    def certificate_verify(self) -> CertificateVerify | None:
        """The server's proof of its key in TLS 1.3; None where none came, or not in good order."""
        body = self.received.body_of(CERTIFICATE_VERIFY)
        if body is None:
            return None
        with contextlib.suppress(RecordError):
            return parse_certificate_verify(body, version=TLS13)
        return None

    def client_hello(self) -> ClientHello | None:
        """This client's hello, the first one where the server asked for another."""
        body = self.sent.body_of(CLIENT_HELLO)
        return None if body is None else parse_client_hello(body)

    def transcript(self) -> Transcript:
        """The records so far."""
        return Transcript(
            tuple(
                Entry(
                    direction=line.direction,
                    time=line.time - self.started,
                    record_type=line.record_type,
                    version=line.version,
                    length=line.length,
                    encrypted=line.encrypted,
                    protocol=line.protocol,
                    messages=line.messages,
                    alert=line.alert,
                    names=tuple(line.names),
                )
                for line in self._lines
            ),
            self._left_out,
        )

    def _note(self, direction: Direction, side: Side, record: Record) -> None:
        protocol = TLS12 if self.server_hello is None else self.server_hello.version
        encrypted = _is_encrypted(side, record, tls13=protocol == TLS13)
        line = _Line(
            direction, time.perf_counter(), record.type, record.version, len(record.payload), encrypted, protocol
        )
        if len(self._lines) < MOST:
            self._lines.append(line)
        else:
            self._left_out += 1
        if direction == "received":
            self._last_received = line
        contents: Opened | Record | None = self._open(side, record) if encrypted else record
        line.closed = contents is None
        if contents is not None:
            self._read(line, side, contents)
        elif direction == "sent" and self._names_to_send and record.type in (ALERT, HANDSHAKE, APPLICATION_DATA):
            line.names.append(self._names_to_send.pop(0))

    def _open(self, side: Side, record: Record) -> Opened | None:
        """What a record of the TLS 1.3 handshake protects; None for any other."""
        if self.server_hello is None or self.server_hello.version != TLS13 or record.type != APPLICATION_DATA:
            return None
        if side.opener is None:
            side.opener = self.secrets.take(side.secret, self.server_hello.cipher_suite)
        return None if side.opener is None else side.opener.open(record)

    def _read(self, line: _Line, side: Side, contents: Opened | Record) -> None:
        """Take note of what a record says, once it can be read."""
        if contents.type == CHANGE_CIPHER_SPEC:
            side.changed_cipher = True
        elif contents.type == ALERT:
            with contextlib.suppress(RecordError):
                line.alert = parse_alert(contents.payload)
                if not line.encrypted:
                    side.alerts.append(line.alert)
        elif contents.type == HANDSHAKE:
            line.messages = side.take_handshake(contents.payload)
            if not line.encrypted:
                self._look_for_server_hello(line.messages)
            elif any(message.type == FINISHED for message in line.messages):
                side.opener = None  # what follows is protected by other secrets (RFC 8446 section 4.4.4)
        if line.direction == "sent":
            del self._names_to_send[: len(line.messages) + (line.alert is not None)]

    def _look_for_server_hello(self, messages: tuple[HandshakeMessage, ...]) -> None:
        """Keep the ServerHello; a HelloRetryRequest, which already tells the version, gives way to the one after it."""
        for message in messages:
            if message.type == SERVER_HELLO:
                with contextlib.suppress(RecordError):
                    self.server_hello = parse_server_hello(message.body)


def _is_encrypted(side: Side, record: Record, *, tls13: bool) -> bool:
    """Whether a record's contents are encrypted on the wire.

    Up to TLS 1.2 all is encrypted after ChangeCipherSpec (RFC 5246 section 7.1). In TLS 1.3 that record says nothing,
    and what is encrypted has the type application_data (RFC 8446 section 5.2). An alert is two bytes, an encrypted one
    more.
    """
    if record.type == ALERT:
        return len(record.payload) != 2
    if record.type == APPLICATION_DATA:
        return True
    return side.changed_cipher and not tls13
