"""What the clients of this process send and receive, kept while a test runs, with the secrets that make it readable.

A recording is asked for a connection in place of `socket.create_connection`, and keeps what goes through it, byte for
byte and with the time. Nothing is sniffed: no privilege is needed, and nothing of other programs is seen.

- Where nobody records, clients have plain sockets and none of this runs.
- A connection keeps so many bytes of both directions together, a recording so many of all: what comes after is counted
  and not kept.
- Secrets of TLS (RFC 9850) stay in here until they are written for their test; they are in no repr.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Kind: TypeAlias = Literal["asked", "opened", "refused", "sent", "received", "client ended", "server ended", "reset"]
"""What happens to a connection: the client asks for it, it is opened or refused, bytes go, one side ends it."""

MOST_OF_ONE: Final = 2**21
"""Bytes that are kept of one connection: handshakes and some pages; a long download need not be seen whole."""

MOST: Final = 2**23
"""Bytes that are kept of all connections of a recording: they stand in memory until the test is over."""

MOST_SEEN: Final = 100
"""Observations that are kept, the last ones."""

_KEYS = "keys.log"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a connection.

    Attributes:
        at: nanoseconds since the epoch.
        kind: what it was.
        data: the bytes of "sent" and "received".
    """

    at: int
    kind: Kind
    data: bytes = field(default=b"", repr=False)


@dataclass(slots=True, eq=False)
class Connection:
    """A TCP connection as its client saw it.

    Attributes:
        server: address and port that it was made to.
        name: the name that its client asks for; empty where there is none.
        client: address and port at this end; no port before it is open.
        events: what happened, in order.
        cut: how many bytes went beside those that are kept.
        keys: lines of the key log that its client gave for it.
        size: how many bytes are kept.
        closed: whether its client has closed it.
    """

    server: tuple[str, int]
    name: str = ""
    client: tuple[str, int] = ("", 0)
    events: list[Event] = field(default_factory=list)
    cut: int = 0
    keys: list[bytes] = field(default_factory=list, repr=False)
    size: int = 0
    closed: bool = False


class Recording:
    """What the clients of one server have sent and received in the current test, and what they have seen.

    Args:
        folder: where a client whose library writes its key log itself can have that.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_from = 0
        self.connections: list[Connection] = []
        self.seen: deque[object] = deque(maxlen=MOST_SEEN)
        self.unseen = 0
        self._size = 0

    def connect(self, address: tuple[str, int], timeout: float | None, name: str = "") -> RecordedSocket:
        """A connection that is recorded.

        Args:
            address: host and port to connect to.
            timeout: seconds; `None` waits for ever.
            name: the name that is going to be asked for.

        Raises:
            OSError: as `socket.create_connection`.
        """
        kept = Connection(address, name)
        self.connections.append(kept)
        self.keep(kept, "asked")
        try:
            made = socket.create_connection(address, timeout)
        except ConnectionRefusedError:
            self.keep(kept, "refused")
            raise
        kept.client, kept.server = made.getsockname()[:2], made.getpeername()[:2]
        self.keep(kept, "opened")
        return RecordedSocket(made, self, kept)

    def keep(self, connection: Connection, kind: Kind, data: bytes = b"") -> None:
        """Takes note of what happens to a connection, as far as there is room."""
        if data:
            if connection.cut or self._size + len(data) > MOST or connection.size + len(data) > MOST_OF_ONE:
                connection.cut += len(data)
                return
            self._size += len(data)
            connection.size += len(data)
        connection.events.append(Event(time.time_ns(), kind, data))

    def note(self, observation: object) -> None:
        """Takes note of what a client has seen."""
        self.unseen += len(self.seen) == MOST_SEEN
        self.seen.append(observation)

    @property
    def key_file(self) -> Path:
        """The file, for its owner alone, that a library appends its key log to."""
        path = self._folder / _KEYS
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return path

    @property
    def keys(self) -> tuple[str, ...]:
        """The key log of the connections, in lines as Wireshark reads them (RFC 9850)."""
        written = b""
        with contextlib.suppress(FileNotFoundError), (self._folder / _KEYS).open("rb") as file:
            file.seek(self._read_from)
            written = file.read()
        lines = [*(line for one in self.connections for line in one.keys), *written.splitlines()]
        found = (line.decode("ascii", "replace").strip() for line in lines)
        return tuple(dict.fromkeys(line for line in found if line and not line.startswith("#")))

    def clear(self) -> None:
        """Forgets all but connections that are still open: without its beginning, the rest of one cannot be read."""
        self.connections = [one for one in self.connections if not one.closed and one.client[1]]
        self._size = sum(one.size for one in self.connections)
        self.seen.clear()
        self.unseen = 0
        if not self.connections:
            with contextlib.suppress(FileNotFoundError):
                self._read_from = (self._folder / _KEYS).stat().st_size


class RecordedSocket(socket.socket):
    """A connected socket that keeps what goes through it.

    Args:
        made: the socket, which this one takes over.
        recording: what keeps it.
        kept: which connection it is.
    """

    def __init__(self, made: socket.socket, recording: Recording, kept: Connection) -> None:
        timeout = made.gettimeout()
        super().__init__(made.family, made.type, made.proto, fileno=made.detach())
        self.settimeout(timeout)
        self.recording = recording
        self.kept = kept

    def send(self, data: Any, flags: int = 0, /) -> int:
        """Sends and keeps what was taken."""
        sent = super().send(data, flags)
        if sent:
            self.recording.keep(self.kept, "sent", bytes(memoryview(data)[:sent]))
        return sent

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Sends and keeps all of it."""
        if kept := bytes(data):
            self.recording.keep(self.kept, "sent", kept)
        super().sendall(data, flags)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receives and keeps."""
        try:
            data = super().recv(size, flags)
        except ConnectionResetError:
            self._end("reset")
            raise
        self._received(data)
        return data

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0, /) -> int:
        """Receives and keeps."""
        try:
            size = super().recv_into(buffer, nbytes, flags)
        except ConnectionResetError:
            self._end("reset")
            raise
        self._received(bytes(memoryview(buffer)[:size]))
        return size

    def shutdown(self, how: int, /) -> None:
        """Ends one direction or both."""
        if how != socket.SHUT_RD:
            self._end("client ended")
        super().shutdown(how)

    def _real_close(self, *args: Any) -> None:  # what `close` calls once no file of the socket is open any more
        if not self.kept.closed:
            self._end("client ended")
            self.kept.closed = True
        super()._real_close(*args)  # type: ignore[misc]  # typeshed does not have it

    def _received(self, data: bytes) -> None:
        if data:
            self.recording.keep(self.kept, "received", data)
        else:
            self._end("server ended")

    def _end(self, kind: Kind) -> None:
        """Takes note of an end, once for each side."""
        known: Sequence[Kind] = [one.kind for one in self.kept.events[-3:]]
        if kind not in known and "reset" not in known:
            self.recording.keep(self.kept, kind)


def connect(
    address: tuple[str, int], timeout: float | None, recording: Recording | None, name: str | None = None
) -> socket.socket:
    """A TCP connection, recorded where somebody records; arguments and errors as for `Recording.connect`."""
    if recording is None:
        return socket.create_connection(address, timeout)
    return recording.connect(address, timeout, name or "")
