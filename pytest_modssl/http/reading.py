"""Answers of HTTP/1 from bytes that came by another way than `requests`."""

from __future__ import annotations

import http.client
import io

import requests


class _Received(io.BytesIO):
    """Bytes in the place of the socket that `http.client` reads answers from, one after the other."""

    def makefile(self, _mode: str) -> _Received:
        return self

    def close(self) -> None:
        """Stay open: `http.client` closes what it has read an answer from, and the next one follows."""


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
    parsed = http.client.HTTPResponse(received, method="GET")  # type: ignore[arg-type]
    parsed.begin()
    response = requests.Response()
    response.request = requests.Request("GET", url).prepare()
    response.url = url
    response.status_code = parsed.status
    response.reason = parsed.reason
    response.headers.update(parsed.headers.items())
    response.encoding = parsed.headers.get_content_charset("utf-8")
    response.raw = io.BytesIO(parsed.read())
    return response
