"""A request by plain HTTP, spoken by hand: what comes back, byte for byte, whatever it is."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from pytest_modssl.http.reading import bounded
from pytest_modssl.recording import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.recording import Recording

_READ = 65_536


def speak_plain(
    address: tuple[str, int],
    request: bytes,
    *,
    timeout: float = 10.0,
    recording: Recording | None = None,
    name: str = "",
) -> bytes:
    """All that a server sends for a request until it closes the connection.

    Args:
        address: host and port to connect to.
        request: the bytes to send; it should ask the server to close (`Connection: close`).
        timeout: seconds for all of it.
        recording: keeps what goes over the wire; `None` keeps nothing.
        name: the name that is asked for, for the recording.

    Raises:
        OSError: nobody listens, the connection was reset, or it was not closed in time (`TimeoutError`).
        AnswerError: it is too much.
    """
    deadline = time.monotonic() + timeout
    with connect(address, timeout, recording, name) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        host, port = address
        return b"".join(bounded(_pieces(connection, deadline), f"a request at {host}:{port}"))


def _pieces(connection: socket.socket, deadline: float) -> Iterator[bytes]:
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server had not ended its answer in time")
        connection.settimeout(left)
        data = connection.recv(_READ)
        if not data:
            return
        yield data
