"""A load is bounded, and goes to loopback or to servers of ours alone; nothing is sent before that is known."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import LoadError, TlsError
from pytest_modssl.load import load
from pytest_modssl.load.plan import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "https://www.example.test/"


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "0.0.0.0", "2001:db8::1", "localhost", "www.example.test"])
def test_an_address_that_is_not_loopback_and_not_ours_is_refused(host: str) -> None:
    with pytest.raises(LoadError, match="neither a loopback address"):
        load(URL, (host, 443))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connections", 0),
        ("connections", 20_001),
        ("seconds", 0),
        ("seconds", 61),
        ("workers", 65),
        ("requests", -1),
        ("requests", 1_001),
        ("timeout", 31),
        ("seconds", float("nan")),
        ("seconds", float("inf")),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_the_bound(silent: tuple[str, int], name: str, value: float) -> None:
    with pytest.raises(LoadError, match=rf"^{name}=.*at most"):
        load(URL, silent, **{name: value})  # type: ignore[arg-type]  # one of several


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("ftp://www.example.test/", {}, "is no URL to put a load on"),
        ("https:///", {}, "is no URL to put a load on"),
        ("http://www.example.test/", {"requests": 0}, "without TLS there is no handshake"),
        (URL, {"session": None}, "a load makes its own sessions"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(
    silent: tuple[str, int], url: str, options: dict[str, object], words: str
) -> None:
    with pytest.raises(LoadError, match=words):
        load(url, silent, **options)  # type: ignore[arg-type]  # one of several


def test_an_option_of_tls_that_cannot_be_carried_out_raises(silent: tuple[str, int]) -> None:
    with pytest.raises(TlsError, match="OpenSSL refused them"):
        load(URL, silent, ciphers="NO-SUCH-SUITE")


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_port_that_stays_silent_ends_the_load_by_its_timeout(silent: tuple[str, int], scheme: str) -> None:
    begun = time.monotonic()
    report = load(f"{scheme}://www.example.test/", silent, connections=3, seconds=30, timeout=0.3, workers=3)
    assert time.monotonic() - begun < 10
    failure = "timeout" if scheme == "https" else "no answer"
    assert report.connections == 3
    assert report.failures == {failure: 3}
    assert report.handshakes == report.requests == 0
    assert [one.stage for one in report.examples] == ["hello"] * (scheme == "https")


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_port_that_nobody_listens_on_is_told(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    report = load(f"{scheme}://www.example.test/", address, connections=10)
    assert report.failures == {"refused": 10}
    assert (report.latency, report.server_cpu) == (None, None)


def test_a_server_of_ours_may_be_elsewhere_than_on_loopback() -> None:
    # An address for documentation (RFC 5737), to which nothing gets: what matters is that it is tried.
    report = load("http://www.example.test/", ("192.0.2.1", 9), connections=1, timeout=0.1, ours={("192.0.2.1", 9)})
    assert report.failed == 1


def test_a_url_has_the_port_where_it_is_not_the_scheme_s_own() -> None:
    assert url_of("https", "a.test", 443) == "https://a.test/"
    assert url_of("https", "a.test", 8443) == "https://a.test:8443/"
    assert url_of("http", "a.test", 80) == "http://a.test/"
