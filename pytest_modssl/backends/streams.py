"""Bytes of one connection, with or without TLS, for the protocols above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

CHUNK = 65_536
"""Bytes read at a time."""


_DIGITS = 18


class Stream(Protocol):
    """A connection in both directions."""

    async def receive(self) -> bytes:
        """The next bytes; none where the other side has ended."""

    async def send(self, data: bytes) -> None:
        """Returns when the bytes are on their way."""


class Plain:
    """A connection without TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> bytes:
        """The next bytes; none where the other side has ended."""
        return await self._reader.read(CHUNK)

    async def send(self, data: bytes) -> None:
        """Returns when the bytes are on their way."""
        self._writer.write(data)
        await self._writer.drain()


class EndedError(Exception):
    """The other side ended in the middle of something, or sent what cannot be understood."""


def announced(length: str) -> int | None:
    """The number that a Content-Length is; `None` where it is none.

    Raises:
        EndedError: of more digits than any body has bytes.
    """
    if not length.isascii() or not length.isdigit():
        return None
    if len(length) > _DIGITS:
        raise EndedError
    return int(length)


class Frames:
    """A stream read in pieces of known length."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pending = bytearray()

    async def exactly(self, count: int) -> bytes:
        """The next `count` bytes.

        Raises:
            EndedError: there are not as many.
        """
        while len(self._pending) < count:
            data = await self._stream.receive()
            if not data:
                raise EndedError
            self._pending += data
        taken = bytes(self._pending[:count])
        del self._pending[:count]
        return taken

    async def until(self, mark: bytes, limit: int) -> bytes:
        """The bytes before the next `mark`, which is taken off too.

        Raises:
            EndedError: it does not come within `limit` bytes.
        """
        while (at := self._pending.find(mark, 0, limit)) < 0:
            data = b"" if len(self._pending) >= limit else await self._stream.receive()
            if not data:
                raise EndedError
            self._pending += data
        return (await self.exactly(at + len(mark)))[:at]

    async def in_pieces(self, count: int) -> AsyncIterator[bytes]:
        """The next `count` bytes, in pieces of at most `CHUNK`."""
        while count:
            piece = await self.exactly(min(count, CHUNK))
            count -= len(piece)
            yield piece
