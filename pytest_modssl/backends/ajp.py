"""AJP/1.3 as a servlet container speaks it.

Source: The Apache Tomcat Connectors, "AJPv13 - AJP Protocol Reference"; the names below are its.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from pytest_modssl.backends.received import Body, Headers, text
from pytest_modssl.backends.streams import EndedError, Frames, announced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.backends.answer import Answer, Exchange
    from pytest_modssl.backends.streams import Stream

_TO_CONTAINER: Final = 0x1234
_FORWARD_REQUEST, _CPING = 2, 10
_SEND_BODY_CHUNK, _SEND_HEADERS, _END_RESPONSE, _GET_BODY_CHUNK, _CPONG = 3, 4, 5, 6, 9
_METHODS: Final = (
    "OPTIONS",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "ACL",
    "REPORT",
    "VERSION-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "UNCHECKOUT",
    "SEARCH",
    "MKWORKSPACE",
    "UPDATE",
    "LABEL",
    "MERGE",
    "BASELINE_CONTROL",
    "MKACTIVITY",
)
_HEADERS: Final = (
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Connection",
    "Content-Type",
    "Content-Length",
    "Cookie",
    "Cookie2",
    "Host",
    "Pragma",
    "Referer",
    "User-Agent",
)
_ATTRIBUTES: Final = {
    1: "context",
    2: "servlet_path",
    3: "remote_user",
    4: "auth_type",
    5: "query_string",
    6: "jvm_route",
    7: "ssl_cert",
    8: "ssl_cipher",
    9: "ssl_session",
    11: "ssl_key_size",
    12: "secret",
    13: "stored_method",
}
_REQ_ATTRIBUTE, _SSL_KEY_SIZE, _ARE_DONE = 10, 11, 0xFF
_CODED, _NULL = 0xA0, 0xFFFF
# A packet has 8192 bytes at most unless both sides are told otherwise ("Packet Size").
_PIECE: Final = 8184


async def serve(stream: Stream, exchange: Exchange) -> None:
    """Answers the requests and pings of one connection until it ends."""
    frames = Frames(stream)
    while True:
        packet = await _packet(frames)
        if packet[:1] == bytes([_CPING]):
            await stream.send(_packed(bytes([_CPONG])))
        elif packet[:1] == bytes([_FORWARD_REQUEST]):
            await _request(_Fields(packet[1:]), frames, stream, exchange)


async def _packet(frames: Frames) -> bytes:
    magic, length = struct.unpack(">HH", await frames.exactly(4))
    if magic != _TO_CONTAINER:
        raise EndedError
    return await frames.exactly(length)


def _packed(content: bytes) -> bytes:
    return b"AB" + struct.pack(">H", len(content)) + content


class _Fields:
    """The fields of a packet, taken one after the other."""

    def __init__(self, packet: bytes) -> None:
        self._packet = packet
        self._at = 0

    def integer(self, size: int = 2) -> int:
        """An unsigned integer."""
        return int.from_bytes(self._take(size), "big")

    def string(self, length: int | None = None) -> str:
        """A string; the null string is empty."""
        size = self.integer() if length is None else length
        return "" if size == _NULL else text(self._take(size + 1)[:-1])

    def name(self) -> str:
        """The name of a header field, which may be a code."""
        first = self.integer()
        if first >> 8 != _CODED:
            return self.string(first)
        code = first & 0xFF
        return _HEADERS[code - 1] if 0 < code <= len(_HEADERS) else f"0x{first:04X}"

    def attributes(self) -> Iterator[tuple[str, str]]:
        """The attributes after the header fields."""
        while (code := self.integer(1)) != _ARE_DONE:
            if code == _REQ_ATTRIBUTE:
                yield self.string(), self.string()
            elif code == _SSL_KEY_SIZE:
                yield _ATTRIBUTES[code], str(self.integer())
            else:
                yield _ATTRIBUTES.get(code, f"attribute {code}"), self.string()

    def _take(self, size: int) -> bytes:
        taken = self._packet[self._at : self._at + size]
        if len(taken) < size:
            raise EndedError
        self._at += size
        return taken


async def _request(fields: _Fields, frames: Frames, stream: Stream, exchange: Exchange) -> None:
    code = fields.integer(1)
    variables = {"protocol": fields.string()}
    path = fields.string()
    variables |= {name: fields.string() for name in ("remote_addr", "remote_host", "server_name")}
    variables |= {"server_port": str(fields.integer()), "is_ssl": "true" if fields.integer(1) else "false"}
    headers = Headers([(fields.name(), fields.string()) for _ in range(fields.integer())])
    variables |= dict(fields.attributes())
    query = variables.get("query_string")
    answer = exchange(
        method=_METHODS[code - 1] if 0 < code <= len(_METHODS) else variables.get("stored_method", f"method {code}"),
        path=path if query is None else f"{path}?{query}",
        protocol="AJP/1.3",
        headers=headers,
        body=await _body(headers, frames, stream),
        variables=variables,
    )
    await stream.send(b"".join(_packets(answer)))


async def _body(headers: Headers, frames: Frames, stream: Stream) -> Body:
    """The body; its first packet comes unasked where its length is told, all others are asked for."""
    body, expected = Body(), announced(headers.get("Content-Length", ""))
    if expected == 0 or (expected is None and "Transfer-Encoding" not in headers):
        return body
    asked = expected is not None
    while expected is None or body.size < expected:
        if not asked:
            await stream.send(_packed(struct.pack(">BH", _GET_BODY_CHUNK, _PIECE)))
        asked = False
        packet = await _packet(frames)
        piece = packet[2 : 2 + int.from_bytes(packet[:2], "big")]
        if not piece:
            break
        body.add(piece)
    return body


def _packets(answer: Answer) -> Iterator[bytes]:
    head = struct.pack(">BH", _SEND_HEADERS, answer.status) + _string(answer.reason)
    head += struct.pack(">H", len(answer.fields)) + b"".join(_string(one) for pair in answer.fields for one in pair)
    yield _packed(head)
    for at in range(0, len(answer.content), _PIECE):
        piece = answer.content[at : at + _PIECE]
        yield _packed(struct.pack(">BH", _SEND_BODY_CHUNK, len(piece)) + piece + b"\0")
    yield _packed(bytes([_END_RESPONSE, 1]))


def _string(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack(">H", len(encoded)) + encoded + b"\0"
