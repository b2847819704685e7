"""Answers of HTTP/1 from bytes that came by another way than `requests`, and how much of one is kept."""

from __future__ import annotations

import codecs
import http.client
import io
from typing import TYPE_CHECKING, Final

import requests

from pytest_modssl.errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST: Final = 2**26
"""Bytes of an answer's body that are kept at most, unpacked: they are kept in memory."""

_READ: Final = 65_536


class HttpAnswer(http.client.HTTPResponse):
    """An answer that takes no negative length of a chunk, of which `http.client` and urllib3 read without an end."""

    def _safe_read(self, amt: int) -> bytes:
        if amt < 0:
            raise http.client.HTTPException(f"a chunk of {amt} bytes")
        return super()._safe_read(amt)  # type: ignore[misc, no-any-return]  # it is not in typeshed


class _Received(io.BytesIO):
    """Bytes in the place of the socket that `http.client` reads answers from, one after the other."""

    def makefile(self, _mode: str) -> _Received:
        return self

    def close(self) -> None:
        """Stay open: `http.client` closes what it has read an answer from, and the next one follows."""


def bounded(pieces: Iterable[bytes], what: str) -> Iterator[bytes]:
    """The pieces of an answer to `what`, as long as they are no more than `MOST` bytes.

    Raises:
        AnswerError: there are more.
    """
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MOST:
            raise AnswerError(
                f"the answer to {what} has more than {MOST} bytes (unpacked). What to do: ask by a session with "
                "stream=True, and take it piece by piece"
            )
        yield piece


def pieces_of(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body of an answer, piece by piece.

    Raises:
        http.client.HTTPException: it is not whole, or a chunk has no length.
    """
    # Not by one `read()`, which takes the memory for whatever length an answer announces (CPython 3.11).
    try:
        while piece := answer.read(_READ):
            yield piece
    except ValueError as error:  # a negative length
        raise http.client.HTTPException(f"a chunk that has no length: {error}") from None
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def responses_in(data: bytes, url: str) -> tuple[requests.Response, ...]:
    """Every answer in the bytes that came for one or several GETs of `url`, in order.

    Args:
        data: all that the server sent up to the end of the connection.
        url: what was asked for.

    Raises:
        http.client.HTTPException: what came is no answer of HTTP, or not a whole one; also where nothing came.
    """
    received = _Received(data)
    found = [_next(received, url)]
    while received.tell() < len(data):
        found.append(_next(received, url))
    return tuple(found)


def _next(received: _Received, url: str) -> requests.Response:
    parsed = HttpAnswer(received, method="GET")  # type: ignore[arg-type]
    parsed.begin()
    response = requests.Response()
    response.request = requests.Request("GET", url).prepare()
    response.url = url
    response.status_code = parsed.status
    response.reason = parsed.reason
    response.headers.update(parsed.headers.items())
    response.encoding = _known(parsed.headers.get_content_charset("utf-8"))
    response.raw = io.BytesIO(b"".join(pieces_of(parsed)))
    return response


def _known(charset: str) -> str:
    """The charset, or UTF-8 for one that Python does not know."""
    try:
        codecs.lookup(charset)
    except (LookupError, ValueError):  # the latter for one with a null character
        return "utf-8"
    return charset
