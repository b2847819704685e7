"""Addresses and ports for servers that run beside each other on one machine.

On Linux all of 127.0.0.0/8 is the loopback interface (measured; RFC 1122 section 3.2.1.3 reserves it whole), so each
server gets an address of its own and listens there on the very ports of its configuration: no race between workers,
and no odd port in a redirect. Where a port may not be bound (below `net.ipv4.ip_unprivileged_port_start` for an
ordinary user) or is taken by a server on all addresses, a free port of that address stands for it. Elsewhere there is
one loopback address, and free ports stand for all.
"""

from __future__ import annotations

import contextlib
import errno
import random
import socket
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# 127.0.0.0/16 is where people bind by hand; the rest of 127.0.0.0/8 holds 16 million addresses.
_FIRST, _LAST = 0x7F010001, 0x7FFFFFFE
_random = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Listening:
    """An address, and the port on it that stands for each port of a configuration."""

    address: str
    ports: Mapping[int, int]


def allocate(ports: Iterable[int]) -> Listening:
    """An address with a port for each of `ports`, free at the time of the call.

    Another process may take one before the server does; the caller tries again when the server says so (AH00072).
    """
    address, wanted = _own_address(), tuple(ports)
    # Probes stay open until every port is chosen, the real ones first: what is closed the kernel may give once more.
    with contextlib.ExitStack() as probes:
        own = {port for port in wanted if sys.platform == "linux" and _can_bind(address, port, probes)}
        return Listening(address, {port: port if port in own else _free(address, probes) for port in wanted})


def _own_address() -> str:
    if sys.platform != "linux":
        return "127.0.0.1"
    return socket.inet_ntoa(_random.randint(_FIRST, _LAST).to_bytes(4, "big"))


def _can_bind(address: str, port: int, probes: contextlib.ExitStack) -> bool:
    probe = probes.enter_context(socket.socket())
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((address, port))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EADDRINUSE):
            return False
        raise
    return True


def _free(address: str, probes: contextlib.ExitStack) -> int:
    probe = probes.enter_context(socket.socket())
    probe.bind((address, 0))
    return int(probe.getsockname()[1])
