"""The back ends that get variables in place of a head: FastCGI, SCGI and uwsgi.

Sources: FastCGI Specification 1.0 (sections named at their use); SCGI, https://python.ca/scgi/protocol.txt; uwsgi,
https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_modssl.backends.received import HEAD_LIMIT, Body, Headers, text
from pytest_modssl.backends.streams import EndedError, Frames, announced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_modssl.backends.answer import Answer, Exchange
    from pytest_modssl.backends.streams import Stream

# FastCGI sections 3.3 and 8: the header of a record, its types, and the flag of FCGI_BEGIN_REQUEST.
_RECORD: Final = struct.Struct(">BBHHBx")
_BEGIN, _ABORT, _END, _PARAMS, _STDIN, _STDOUT = 1, 2, 3, 4, 5, 6
_KEEP_CONN: Final = 1
# The length of a record's content is 16 bits; 8-aligned, as section 3.3 recommends.
_LARGEST: Final = 65_528
# Requests at a time on one connection, each with its variables and body in memory; httpd has one (mod_proxy_fcgi.c).
_INTERLEAVED: Final = 16
# RFC 3875 section 4.1.18, and the two that have variables of their own.
_PREFIX: Final = "HTTP_"
_OWN: Final = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}


@dataclass(slots=True)
class _Request:
    keep: bool
    params: bytearray = field(default_factory=bytearray)
    body: Body = field(default_factory=Body)


async def serve_fastcgi(stream: Stream, exchange: Exchange) -> None:
    """Answers the requests of one connection, which may come interleaved, in the role of a responder (section 6.2)."""
    frames = Frames(stream)
    requests: dict[int, _Request] = {}
    while True:
        _, kind, number, length, padding = _RECORD.unpack(await frames.exactly(_RECORD.size))
        content = (await frames.exactly(length + padding))[:length]
        request = requests.get(number)
        if kind == _BEGIN and length >= 3 and len(requests) < _INTERLEAVED:
            requests[number] = _Request(keep=bool(content[2] & _KEEP_CONN))
        elif request is None:
            continue
        elif kind == _PARAMS:
            request.params += content
            if len(request.params) > HEAD_LIMIT:
                raise EndedError
        elif kind == _STDIN and content:
            request.body.add(content)
        elif kind in {_STDIN, _ABORT}:
            del requests[number]
            answer = _answer(exchange, "FastCGI", dict(_pairs(bytes(request.params))), request.body)
            await stream.send(b"".join(_records(number, _cgi(answer))))
            if not request.keep:
                return


async def serve_scgi(stream: Stream, exchange: Exchange) -> None:
    """Answers the one request of a connection."""
    frames = Frames(stream)
    # Eight digits are more than HEAD_LIMIT has.
    length = await frames.until(b":", 9)
    if not length.isdigit() or int(length) > HEAD_LIMIT:
        raise EndedError
    words = (await frames.exactly(int(length) + 1)).split(b"\0")
    variables = {text(name): text(value) for name, value in zip(words[::2], words[1::2], strict=False)}
    await stream.send(_cgi(_answer(exchange, "SCGI", variables, await _body(frames, variables))))


async def serve_uwsgi(stream: Stream, exchange: Exchange) -> None:
    """Answers the one request of a connection."""
    frames = Frames(stream)
    _, size, _ = struct.unpack("<BHB", await frames.exactly(4))
    packed, at, words = await frames.exactly(size), 0, []
    while at + 2 <= size:
        (length,) = struct.unpack_from("<H", packed, at)
        words.append(text(packed[at + 2 : at + 2 + length]))
        at += 2 + length
    variables = dict(zip(words[::2], words[1::2], strict=False))
    answer = _answer(exchange, "uwsgi", variables, await _body(frames, variables))
    await stream.send(f"HTTP/1.0 {answer.status} {answer.reason}\r\n".encode() + _head(answer) + answer.content)


async def _body(frames: Frames, variables: Mapping[str, str]) -> Body:
    body = Body()
    async for piece in frames.in_pieces(announced(variables.get("CONTENT_LENGTH", "")) or 0):
        body.add(piece)
    return body


def _answer(exchange: Exchange, protocol: str, variables: Mapping[str, str], body: Body) -> Answer:
    return exchange(
        method=variables.get("REQUEST_METHOD", ""),
        path=variables.get("REQUEST_URI", ""),
        protocol=protocol,
        headers=Headers(_told(variables)),
        body=body,
        variables=variables,
    )


def _told(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in variables.items():
        if name in _OWN:
            yield _OWN[name], value
        elif name.startswith(_PREFIX):
            yield name.removeprefix(_PREFIX).replace("_", "-").title(), value


def _pairs(packed: bytes) -> Iterator[tuple[str, str]]:
    """Names and values (FastCGI section 3.4); what is cut off in the middle is left out."""
    at = 0
    while at < len(packed):
        name, at = _length(packed, at)
        value, at = _length(packed, at)
        if at + name + value > len(packed):
            return
        yield text(packed[at : at + name]), text(packed[at + name : at + name + value])
        at += name + value


def _length(packed: bytes, at: int) -> tuple[int, int]:
    if at < len(packed) and packed[at] < 0x80:
        return packed[at], at + 1
    return int.from_bytes(packed[at : at + 4], "big") & 0x7FFF_FFFF, at + 4


def _records(number: int, output: bytes) -> Iterator[bytes]:
    """All of the standard output, its end, and the end of the request."""
    for at in range(0, len(output), _LARGEST):
        piece = output[at : at + _LARGEST]
        yield _RECORD.pack(1, _STDOUT, number, len(piece), 0) + piece
    yield _RECORD.pack(1, _STDOUT, number, 0, 0)
    yield _RECORD.pack(1, _END, number, 8, 0) + bytes(8)


def _cgi(answer: Answer) -> bytes:
    """An answer as a CGI program gives it (RFC 3875 section 6)."""
    return f"Status: {answer.status} {answer.reason}\r\n".encode() + _head(answer) + answer.content


def _head(answer: Answer) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in answer.fields).encode() + b"\r\n"
