"""TCP connections of this machine that are open, as its kernel tells them: Linux only.

The kernel is asked by sock_diag(7) for just the two states that matter. `/proc/net/tcp` (proc(5)) tells the same, but
writes out every connection that waits for its time to pass (TIME_WAIT): after some thousand requests, 10 ms where
sock_diag takes 1 (measured on Linux 6.18). It is read where there is no sock_diag, as in some sandboxes.

To list connections, the kernel walks a table that grows with its memory, not with the connections (up to 2.5 ms,
measured on 24 GB). That none is open, which is the rule at the end of a test, `Watch` knows in a tenth of that time.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.process import children

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# include/net/tcp_states.h
ESTABLISHED, CLOSE_WAIT = 1, 8

# include/uapi/linux/netlink.h, sock_diag.h and inet_diag.h.
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
# Family, protocol, extensions, a bit for each state; no particular socket.
_REQUEST = struct.Struct("=BBBxI48x")
# Family, state, timer, retransmits, then the ports and addresses of both ends in network order.
_ANSWER = struct.Struct("=BBBB2s2s4s12x4s12x")
# The same for one socket: the port and address at this end, nothing at the other, any interface, any cookie.
_REQUEST_ONE = struct.Struct("=BBBxI2s2x4s12x16x4x8s")
_REQUEST_PLAIN, _NO_COOKIE = 1, b"\xff" * 8
# Of a listening socket, the connections that it has not accepted yet (tcp_diag_get_info in net/ipv4/tcp_diag.c).
_WAITING = struct.Struct("=56xI")
_SECONDS = 5.0
_END = r"([0-9A-F]{32}|[0-9A-F]{8})"
_ROW = re.compile(rf"\b{_END}:[0-9A-F]{{4}} {_END}:([0-9A-F]{{4}}) ({ESTABLISHED:02X}|{CLOSE_WAIT:02X}) ")


def open_connections(address: str) -> dict[str, int]:
    """State by peer (`address:port`) of every connection at an IPv4 address that is established or half closed.

    Half closed (`CLOSE_WAIT`) is what the peer has closed and the program here has not.
    """
    try:
        found = _ask(address)
    except OSError:
        found = _read(address)
    return dict(found)


def _ask(address: str) -> list[tuple[str, int]]:
    """The same by sock_diag; OSError where the kernel does not speak it."""
    mine = socket.inet_aton(address)
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_SECONDS)
        request = _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 1 << ESTABLISHED | 1 << CLOSE_WAIT)
        kernel.sendto(
            _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + request, (0, 0)
        )
        for kind, body in _messages(kernel):
            if kind == _ERROR:
                raise OSError("sock_diag is refused")
            _, state, _, _, _, port, local, peer = _ANSWER.unpack_from(body)
            if local == mine:
                found.append((f"{socket.inet_ntoa(peer)}:{int.from_bytes(port, 'big')}", state))
    return found


class Watch:
    """The open connections of one program, listed only where there may be any.

    There is none where nothing waits at the listening ports, and the program's children have no socket but those that
    they had before anybody could connect, or when the kernel listed none.

    Args:
        address: where it listens, an IPv4 address.
        ports: at which ports.
    """

    def __init__(self, address: str, ports: Iterable[int]) -> None:
        self._address = address
        self._ports = tuple(ports)
        self._standing: frozenset[str] = frozenset()

    def begin(self, pid: int) -> None:
        """To be called before anybody can have connected; `pid` as for `open_connections`."""
        with contextlib.suppress(OSError):
            self._standing = _sockets(str(pid)) | _children_sockets(pid)

    def open_connections(self, pid: int) -> dict[str, int]:
        """The same as `open_connections`, of the program whose children have the connections.

        Args:
            pid: its first process.
        """
        try:
            # In this order: what has left the queue by the first look is one of a child's sockets by the second.
            awaited = _is_any_awaited(self._address, self._ports)
            sockets = _children_sockets(pid)
        except OSError:  # not on this system, or the account may not look
            return open_connections(self._address)
        if not awaited and sockets <= self._standing:
            return {}
        found = open_connections(self._address)
        if not found:
            self._standing = sockets
        return found


def _is_any_awaited(address: str, ports: Iterable[int]) -> bool:
    """Whether a connection waits at one of the listening ports.

    Raises:
        OSError: where nobody listens at one of them, or sock_diag is not spoken.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_SECONDS)
        return any(_is_awaited(kernel, address, port) for port in ports)


def _is_awaited(kernel: socket.socket, address: str, port: int) -> bool:
    request = _REQUEST_ONE.pack(
        socket.AF_INET, socket.IPPROTO_TCP, 0, 0, port.to_bytes(2, "big"), socket.inet_aton(address), _NO_COOKIE
    )
    kernel.sendto(
        _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _REQUEST_PLAIN, 1, 0) + request, (0, 0)
    )
    kind, body = next(_messages(kernel))
    if kind == _ERROR:
        raise OSError("sock_diag is refused, or nobody listens there")
    return bool(_WAITING.unpack_from(body)[0])


def _children_sockets(pid: int) -> frozenset[str]:
    return frozenset().union(*map(_sockets, children(pid)))


def _sockets(pid: str) -> frozenset[str]:
    """The sockets that a process has open; OSError where that may not be known."""
    with os.scandir(f"/proc/{pid}/fd") as entries:
        links = [os.readlink(entry.path) for entry in entries]  # noqa: PTH115 - for each test: it is fast
    return frozenset(link for link in links if link.startswith("socket:"))


def _messages(kernel: socket.socket) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each message up to the last, which says only that it is that."""
    while True:
        data = kernel.recv(65_536)
        while data:
            length, kind, *_ = _HEADER.unpack_from(data)
            if kind == _DONE:
                return
            yield kind, data[_HEADER.size : length]
            data = data[(length + 3) & ~3 :]


def _read(address: str) -> list[tuple[str, int]]:
    """The same by /proc/net/tcp."""
    table = Path("/proc/net/tcp").read_text(encoding="ascii")
    return [(peer, state) for local, peer, state in _rows(table) if local == address]


def connections_in(tables: str) -> dict[str, int]:
    """The same of every address, from the text of /proc/net/tcp and tcp6 of another network namespace.

    Args:
        tables: the two files one after the other, with any white space between the fields.
    """
    return {peer: state for _, peer, state in _rows(tables)}


def _rows(tables: str) -> Iterator[tuple[str, str, int]]:
    """Local address, peer and state of each open connection."""
    for local, peer, port, state in _ROW.findall(tables):
        yield _address(local), f"{_address(peer)}:{int(port, 16)}", int(state, 16)


def _address(text: str) -> str:
    """An address of 32-bit words in the machine's byte order, in hex; an IPv4 address also where IPv6 stands for it."""
    words = (text[at : at + 8] for at in range(0, len(text), 8))
    address = ipaddress.ip_address(b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words))
    return str(getattr(address, "ipv4_mapped", None) or address)
