"""Answers that never end, are too long or announce what cannot be: clients end in time and say so."""

from __future__ import annotations

import http.client
import time
from functools import partial
from typing import Any

import pytest
import requests

from pytest_modssl.errors import AnswerError
from pytest_modssl.http import follow, open_session, reading, responses_in
from pytest_modssl.http.plain import speak_plain
from tests.faults.hostile.peers import drips, fake_server, never_ends, sends

URL = "http://www.example.test/"
HEAD = b"HTTP/1.1 200 OK\r\n"


def get(answer: partial[None], **options: object) -> requests.Response:
    with fake_server(answer) as address, open_session(lambda *_: address, timeout=0.3) as session:
        return session.get(URL, **options)  # type: ignore[arg-type]


def test_an_answer_that_drips_ends_at_the_timeout_of_all_of_it() -> None:
    began = time.monotonic()
    with pytest.raises(requests.RequestException, match="Read timed out"):
        get(partial(drips, HEAD + b"Content-Length: 9999\r\n\r\nx"))
    assert time.monotonic() - began < 10


def test_a_streamed_answer_has_its_timeout_for_each_read() -> None:
    # A byte comes each 50 ms.
    answer = HEAD + b"Content-Length: 30\r\n\r\n" + b"x" * 30
    with fake_server(partial(drips, answer)) as address, open_session(lambda *_: address, timeout=30) as session:
        response = session.get(URL, stream=True)
        raw: Any = response.raw
        raw._original_response._socket.settimeout(1)
        assert response.content == b"x" * 30


def test_an_answer_that_is_too_long_is_an_error_and_can_be_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST", 1000)
    answer = partial(sends, HEAD + b"Content-Length: 2000\r\n\r\n" + bytes(2000))
    with pytest.raises(AnswerError, match="has more than 1000 bytes"):
        get(answer)
    with fake_server(answer) as address, open_session(lambda *_: address) as session:
        assert len(b"".join(session.get(URL, stream=True).iter_content(100))) == 2000
    with fake_server(answer) as address, pytest.raises(AnswerError):
        speak_plain(address, b"GET / HTTP/1.0\r\n\r\n")


def test_a_negative_chunk_is_refused_by_each_reader() -> None:
    answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nbody"
    with pytest.raises(requests.RequestException, match="a chunk of -1 bytes"):
        get(partial(never_ends, answer, b"body"))
    with pytest.raises(http.client.HTTPException, match="-1"):
        responses_in(answer, URL)


def test_a_plain_answer_without_an_end_ends_at_the_timeout() -> None:
    with fake_server(partial(never_ends, HEAD, b"X: y\r\n")) as address, pytest.raises((TimeoutError, AnswerError)):
        speak_plain(address, b"GET / HTTP/1.0\r\n\r\n", timeout=0.3)


def test_a_length_that_no_memory_has_is_an_incomplete_answer() -> None:
    with pytest.raises(http.client.IncompleteRead):
        responses_in(HEAD + b"Content-Length: 99999999999999999999\r\n\r\nbody", URL)


@pytest.mark.parametrize("charset", ["nonsense", "utf-8\0"])
def test_a_charset_that_python_does_not_know_is_read_as_utf8(charset: str) -> None:
    head = HEAD + f"Content-Type: text/html; charset={charset}\r\nContent-Length: 2\r\n\r\n".encode()
    (response,) = responses_in(head + "ä".encode(), URL)
    assert response.text == "ä"


def test_a_location_that_is_no_url_is_told_and_raises_nothing() -> None:
    answer = partial(sends, b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: https://[\r\n\r\n")
    assert get(answer).status_code == 302
    with fake_server(answer) as address, open_session(lambda *_: address) as session:
        chain = follow(session, URL)
    assert chain.error == f"the answer 302 to {URL} leads to 'https://[', which is no URL"
