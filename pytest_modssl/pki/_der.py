"""The few DER encodings that no library here writes for us (X.690 sections 8 and 10)."""

from __future__ import annotations

from typing import Final

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
UTF8_STRING: Final = 0x0C
SEQUENCE: Final = 0x30


def encode(tag: int, content: bytes) -> bytes:
    """One value: tag, definite length (X.690 section 8.1.3), content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(value: int) -> bytes:
    """A non-negative INTEGER, with the leading zero octet where its top bit is set (X.690 section 8.3)."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def sequence(*values: bytes) -> bytes:
    """A SEQUENCE of encoded values."""
    return encode(SEQUENCE, b"".join(values))


def bit_string(content: bytes) -> bytes:
    """A BIT STRING of whole octets."""
    return encode(BIT_STRING, b"\x00" + content)


def split(content: bytes) -> list[bytes]:
    """The encoded values that stand one after the other in well-formed DER."""
    values = []
    start = 0
    while start < len(content):
        header, size = _header(content, start)
        values.append(content[start : start + header + size])
        start += header + size
    return values


def content_of(value: bytes) -> bytes:
    """The content of one encoded value, without tag and length."""
    header, size = _header(value, 0)
    return value[header : header + size]


def _header(data: bytes, start: int) -> tuple[int, int]:
    first = data[start + 1]
    if first < 0x80:
        return 2, first
    octets = first & 0x7F
    return 2 + octets, int.from_bytes(data[start + 2 : start + 2 + octets], "big")
