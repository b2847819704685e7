"""Reading and writing the presentation language of TLS (RFC 8446 section 3): big-endian numbers and counted vectors."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMATS: Final = {1: "B", 2: "H"}


class Cursor:
    """Takes one field after the other from a message, and never more than is there.

    Args:
        data: The body of the message.
        what: Its name, for errors.
    """

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0

    def __len__(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            RecordError: when there are fewer.
        """
        if count > len(self):
            raise RecordError(
                f"{self._what}: {count} bytes are announced at offset {self._at}, and only {len(self)} are left of "
                f"{len(self._data)}. The peer sent a malformed message."
            )
        start = self._at
        self._at += count
        return self._data[start : self._at]

    def number(self, size: int) -> int:
        """The next `size` bytes as a big-endian number."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """The content of a vector whose length comes first, in `size` bytes."""
        return self.take(self.number(size))

    def vectors(self, outer: int, inner: int) -> list[bytes]:
        """The contents of a vector of vectors; the lengths have `outer` and `inner` bytes."""
        items = Cursor(self.vector(outer), self._what)
        found = []
        while items:
            found.append(items.vector(inner))
        return found

    def numbers(self, outer: int, size: int) -> tuple[int, ...]:
        """A vector of numbers of `size` bytes each; its length has `outer` bytes."""
        content = self.vector(outer)
        if len(content) % size:
            raise RecordError(
                f"{self._what}: a list of {size}-byte numbers has {len(content)} bytes. The peer sent a malformed "
                "message."
            )
        return tuple(int.from_bytes(content[at : at + size], "big") for at in range(0, len(content), size))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self))

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            RecordError: when something is.
        """
        if self:
            raise RecordError(f"{self._what}: {len(self)} bytes too many. The peer sent a malformed message.")


def vector(size: int, content: bytes) -> bytes:
    """The content with its length, of `size` bytes, before it."""
    return len(content).to_bytes(size, "big") + content


def numbers(outer: int, size: int, values: Iterable[int]) -> bytes:
    """A vector of numbers of `size` bytes each; its length has `outer` bytes."""
    found = tuple(values)
    return vector(outer, struct.pack(f">{len(found)}{_FORMATS[size]}", *found))
