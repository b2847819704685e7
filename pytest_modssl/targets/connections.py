"""TCP connections of this machine that are open, as its kernel tells them: Linux only.

The kernel is asked by sock_diag(7) for just the two states that matter. `/proc/net/tcp` (proc(5)) tells the same, but
writes out every connection that waits for its time to pass (TIME_WAIT): after some thousand requests, 10 ms where
sock_diag takes 1 (measured on Linux 6.18). It is read where there is no sock_diag, as in some sandboxes.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

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
