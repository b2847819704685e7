"""A request by plain HTTP, spoken by hand: what comes back, byte for byte, whatever it is."""

from __future__ import annotations

import socket

_READ = 65_536


def speak_plain(address: tuple[str, int], request: bytes, *, timeout: float = 10.0) -> bytes:
    """All that a server sends for a request until it closes the connection.

    Args:
        address: host and port to connect to.
        request: the bytes to send; it should ask the server to close (`Connection: close`).
        timeout: seconds for the connection, and for each wait after that.

    Raises:
        OSError: nobody listens, the connection was reset, or nothing came in time (`TimeoutError`).
    """
    received = []
    with socket.create_connection(address, timeout=timeout) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        while data := connection.recv(_READ):
            received.append(data)
    return b"".join(received)
