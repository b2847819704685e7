"""Recorded bytes, spoiled: what hostile peers send is mostly right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

LONGEST = 65_536
"""Bytes that are made at most."""

KINDS = ("set", "flip", "insert", "remove", "repeat", "number", "cut", "splice")
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x4000, 0x4800, 0xFFFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
PIECES = (
    *(
        b"\0",
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b" ",
        b":",
        b"=",
        b"-1",
        b"9" * 5000,
        b"-",
        b"\xff",
        b"\xc3\xa4",
        b"%00",
        b"[",
    ),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: -5\r\n", b"https://["),
    *(
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Type: text/html; charset*0*=\xe4''x\r\n",
        b"\x15\x03\x03\0\2\1\0",
    ),
    *(
        b"\x14\x03\x03\0\1\1",
        b"\x16\x03\x03\0\0",
        b"\x17\x03\x03\0\1\0",
        b"\x16\x03\x03\0\4\0\0\0\0",
        b"-----BEGIN X-----",
    ),
)


class Edit(NamedTuple):
    """One change: what kind, where (modulo what is there), how many bytes, and which of the choices."""

    kind: str
    place: int
    length: int
    choice: int


def edited(data: bytes, edits: Sequence[Edit], others: Sequence[bytes]) -> bytes:
    """The data with each change made; `others` are spliced in."""
    found = bytearray(data)
    for kind, place, length, choice in edits:
        at = place % (len(found) + 1)
        if kind == "set" and at < len(found):
            found[at] = choice % 256
        elif kind == "flip" and at < len(found):
            found[at] ^= 1 << choice % 8
        elif kind == "insert":
            found[at:at] = PIECES[choice % len(PIECES)]
        elif kind == "remove":
            del found[at : at + length]
        elif kind == "repeat":
            found[at:at] = found[at : at + length] * (choice % 64)
        elif kind == "number":
            size = length % 4 + 1
            found[at : at + size] = (NUMBERS[choice % len(NUMBERS)] & (1 << 8 * size) - 1).to_bytes(size, "big")
        elif kind == "cut":
            del found[at:]
        elif kind == "splice":
            other = others[choice % len(others)]
            start = place % (len(other) + 1)
            found[at : at + length] = other[start : start + length]
        del found[LONGEST:]
    return bytes(found)


def drawn(numbers: random.Random) -> list[Edit]:
    """Some changes, seldom many."""
    count = 1 + int(numbers.expovariate(0.7))
    return [
        Edit(
            KINDS[int(numbers.random() * len(KINDS))],
            numbers.getrandbits(16),
            numbers.getrandbits(7),
            numbers.getrandbits(8),
        )
        for _ in range(count)
    ]
