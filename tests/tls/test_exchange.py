"""A request spoken by hand as a value: what it asked for, and the header fields of the answer."""

from __future__ import annotations

import pytest

from pytest_modssl.tls import Exchange, Handshake

SHAKEN = Handshake(address=("127.0.0.1", 443))


def exchange(request: bytes, reply: bytes = b"") -> Exchange:
    return Exchange(handshake=SHAKEN, request=request, reply=reply)


def test_header_fields_are_found_in_any_case_and_end_before_the_body() -> None:
    seen = exchange(b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-One: 1\r\nx-two:  2\r\n\r\nX-Three: 3\r\n")
    assert (seen.headers.get("x-one"), seen.headers.get("X-Two"), seen.headers.get("X-Three")) == ("1", "2", None)


@pytest.mark.parametrize("reply", [b"", b"garbage: of no kind\r\n\r\n"])
def test_what_is_no_answer_of_http_has_no_fields(reply: bytes) -> None:
    assert exchange(b"GET / HTTP/1.1\r\n\r\n", reply).headers.items() == []


@pytest.mark.parametrize(
    ("request_bytes", "target"),
    [(b"GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n", "/a?b=c"), (b"GET /", "/"), (b"\n", ""), (b"", "")],
)
def test_the_target_is_what_the_request_line_asks_for(request_bytes: bytes, target: str) -> None:
    assert exchange(request_bytes).target == target
