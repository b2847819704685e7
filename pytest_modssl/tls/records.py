"""TLS records and handshake messages out of bytes; no input or output here.

Rules:
- `RecordReader` takes bytes as they come off the wire, in pieces of any size, and gives whole records.
- `HandshakeReader` takes records of type handshake and gives whole messages: a message may span records, a record may
  hold several messages (RFC 8446 section 5.1). The records must be in clear; after ChangeCipherSpec (TLS 1.2) or
  ServerHello (TLS 1.3) they are not.
- Whatever is not TLS raises RecordError, and keeps raising it: there is no way back into step after a framing error.
- No reader keeps more than what is not whole yet: one record, one message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_modssl.errors import RecordError

CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
HEARTBEAT: Final = 24

RECORD_TYPES: Final = {
    CHANGE_CIPHER_SPEC: "change_cipher_spec",
    ALERT: "alert",
    HANDSHAKE: "handshake",
    APPLICATION_DATA: "application_data",
    HEARTBEAT: "heartbeat",
}
"""Names of the record types. Source: RFC 8446 appendix B.1, RFC 6520 section 7 (heartbeat)."""

MAX_PAYLOAD: Final = 2**14 + 2048
"""The most bytes of a record's payload. Source: RFC 5246 section 6.2.3 (TLS 1.3 allows less, RFC 8446 section 5.2)."""

MAX_MESSAGE: Final = 2**18
"""The most bytes of a handshake message that is put together here.

The format allows 2**24; OpenSSL stops at 100 KiB for a chain (SSL_MAX_CERT_LIST_DEFAULT), a list of CA names ends at
64 KiB by its own format.
"""

MAX_FLIGHT: Final = 2**20
"""The most bytes that are read of a server before its part of a handshake is done: four of the longest messages."""

_HEADER: Final = 5
_MESSAGE_HEADER: Final = 4


@dataclass(frozen=True, slots=True)
class Record:
    """One TLS record as it was on the wire.

    Args:
        type: Its content type, see `RECORD_TYPES`.
        version: The version in its header: 0x0303 for TLS 1.2 and 1.3.
        payload: What follows the header, encrypted or not.
    """

    type: int
    version: int
    payload: bytes

    @property
    def type_name(self) -> str:
        """The name of its type."""
        return RECORD_TYPES.get(self.type, f"unknown ({self.type})")

    def to_bytes(self) -> bytes:
        """The record as it goes on the wire."""
        return (
            bytes([self.type]) + self.version.to_bytes(2, "big") + len(self.payload).to_bytes(2, "big") + self.payload
        )


class RecordReader:
    """Gives the records of one direction of one connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self.error: RecordError | None = None
        """What was wrong with the bytes, from the moment they are not TLS any more."""

    @property
    def pending(self) -> bytes:
        """The bytes that are no whole record yet; after an error, those that are none."""
        return self._buffer

    def feed(self, data: bytes) -> list[Record]:
        """The records that these bytes complete.

        Raises:
            RecordError: when the bytes are not TLS. Where whole records came before them in the same piece, these are
                given first; `error` is set at once, and the next call raises it.
        """
        if self.error is not None:
            raise self.error
        buffer = self._buffer + data
        records = []
        at = 0
        while at < len(buffer):
            self.error = _flaw(buffer[at : at + _HEADER])
            if self.error is not None or len(buffer) - at < _HEADER:
                break
            end = at + _HEADER + int.from_bytes(buffer[at + 3 : at + 5], "big")
            if end > len(buffer):
                break
            version = int.from_bytes(buffer[at + 1 : at + 3], "big")
            records.append(Record(buffer[at], version, buffer[at + _HEADER : end]))
            at = end
        self._buffer = buffer[at:]
        if self.error is not None and not records:
            raise self.error
        return records


def _flaw(header: bytes) -> RecordError | None:
    """What is wrong with the start of a record, as far as it is there."""
    if header[0] not in RECORD_TYPES:
        return RecordError(
            f"Not TLS: a record cannot start with {header!r} (types are {CHANGE_CIPHER_SPEC} to {HEARTBEAT}). "
            "Does the port speak TLS at all?"
        )
    if len(header) > 1 and header[1] != 3:
        return RecordError(f"Not TLS: the version of a record starts with 3, and here is {header!r}.")
    if len(header) == _HEADER and int.from_bytes(header[3:5], "big") > MAX_PAYLOAD:
        return RecordError(f"Not TLS: no record is longer than {MAX_PAYLOAD} bytes, and here is {header!r}.")
    return None


@dataclass(frozen=True, slots=True)
class HandshakeMessage:
    """One handshake message, whole and not yet understood.

    Args:
        type: Its type, see `pytest_modssl.tls.names.HANDSHAKE_TYPES`.
        body: What follows its header of four bytes.
    """

    type: int
    body: bytes

    def to_bytes(self) -> bytes:
        """The message with its header, as records carry it."""
        return bytes([self.type]) + len(self.body).to_bytes(3, "big") + self.body


class HandshakeReader:
    """Gives the handshake messages of one direction of one connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._error: RecordError | None = None

    @property
    def pending(self) -> bytes:
        """The bytes of a message that has not come to its end."""
        return bytes(self._buffer)

    def feed(self, payload: bytes) -> list[HandshakeMessage]:
        """The messages that the payload of this handshake record completes.

        Raises:
            RecordError: when a message announces more than `MAX_MESSAGE` bytes; then again with every payload.
        """
        if self._error is not None:
            raise self._error
        self._buffer += payload
        buffer = self._buffer
        messages = []
        at = 0
        while len(buffer) - at >= _MESSAGE_HEADER:
            length = int.from_bytes(buffer[at + 1 : at + 4], "big")
            if length > MAX_MESSAGE:
                self._error = RecordError(
                    f"A handshake message of type {buffer[at]} announces {length} bytes; more than {MAX_MESSAGE} are "
                    "not read. The peer sent a malformed message, or the record is encrypted."
                )
                raise self._error
            end = at + _MESSAGE_HEADER + length
            if end > len(buffer):
                break
            messages.append(HandshakeMessage(buffer[at], bytes(buffer[at + _MESSAGE_HEADER : end])))
            at = end
        del buffer[:at]
        return messages
