"""What clients and a server really send each other: relays on loopback that keep every byte of both directions.

A relay is an independent witness: it sees what any client sends, also one that shows nothing of itself, and TLS as
ciphertext. For the server its clients are those of the relay. A reset of one side reaches the other as an end.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_modssl.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Direction: TypeAlias = Literal["client to server", "server to client"]

SHORTEST = 4
"""Bytes of the shortest secret that can be looked for: a shorter one is in ciphertext by chance."""

MOST = 2**28
"""Bytes that a capture keeps at most, of all connections and both directions."""

_CHUNK = 65_536
_SECONDS = 10.0
_HOST = re.compile(rb"^host:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_FIELD = re.compile(rb"([\w-]+):")
_HEAD_END = b"\r\n\r\n"
_BASE64 = "base64"


@dataclass(slots=True)
class _Connection:
    port: int
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)


class _Kept:
    """How much all connections of a capture have kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self.full = False

    def has_room(self, size: int) -> bool:
        """Whether that many bytes more are kept; where not, it is full from then on."""
        with self._lock:
            self._size += size
            self.full = self.full or self._size > MOST
            return not self.full


@dataclass(frozen=True, slots=True)
class Stream:
    """One TCP connection as it was on the wire.

    Attributes:
        port: of the configuration.
        sent: all bytes from the client to the server.
        received: all bytes from the server to the client.
    """

    port: int
    sent: bytes = field(repr=False)
    received: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"a connection with port {self.port}: {len(self.sent)} bytes sent, {len(self.received)} received"


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that can be read on the wire; the secret itself is not in here.

    Attributes:
        port: of the configuration.
        direction: who sent it.
        form: how it was written: "as it is", "URL-encoded", "JSON", "base64".
        field: the field of the HTTP head that it stood in, "Authorization"; empty where it was elsewhere.
        host: the `Host` of the request that it stood in; empty where there is none.
    """

    port: int
    direction: Direction
    form: str
    field: str = ""
    host: str = ""

    @property
    def basic(self) -> bool:
        """Whether it was part of Basic authentication (RFC 7617)."""
        return self.form == _BASE64 and self.field.lower() in {"authorization", "proxy-authorization"}

    def __str__(self) -> str:
        where = f" in the field {self.field}" if self.field else ""
        host = f" of a request for {self.host}" if self.host else ""
        return f"port {self.port}, {self.direction}: the secret, {self.form}{where}{host}"


class Capture:
    """The connections that go through relays while it is open; `streams` tells what they carried, also afterwards."""

    def __init__(self) -> None:
        self._connections: list[_Connection] = []
        self._relays: dict[int, _Relay] = {}
        self._kept = _Kept()

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Every connection so far, in the order in which they were made.

        Raises:
            CaptureError: they carried more than `MOST` bytes; the last of them were ended then.
        """
        if self._kept.full:
            raise CaptureError(
                f"more than {MOST} bytes went over the wire while it was captured, and no more are kept. What to do: "
                "capture less at a time, in several blocks `with server.capture():`"
            )
        return tuple(Stream(one.port, bytes(one.sent), bytes(one.received)) for one in self._connections)

    @property
    def ports(self) -> dict[tuple[str, int], int]:
        """The port of the configuration by the address of its relay."""
        return {relay.address: port for port, relay in self._relays.items()}

    def address(self, port: int, server: tuple[str, int]) -> tuple[str, int]:
        """Where clients reach a port of the configuration through a relay.

        Args:
            port: of the configuration.
            server: where the server really listens for it.
        """
        if port not in self._relays:
            self._relays[port] = _Relay(port, server, self._connections, self._kept)
        return self._relays[port].address

    def close(self) -> None:
        """End every relay and its connections; what was kept stays."""
        for relay in self._relays.values():
            relay.close()


