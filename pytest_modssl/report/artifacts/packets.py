"""TCP connections as their clients saw them, as packets that could have carried them.

What a client sent and received is true byte for byte, and so are addresses, times and ends; headers are made: sequence
numbers count from a number of the connection's own, nothing is lost or repeated, nothing is acknowledged by itself. The
port of the server is that of its configuration, wherever it really listened.
"""

from __future__ import annotations

import ipaddress
import struct
import sys
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.recording import Connection, Event, Kind

# RFC 9293 section 3.1.
_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_WINDOW: Final = 65_535
# Maximum segment size, no operation, window scale by 7 (RFC 9293 section 3.2, RFC 7323 section 2.2): so all that is not
# acknowledged yet has room in the window.
_SYN_OPTIONS: Final = bytes([2, 4, 0xFF, 0xD7, 1, 3, 3, 7])
# With headers of both layers well below the 65535 bytes of RFC 791 section 3.1.
_SEGMENT: Final = 32_768
_TCP: Final = 6
_HOPS: Final = 64
# Far enough from each other that connections with the same ports are told apart.
_BETWEEN: Final = 0x01000000

_MADE: Final[dict[Kind, tuple[tuple[str, int], ...]]] = {
    "asked": (("client", _SYN),),
    "opened": (("server", _SYN | _ACK), ("client", _ACK)),
    "refused": (("server", _RST | _ACK),),
    "sent": (("client", _PSH | _ACK),),
    "received": (("server", _PSH | _ACK),),
    "client ended": (("client", _FIN | _ACK),),
    "server ended": (("server", _FIN | _ACK),),
    "reset": (("server", _RST | _ACK),),
}
"""Which side sends what when something happens: sender and control bits."""


class Packet(NamedTuple):
    """A packet of the network.

    Attributes:
        at: nanoseconds since the epoch.
        data: from its IP header on.
        comment: what to tell of it.
    """

    at: int
    data: bytes
    comment: str = ""


@dataclass(slots=True)
class _Side:
    host: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int
    next: int
    ended: bool = False


def packets_of(connection: Connection, events: Sequence[Event], port: int, number: int) -> Iterator[Packet]:
    """The packets of a connection, in order.

    Args:
        connection: which one.
        events: what its client saw.
        port: of the server, as the configuration has it.
        number: of the connection among others, counted from 0.
    """
    host = ipaddress.ip_address(connection.server[0])
    unknown = "127.0.0.1" if host.version == 4 else "::1"
    # RFC 9293 section 3.4.1: initial numbers are free to choose.
    first = number * _BETWEEN % 2**32
    client = _Side(ipaddress.ip_address(connection.client[0] or unknown), connection.client[1], first)
    server = _Side(host, port, first + _BETWEEN // 2)
    comment = f"{connection.name or 'no name'}, at {connection.server[0]} port {connection.server[1]}"
    for event in events:
        for data in _packets(event, client, server):
            yield Packet(event.at, data, comment)
            comment = ""


def _packets(event: Event, client: _Side, server: _Side) -> Iterator[bytes]:
    ends = {"client": (client, server), "server": (server, client)}
    for side, flags in _MADE[event.kind]:
        yield from _segments(*ends[side], flags, event.data)
    if client.ended and server.ended and _MADE[event.kind][0][1] & _FIN:
        last, _ = _MADE[event.kind][0]
        sender, receiver = ends[last]
        yield _packet(receiver, sender, _ACK, b"")


def _segments(sender: _Side, receiver: _Side, flags: int, data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data) or 1, _SEGMENT):
        yield _packet(sender, receiver, flags, data[at : at + _SEGMENT])


def _packet(sender: _Side, receiver: _Side, flags: int, data: bytes) -> bytes:
    """A packet (RFC 9293 section 3.1 in RFC 791 section 3.1 or RFC 8200 section 3); its sender's numbers go on."""
    options = _SYN_OPTIONS if flags & _SYN else b""
    offset = 20 + len(options)
    head = struct.pack(
        ">HHIIHHHH",
        sender.port,
        receiver.port,
        sender.next % 2**32,
        receiver.next % 2**32 if flags & _ACK else 0,
        offset // 4 << 12 | flags,
        _WINDOW,
        0,
        0,
    )
    segment = head + options + data
    sender.next += len(data) + bool(flags & (_SYN | _FIN))
    sender.ended = sender.ended or bool(flags & _FIN)
    source, target = sender.host.packed, receiver.host.packed
    # RFC 9293 section 3.1, "Checksum": over addresses, length and protocol too.
    checked = _checksum(source + target + struct.pack(">II", len(segment), _TCP) + segment)
    segment = segment[:16] + checked + segment[18:]
    if sender.host.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(segment), _TCP, _HOPS) + source + target + segment
    # Version 4, five words; not to be fragmented.
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, _HOPS, _TCP, 0) + source + target
    return head[:10] + _checksum(head) + head[12:] + segment


def _checksum(data: bytes) -> bytes:
    """The Internet checksum (RFC 1071), which can be summed up in either order of bytes."""
    total = sum(array("H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2, sys.byteorder)
