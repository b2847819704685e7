"""Stand-ins without a proxy before them: what they keep, what they answer, and what does them no harm."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_modssl import CA, Answer, BackendError, Backends, WaitTimeoutError
from pytest_modssl.backends import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = "http://app.internal:8080"
SCHEMES = ("http", "https", "fcgi", "scgi", "uwsgi", "ajp")
# The beginning of what each protocol sends, so that what follows reaches the reader behind it.
BEGINNINGS = [
    b"",
    b"GET / HTTP/1.1\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
    b"\x124\x00\x20\x02\x02",
    b"24:CONTENT_LENGTH\x00",
    b"\x00\x20\x00\x00",
    b"\x16\x03\x01\x00\x20\x01",
]


@pytest.fixture(autouse=True)
def nothing_received(backends: Backends) -> Iterator[None]:
    backends.clear()
    yield
    backends.clear()


def spoken(path: Path, data: bytes, *, end: bool = True) -> bytes:
    """All that comes back until the other side ends."""
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(10)
        one.connect(str(path))
        received = b""
        try:
            one.sendall(data)
            if end:
                one.shutdown(socket.SHUT_WR)
            while piece := one.recv(65536):
                received += piece
        except ConnectionError:
            pass
        return received


def test_a_request_is_kept_and_answered_by_a_page_that_tells_it(backends: Backends) -> None:
    head = b"POST /x?y=1 HTTP/1.1\r\nHost: app.internal\r\nX-One: a\r\nx-one: b\r\nContent-Length: 4\r\n\r\nbody"
    answer = spoken(backends.serve(APP), head)
    (request,) = backends.received(APP)
    assert (request.method, request.path, request.protocol, request.body) == ("POST", "/x?y=1", "HTTP/1.1", b"body")
    assert request.headers["X-ONE"] == "a, b"
    assert request.headers.all("X-One") == ("a", "b")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert str(request).encode() in answer
    assert str(request).splitlines() == [
        "http://app.internal:8080 received POST /x?y=1 HTTP/1.1",
        "  Host: app.internal",
        "  X-One: a",
        "  x-one: b",
        "  Content-Length: 4",
        "  body of 4 bytes: b'body'",
    ]


def test_requests_of_one_connection_share_its_number(backends: Backends) -> None:
    path = backends.serve(APP)
    spoken(path, b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
    spoken(path, b"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
    first, second, third = backends.requests
    assert first.connection == second.connection != third.connection
    assert first.time <= second.time <= third.time


def test_a_client_that_asks_is_told_to_continue(backends: Backends) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(10)
        one.connect(str(backends.serve(APP)))
        one.sendall(head)
        assert one.recv(1000).startswith(b"HTTP/1.1 100 ")
        one.sendall(b"ok")
        assert one.recv(1000).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("beginning", BEGINNINGS)
@given(rest=st.binary(max_size=300))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_odd_bytes_end_their_connection_and_nothing_else(
    backends: Backends, caplog: pytest.LogCaptureFixture, beginning: bytes, rest: bytes
) -> None:
    for scheme in SCHEMES:
        spoken(backends.serve(f"{scheme}://odd.internal"), beginning + rest)
    assert spoken(backends.serve(APP), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert not caplog.records


def test_a_request_that_is_none_is_refused(backends: Backends) -> None:
    assert spoken(backends.serve(APP), b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    spoken(backends.serve(APP), b"GET / HTTP/1.1\r\nX: " + b"x" * 2_000_000)
    assert backends.requests == ()


def test_five_hundred_back_ends_cost_little(ca: CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    started = time.process_time()
    with Backends(tmp_path, ca) as many:
        for number in range(500):
            many.serve(f"https://app{number}.internal")
        assert len(set(many.sockets.values())) == 500
    # 0.1 s here; what a busy machine may take is not the point, that it is linear and small is.
    assert time.process_time() - started < 2


def test_answers_are_those_of_the_innermost_rule(backends: Backends) -> None:
    path, other = backends.serve(APP), backends.serve("http://other.internal")
    ask = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
    with backends.answering(Answer(503, {"Retry-After": "7"}, "später")):
        with backends.answering(lambda request: Answer(404, body=request.path), backend=APP):
            assert re.match(rb"HTTP/1.1 404 Not Found\r\n.*\r\n\r\n/p\Z", spoken(path, ask), re.DOTALL)
            assert spoken(other, ask).startswith(b"HTTP/1.1 503 ")
        answer = spoken(path, ask)
        assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n")
        assert answer.endswith("\r\n\r\nspäter".encode())
    assert spoken(path, ask).startswith(b"HTTP/1.1 200 ")


def test_a_back_end_whose_name_varies_tells_the_one_that_is_meant(backends: Backends) -> None:
    backends.serve("http://one.internal")
    varying = backends.serve("http://$1.internal")
    for name in (b"one", b"two"):
        spoken(varying, b"GET / HTTP/1.1\r\nHost: " + name + b".internal\r\n\r\n")
    assert [str(one.backend) for one in backends.requests] == ["http://one.internal", "http://$1.internal"]


def test_waiting_for_a_request_ends_with_it_or_says_what_was_awaited(backends: Backends) -> None:
    spoken(backends.serve(APP), b"GET /here HTTP/1.1\r\nHost: a\r\n\r\n")
    assert backends.wait_for(APP, condition=lambda one: one.path == "/here").path == "/here"
    with pytest.raises(WaitTimeoutError, match=r"a request to http://app\.internal:8080"):
        backends.wait_for(APP, condition=lambda one: one.path == "/there", seconds=0.01)


def test_a_back_end_that_is_none_is_told_with_those_that_are(backends: Backends) -> None:
    backends.serve(APP)
    with pytest.raises(BackendError, match=r"no stand-in for the back end http://app\.internal; there are: .*:8080"):
        backends.received("http://app.internal")


def test_a_scheme_without_a_stand_in_is_refused(backends: Backends) -> None:
    with pytest.raises(BackendError, match="no stand-in for a back end that speaks h2; there are for http, https, ws"):
        backends.serve("h2://app.internal/")


def test_a_folder_that_is_too_deep_is_told(ca: CA, tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 110)
    deep.mkdir()
    with Backends(deep, ca) as stand_ins, pytest.raises(BackendError, match="a path of 107 bytes at most on Linux"):
        stand_ins.serve(APP)


@pytest.mark.parametrize("answer", [{"status": 100}, {"status": 600}, {"headers": {"X": "a\r\nY: b"}}])
def test_an_answer_that_no_back_end_can_give_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(BackendError, match="no back end can answer so"):
        Answer(**answer)


def test_nothing_is_left_at_the_end(ca: CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Backends(tmp_path, ca) as ended:
        path = ended.serve(APP)
        with socket.socket(socket.AF_UNIX) as idle:
            idle.connect(str(path))
            ended.close()
            assert idle.recv(1) == b""
    assert not list(tmp_path.iterdir())


def test_names_of_header_fields_are_the_same_in_any_case() -> None:
    headers = Headers([("Host", "a"), ("X-A", "1"), ("x-a", "2")])
    assert "HOST" in headers
    assert dict(headers) == {"Host": "a", "X-A": "1, 2"}
    assert headers.get("X-B") is None
    assert len(headers) == 2
