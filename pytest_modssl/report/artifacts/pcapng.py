"""Blocks of a pcapng file, which Wireshark reads: interfaces, packets, and the secrets to decrypt them with.

Written by draft-ietf-opsawg-pcapng, "PCAP Now Generic (pcapng) Capture File Format", in little-endian order; the
docstrings name its sections.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

RAW: Final = 101
"""LINKTYPE_RAW: a packet begins with its IPv4 or IPv6 header (draft-ietf-opsawg-pcaplinktype, Link-Layer Types)."""

_SECTION_HEADER: Final = 0x0A0D0D0A
_INTERFACE: Final = 1
_PACKET: Final = 6
_SECRETS: Final = 0x0000000A
_BYTE_ORDER: Final = 0x1A2B3C4D
_UNKNOWN_LENGTH: Final = -1
_TLS_KEY_LOG: Final = 0x544C534B
_NO_LIMIT: Final = 0
_LONGEST: Final = 65_535

# Codes of options: of any block, of the section header, of an interface.
_END: Final = 0
_COMMENT: Final = 1
_PROGRAM: Final = 4
_NAME: Final = 2
_RESOLUTION: Final = 9
_NANOSECONDS: Final = b"\x09"


def section(program: str, comment: str) -> bytes:
    """The beginning of a file ("Section Header Block").

    Args:
        program: what wrote it.
        comment: what it is about.
    """
    version = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)
    return _block(_SECTION_HEADER, version + _options([(_COMMENT, _text(comment)), (_PROGRAM, _text(program))]))


def interface(name: str) -> bytes:
    """Where packets were seen, with times in nanoseconds ("Interface Description Block"); counted from 0."""
    options = _options([(_NAME, _text(name)), (_RESOLUTION, _NANOSECONDS)])
    return _block(_INTERFACE, struct.pack("<HHI", RAW, 0, _NO_LIMIT) + options)


def secrets(key_log: bytes) -> bytes:
    """A TLS key log (RFC 9850), before the packets that it is for ("Decryption Secrets Block")."""
    return _block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(key_log)) + _padded(key_log))


def packet(interface_number: int, at: int, data: bytes, comment: str = "") -> bytes:
    """One packet ("Enhanced Packet Block").

    Args:
        interface_number: which interface it was seen at.
        at: nanoseconds since the epoch.
        data: from its IP header on.
        comment: what to tell of it; empty for nothing.
    """
    head = struct.pack("<IIIII", interface_number, at >> 32, at & 0xFFFFFFFF, len(data), len(data))
    options = _options([(_COMMENT, _text(comment))]) if comment else b""
    return _block(_PACKET, head + _padded(data) + options)


def _block(kind: int, body: bytes) -> bytes:
    """A block with its length at both ends ("General Block Structure")."""
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _options(options: Sequence[tuple[int, bytes]]) -> bytes:
    """Options by code, and their end ("Options")."""
    return b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in (*options, (_END, b"")))


def _text(text: str) -> bytes:
    """The beginning of a text for which an option has room, whose length has two bytes ("Options")."""
    return text.encode("utf-8", "backslashreplace")[:_LONGEST].decode("utf-8", "ignore").encode()


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