class _Relay:
    """A port of loopback that passes everything on to a server, in threads that end with it."""

    def __init__(self, port: int, server: tuple[str, int], connections: list[_Connection], kept: _Kept) -> None:
        self._port = port
        self._server = server
        self._connections = connections
        self._kept = kept
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._start(self._accept)

    def close(self) -> None:
        self._closed = True
        # One more connection wakes the thread that accepts, on every system; closing its socket does not.
        with contextlib.suppress(OSError):
            socket.create_connection(self.address, _SECONDS).close()
        for one in self._sockets.copy():
            _end(one)
        for thread in self._threads:
            thread.join(_SECONDS)

    def _start(self, target: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with self._listener:
            while True:
                client, _ = self._listener.accept()
                if self._closed:
                    client.close()
                    return
                self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(self._server, _SECONDS)
            except OSError:
                return
            with server:
                server.settimeout(None)
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.update((client, server))
                kept = _Connection(self._port)
                self._connections.append(kept)
                back = self._start(_pass_on, server, client, kept.received, self._kept)
                _pass_on(client, server, kept.sent, self._kept)
                back.join()
                self._sockets.difference_update((client, server))


def _pass_on(source: socket.socket, sink: socket.socket, kept: bytearray, of_all: _Kept) -> None:
    """Keep, then pass on, so that whoever has got something finds it kept; what cannot be kept ends the connection."""
    try:
        while data := source.recv(_CHUNK):
            if not of_all.has_room(len(data)):
                break
            kept += data
            sink.sendall(data)
        else:
            sink.shutdown(socket.SHUT_WR)
            return
    except OSError:
        pass
    _end(source)
    _end(sink)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def leaks_in(streams: tuple[Stream, ...], secret: str | bytes) -> tuple[Leak, ...]:
    """Where a secret can be read on the wire, each place once.

    It is looked for as it is, URL-encoded (also as in forms), as in JSON, and in base64 whatever stands around it, as
    a user's name does in Basic authentication. Not in what a server compressed, nor in Huffman codes (HPACK).

    Args:
        streams: what was captured.
        secret: at least `SHORTEST` bytes; text is taken as UTF-8 and as Latin-1.

    Raises:
        ValueError: it is shorter than that.
    """
    forms = [(form, re.compile(wanted)) for form, wanted in _forms(secret)]
    found: dict[Leak, None] = {}
    for stream in streams:
        directions: tuple[tuple[Direction, bytes], ...] = (
            ("client to server", stream.sent),
            ("server to client", stream.received),
        )
        for direction, data in directions:
            for form, wanted in forms:
                for name, host in _places(data, wanted):
                    found[Leak(port=stream.port, direction=direction, form=form, field=name, host=host)] = None
    return tuple(found)


def _places(data: bytes, wanted: re.Pattern[bytes]) -> Iterator[tuple[str, str]]:
    """Field and host of each line in which something stands: each head is read once, so that it takes linear time."""
    end, host = -1, ""
    match = wanted.search(data)
    while match is not None:
        at = match.start()
        if at >= end:
            start = data.rfind(_HEAD_END, 0, at) + 1
            found = data.find(_HEAD_END, at)
            end = found if found >= 0 else len(data)
            named = _HOST.search(data, start, end)
            host = named[1].decode("ascii", "replace") if named else ""
        line = data.rfind(b"\n", 0, at) + 1
        name = _FIELD.match(data, line, at)
        yield name[1].decode("ascii") if name else "", host
        next_line = data.find(b"\n", at + 1)  # what is wanted may itself begin with the end of a line
        match = wanted.search(data, next_line) if next_line >= 0 else None


def _forms(secret: str | bytes) -> tuple[tuple[str, bytes], ...]:
    """What a secret may look like, with a pattern for each."""
    texts = [secret] if isinstance(secret, bytes) else [secret.encode()]
    if isinstance(secret, str):
        with contextlib.suppress(UnicodeEncodeError):
            texts.append(secret.encode("latin-1"))
    if len(texts[0]) < SHORTEST:
        raise ValueError(f"a secret of {len(texts[0])} bytes is found anywhere by chance: give {SHORTEST} at least")
    found: dict[bytes, str] = {}
    for text in texts:
        found.setdefault(re.escape(text), "as it is")
        found.setdefault(_otherwise(text, b"".join(map(_url_encoded, text))), "URL-encoded")
        for one in _base64(text):
            found.setdefault(re.escape(one).replace(rb"\+", b"[+-]").replace(b"/", b"[/_]"), _BASE64)
    if isinstance(secret, str):
        for written in (json.dumps(secret), json.dumps(secret, ensure_ascii=False)):
            # Whether "/" is escaped is left to who writes (RFC 8259 section 7).
            pattern = re.escape(written[1:-1].encode()).replace(b"/", rb"\\?/")
            found.setdefault(_otherwise(texts[0], pattern), "JSON")
    return tuple((form, wanted) for wanted, form in found.items())


def _otherwise(text: bytes, pattern: bytes) -> bytes:
    """A pattern of an encoding where that changes something."""
    return b"(?!%s)%s" % (re.escape(text), pattern)


def _url_encoded(byte: int) -> bytes:
    """Which characters stand as they are, and in which case the digits are, differs from client to client."""
    return b"(?:%s|%%(?i:%02x)%s)" % (re.escape(bytes([byte])), byte, rb"|\+" if byte == 0x20 else b"")


def _base64(text: bytes) -> Iterator[bytes]:
    """The characters that stand for a text alone, by how many bytes modulo 3 stand before it (RFC 4648 section 4).

    Those for URLs (section 5) differ in two of them.
    """
    for before in range(3):
        characters = base64.b64encode(b"\0" * before + text)
        yield characters[-(-8 * before // 6) : 8 * (before + len(text)) // 6]
