"""Reads pcapng files and the TCP in them, by the drafts and RFCs alone: a second opinion on what we write."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from typing import NamedTuple


class Segment(NamedTuple):
    at: int
    source: tuple[str, int]
    target: tuple[str, int]
    number: int
    flags: int
    data: bytes


@dataclass
class Capture:
    interfaces: list[str] = field(default_factory=list)
    keys: bytes = b""
    packets: list[tuple[int, int, bytes, str]] = field(default_factory=list)


def read(data: bytes) -> Capture:
    """A little-endian file; every length is checked."""
    found = Capture()
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, at + length - 4) == (length,)
        body = data[at + 8 : at + length - 4]
        if kind == 0x0A0D0D0A:
            assert at == 0
            assert struct.unpack_from("<IHHq", body) == (0x1A2B3C4D, 1, 0, -1)
        elif kind == 1:
            assert struct.unpack_from("<HHI", body) == (101, 0, 0)
            options = _options(body[8:])
            assert options[9] == b"\x09"
            found.interfaces.append(options[2].decode())
        elif kind == 10:
            assert not found.packets, "secrets stand before the packets that they are for"
            name, size = struct.unpack_from("<II", body)
            assert name == int.from_bytes(b"TLSK", "big")
            found.keys += body[8 : 8 + size]
        else:
            assert kind == 6
            interface, high, low, kept, length_of_packet = struct.unpack_from("<IIIII", body)
            assert kept == length_of_packet
            comment = _options(body[20 + (kept + 3) // 4 * 4 :]).get(1, b"").decode()
            found.packets.append((interface, high << 32 | low, body[20 : 20 + kept], comment))
        at += length
    return found


def segments(found: Capture) -> list[Segment]:
    """The TCP segments, with checksums that are right."""
    return [_segment(at, packet) for _, at, packet, _ in found.packets]


def streams(segments: list[Segment]) -> dict[tuple[tuple[str, int], tuple[str, int]], bytes]:
    """What each end sent to the other, put together by sequence numbers."""
    next_number: dict[tuple[tuple[str, int], tuple[str, int]], int] = {}
    sent: dict[tuple[tuple[str, int], tuple[str, int]], bytes] = {}
    for one in segments:
        way = one.source, one.target
        if one.flags & 2:
            next_number[way] = one.number
            sent.setdefault(way, b"")
        assert one.number == next_number[way], "a gap, or a repetition"
        next_number[way] = (one.number + len(one.data) + bool(one.flags & 3)) % 2**32
        sent[way] += one.data
    return sent


def _options(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while data:
        code, length = struct.unpack_from("<HH", data)
        if code == 0:
            assert len(data) == 4
            break
        found[code] = data[4 : 4 + length]
        data = data[4 + (length + 3) // 4 * 4 :]
    return found


def _segment(at: int, packet: bytes) -> Segment:
    if packet[0] >> 4 == 4:
        assert packet[0] == 0x45
        assert struct.unpack_from(">H", packet, 2) == (len(packet),)
        assert _sum(packet[:20]) == 0xFFFF
        source, target, tcp = packet[12:16], packet[16:20], packet[20:]
        assert packet[9] == 6
    else:
        assert packet[0] >> 4 == 6
        assert struct.unpack_from(">HB", packet, 4) == (len(packet) - 40, 6)
        source, target, tcp = packet[8:24], packet[24:40], packet[40:]
    assert _sum(source + target + struct.pack(">II", len(tcp), 6) + tcp) == 0xFFFF
    from_port, to_port, number, _, offset = struct.unpack_from(">HHIIH", tcp)
    ends = (str(ipaddress.ip_address(source)), from_port), (str(ipaddress.ip_address(target)), to_port)
    return Segment(at, *ends, number, offset & 0x1FF, tcp[(offset >> 12) * 4 :])


def _sum(data: bytes) -> int:
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total
