"""A capture keeps what passes, as it passes, and finds secrets in it however they are written."""

from __future__ import annotations

import base64
import json
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_modssl.capture import Capture, Leak, Stream, leaks_in
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "open sesame"


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back, in upper case, all that one client sends up to its end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as peer:
                data = b"".join(iter(lambda: peer.recv(65_536), b""))
                peer.sendall(data.upper())

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        thread.join()


def test_both_directions_are_kept_and_a_half_closed_connection_goes_on(echo: tuple[str, int]) -> None:
    before = threading.active_count()
    capture = Capture()
    sent = b"abc" * 100_000
    with socket.create_connection(capture.address(443, echo)) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        came = b"".join(iter(lambda: client.recv(65_536), b""))
    capture.close()
    assert came == sent.upper()
    assert capture.streams == (Stream(443, sent, sent.upper()),)
    assert threading.active_count() <= before


def test_closing_ends_connections_that_are_open(echo: tuple[str, int]) -> None:
    capture = Capture()
    with socket.create_connection(capture.address(443, echo), timeout=5) as client:
        client.sendall(b"begun")
        until(lambda: [one for one in capture.streams if one.sent], seconds=5, what="the bytes on their way")
        capture.close()
        assert client.recv(10) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(next(iter(capture.ports)), timeout=5)


def test_where_nobody_listens_the_client_sees_an_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()
    capture = Capture()
    with socket.create_connection(capture.address(80, nobody), timeout=5) as client:
        assert client.recv(10) == b""
    capture.close()
    assert capture.streams == ()


def test_a_password_of_basic_authentication_is_found_with_its_field_and_host() -> None:
    credentials = base64.b64encode(f"alice:{SECRET}".encode()).decode()
    request = f"GET / HTTP/1.1\r\nHost: www.example.test\r\nAuthorization: Basic {credentials}\r\n\r\n".encode()
    (leak,) = leaks_in((Stream(80, b"GET /first HTTP/1.1\r\nHost: other\r\n\r\n" + request, b""),), SECRET)
    assert leak == Leak(80, "client to server", "base64", "Authorization", "www.example.test")
    assert leak.basic
    assert SECRET not in str(leak)


def test_what_stands_in_a_body_or_comes_from_the_server_has_no_field() -> None:
    sent = b"POST / HTTP/1.1\r\nHost: a.test\r\nX: y\r\n\r\npassword=" + quote_plus(SECRET).encode()
    found = leaks_in((Stream(80, sent, b"HTTP/1.1 200 OK\r\n\r\n" + SECRET.encode()),), SECRET)
    assert [(one.direction, one.form, one.field, one.basic) for one in found] == [
        ("client to server", "URL-encoded", "", False),
        ("server to client", "as it is", "", False),
    ]


@example(secret="\nabc", before=b"a", after=b"")  # where it is found a line ends: the search has to go on from behind
@given(
    secret=st.text(min_size=4).filter(lambda text: text.encode("utf-8", "ignore") == text.encode("utf-8", "replace")),
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
)
def test_a_secret_is_found_in_every_form_whatever_stands_around_it(secret: str, before: bytes, after: bytes) -> None:
    encoded = secret.encode()
    for written in (
        before + encoded + after,
        before + quote(secret, safe="").encode() + after,
        before + quote_plus(secret).encode() + after,
        before + json.dumps(secret).encode() + after,
        base64.b64encode(before + encoded + after),
    ):
        assert leaks_in((Stream(80, written, b""),), secret), written
        assert leaks_in((Stream(80, b"", written),), secret), written


@pytest.mark.parametrize(
    ("secret", "written", "form"),
    [
        ("s3cret pass!", b"/?p=s3cret%20pass!", "URL-encoded"),  # requests, browsers, curl
        ("a b/c", b"/?p=a%20b/c", "URL-encoded"),
        ("it's (ok)", b"/?p=it's%20(ok)", "URL-encoded"),
        ("p\u00e4ss", b"/?p=p%c3%a4ss", "URL-encoded"),  # httpd's Location
        ("p\u00e4ss", b"/?p=p%E4ss", "URL-encoded"),
        ('p\u00e4"ss', '{"p":"p\u00e4\\"ss"}'.encode(), "JSON"),  # JSON.stringify
        ('a/b"c', b'{"p":"a\\/b\\"c"}', "JSON"),  # PHP's json_encode
        ("subjects?>~~", b"c3ViamVjdHM_Pn5-", "base64"),  # RFC 4648 section 5
    ],
)
def test_each_client_encodes_in_its_own_way(secret: str, written: bytes, form: str) -> None:
    assert [one.form for one in leaks_in((Stream(80, b"", written),), secret)] == [form]


def test_what_stands_there_as_it_is_is_told_once() -> None:
    (leak,) = leaks_in((Stream(80, b"GET /?p=a/b:c@d HTTP/1.1\r\n\r\n", b""),), "a/b:c@d")
    assert leak.form == "as it is"


@given(secret=st.binary(min_size=8, max_size=20), other=st.binary(max_size=200))
def test_nothing_is_found_where_it_is_not(secret: bytes, other: bytes) -> None:
    masked = bytes(one ^ 0x80 for one in secret)
    assert leaks_in((Stream(80, masked, base64.b64encode(masked)),), secret) == ()
    if secret not in other:
        assert not any(one.form == "as it is" for one in leaks_in((Stream(80, other, b""),), secret))


def test_a_secret_that_is_too_short_to_be_told_from_chance_is_refused() -> None:
    with pytest.raises(ValueError, match="a secret of 3 bytes is found anywhere by chance: give 4 at least"):
        leaks_in((), "abc")
