"""Fakes of servers that no httpd is: they never end, send gigabytes, reset, or say nothing. One treats many clients."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import threading
from functools import partial
from typing import TYPE_CHECKING

from pytest_modssl.tls.records import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Treat = Callable[[socket.socket], None]

_GIGABYTES = 2 << 30
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
_PIECE = bytes(65_536)
_VERSION = 0x0303


@contextlib.contextmanager
def fake_server(treat: Treat) -> Iterator[tuple[str, int]]:
    """The address of a server that treats every connection so, in a thread of its own, until the block ends."""
    open_now: set[socket.socket] = set()
    threads: list[threading.Thread] = []
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, ValueError), connection:
            treat(connection)
        open_now.discard(connection)

    def accept(listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            if ended.is_set():
                connection.close()
                return
            open_now.add(connection)
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        threads.append(threading.Thread(target=accept, args=(listener,), daemon=True))
        threads[0].start()
        try:
            yield listener.getsockname()
        finally:
            ended.set()
            socket.create_connection(listener.getsockname()).close()
            for one in open_now.copy():
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(10)


def hear(connection: socket.socket) -> None:
    """Takes what the client says first."""
    connection.recv(65_536)


def says_nothing(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def resets_at_once(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def resets(connection: socket.socket) -> None:
    hear(connection)
    resets_at_once(connection)


def closes_at_once(_: socket.socket) -> None:
    """Says nothing."""


def sends(data: bytes, connection: socket.socket) -> None:
    """Sends that, then ends."""
    hear(connection)
    connection.sendall(data)


def sends_and_resets(data: bytes, connection: socket.socket) -> None:
    """Sends that, then resets."""
    sends(data, connection)
    resets_at_once(connection)


def sends_and_waits(data: bytes, connection: socket.socket) -> None:
    """Sends that, then nothing."""
    sends(data, connection)
    says_nothing(connection)


def drips(data: bytes, connection: socket.socket) -> None:
    """Sends a byte at a time, far too slowly; without an end."""
    hear(connection)
    pause = threading.Event()
    for byte in itertools.chain(data, itertools.cycle(data[-1:])):
        connection.sendall(bytes([byte]))
        pause.wait(0.05)


def never_ends(first: bytes, again: bytes, connection: socket.socket) -> None:
    """Sends the first, then the other for ever, as fast as it is taken."""
    hear(connection)
    connection.sendall(first)
    many = again * max(1, len(_PIECE) // len(again))
    while True:
        connection.sendall(many)


def sends_gigabytes(first: bytes, connection: socket.socket) -> None:
    """Sends the first, then two gigabytes, and ends."""
    hear(connection)
    connection.sendall(first)
    for _ in range(_GIGABYTES // len(_PIECE)):
        connection.sendall(_PIECE)


def over_tls(context: ssl.SSLContext, treat: Callable[[ssl.SSLSocket], object], connection: socket.socket) -> None:
    """The same after an honest handshake."""
    with context.wrap_socket(connection, server_side=True) as session:
        treat(session)


def record(kind: int, payload: bytes) -> bytes:
    return Record(kind, _VERSION, payload).to_bytes()


def in_clear(flights: Iterable[bytes]) -> dict[str, Treat]:
    """What a peer can do to a client that speaks TLS, with the recorded flights of real servers.

    A message of 16 MB is announced, and sent in full.
    """
    flight = max(flights, key=len)
    hello = flight[: 5 + int.from_bytes(flight[3:5], "big")]
    huge = b"\x02" + (2**24 - 1).to_bytes(3, "big")
    return {
        "drips": partial(drips, flight),
        "endless hello requests": partial(never_ends, b"", record(HANDSHAKE, bytes(4))),
        "endless hello requests after a hello": partial(never_ends, hello, record(HANDSHAKE, bytes(4) * 1000)),
        "endless server hellos": partial(never_ends, b"", hello),
        "endless empty records": partial(never_ends, b"", record(HANDSHAKE, b"")),
        "endless change cipher specs": partial(never_ends, b"", record(CHANGE_CIPHER_SPEC, b"\1")),
        "endless warnings": partial(never_ends, b"", record(ALERT, bytes([1, 90]))),
        "endless warnings after a hello": partial(never_ends, hello, record(ALERT, bytes([1, 90]))),
        "a message of 16 MB": partial(never_ends, record(HANDSHAKE, huge), record(HANDSHAKE, bytes(16_384))),
        "endless empty messages": partial(never_ends, hello, record(HANDSHAKE, b"\x16\0\0\0" * 4000)),
        "endless letters": partial(never_ends, b"", b"x"),
        "gigabytes": partial(sends_gigabytes, b""),
        "gigabytes after a hello": partial(sends_gigabytes, hello),
    }


def of_http() -> dict[str, Treat]:
    """What a peer can do to a client that speaks HTTP."""
    chunked = _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    redirect = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /again"
    return {
        "drips a head": partial(drips, b"HTTP/1.1 200 OK\r\nX: " + b"x"),
        "drips a body": partial(drips, _HEAD + b"Content-Length: 100000\r\n\r\nx"),
        "drips chunks": partial(drips, chunked + b"1\r\nx\r\n" * 1000),
        "endless interim answers": partial(never_ends, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        "endless status line": partial(never_ends, b"HTTP/1.1 200 ", b"x"),
        "endless fields": partial(never_ends, _HEAD, b"X: y\r\n"),
        "endless field": partial(never_ends, _HEAD + b"X: ", b"y"),
        "endless body": partial(never_ends, _HEAD + b"\r\n", b"body"),
        "endless chunks": partial(never_ends, chunked, b"4\r\nbody\r\n"),
        "endless trailer": partial(never_ends, chunked + b"0\r\n", b"X: y\r\n"),
        "endless redirects": partial(_redirects, redirect),
        "negative chunk": partial(never_ends, chunked + b"-1\r\n", b"body"),
        "gigabytes": partial(sends_gigabytes, _HEAD + f"Content-Length: {_GIGABYTES}\r\n\r\n".encode()),
        "huge length": partial(sends, _HEAD + b"Content-Length: 999999999999999999999999\r\n\r\nbody"),
        "half a body": partial(sends, _HEAD + b"Content-Length: 10\r\n\r\nbody"),
        "odd location": partial(sends, redirect.replace(b"/again", b"https://[") + b"\r\n\r\n"),
    }


def _redirects(answer: bytes, connection: socket.socket) -> None:
    numbers = iter(range(10**9))
    while connection.recv(65_536):
        connection.sendall(answer + f"{next(numbers)}{threading.get_ident()}\r\n\r\n".encode())
