"""Peers that no httpd is, on real sockets: fakes, as no httpd can be had that behaves so.

Each client of the package ends within its timeout with a result or an error that says what happened, and keeps no more
in memory than it is made for.
"""

from __future__ import annotations

import contextlib
import re
import ssl
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pytest_modssl.capture import Capture
from pytest_modssl.errors import ModsslError
from pytest_modssl.http import follow, open_session, read_environment
from pytest_modssl.http.plain import speak_plain
from pytest_modssl.load import load
from pytest_modssl.pki import CA
from pytest_modssl.tls import connect, handshake, probe, scan, speak, srp_login
from tests.faults.conftest import LONG
from tests.faults.hostile import peers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_modssl.pki import LeafCert
    from tests.faults.conftest import Faults

NAME = "www.example.test"
SECONDS = 2.0 if LONG else 0.3
"""Timeout of the clients."""

PROMISE = "each client ends in time, says what happened, keeps little"

MEGABYTES = 200
"""What the process may grow by, with the peer in it; the longest answer that is kept has 64 MiB, and is joined once."""


def _session(address: tuple[str, int], timeout: float, **options: Any) -> requests.Session:
    return open_session(lambda *_: address, timeout=timeout, **options)


def _get(address: tuple[str, int], timeout: float, *, scheme: str = "http") -> object:
    with _session(address, timeout) as session:
        return session.get(f"{scheme}://{NAME}/", verify=False).status_code


def _redirects(address: tuple[str, int], timeout: float) -> object:
    with _session(address, timeout) as session:
        return follow(session, f"http://{NAME}/", limit=2)


def _environment(address: tuple[str, int], timeout: float) -> object:
    with _session(address, timeout) as session:
        return read_environment(session, f"http://{NAME}/env.cgi")


def _load(address: tuple[str, int], timeout: float, *, scheme: str = "http") -> object:
    return load(f"{scheme}://{NAME}/", address, connections=2, seconds=timeout, workers=2, requests=2, timeout=timeout)


def _captured(address: tuple[str, int], timeout: float) -> object:
    capture = Capture()
    try:
        return _get(capture.address(80, address), timeout)
    finally:
        capture.close()


def _read(address: tuple[str, int], timeout: float) -> object:
    with connect(address, NAME, timeout=timeout) as connection:
        if not connection.handshake.ok:
            return connection.handshake
        connection.send(b"GET / HTTP/1.0\r\n\r\n")
        return len(connection.read_until_close())


def _with_timeout(client: Callable[..., object]) -> Callable[[tuple[str, int], float], object]:
    return lambda address, timeout: client(address, NAME, timeout=timeout)


TLS_CLIENTS: dict[str, Callable[[tuple[str, int], float], object]] = {
    "handshake": _with_timeout(handshake),
    "probe": _with_timeout(probe),
    "scan": _with_timeout(scan),
    "speak": lambda address, timeout: speak(address, NAME, b"GET / HTTP/1.0\r\n\r\n", timeout=timeout),
    "srp_login": lambda address, timeout: srp_login(address, NAME, "user", "secret", timeout=timeout),
    "get": partial(_get, scheme="https"),
    "load": partial(_load, scheme="https"),
}
HTTP_CLIENTS: dict[str, Callable[[tuple[str, int], float], object]] = {
    "get": _get,
    "redirects": _redirects,
    "environment": _environment,
    "by hand": lambda address, timeout: speak_plain(address, b"GET / HTTP/1.0\r\n\r\n", timeout=timeout),
    "load": _load,
    "captured": _captured,
}
INSIDE_CLIENTS: dict[str, Callable[[tuple[str, int], float], object]] = {
    "handshake": _with_timeout(handshake),
    "read": _read,
    "speak": TLS_CLIENTS["speak"],
    "get": partial(_get, scheme="https"),
    "load": partial(_load, scheme="https"),
}
AT_ANY: dict[str, peers.Treat] = {
    "says nothing": peers.says_nothing,
    "resets at once": peers.resets_at_once,
    "resets after the request": peers.resets,
    "closes at once": peers.closes_at_once,
}


@pytest.fixture(scope="module")
def leaf() -> LeafCert:
    return CA().issue(NAME, key_type="rsa-2048")


@pytest.fixture(scope="module")
def contexts(leaf: LeafCert) -> dict[str, ssl.SSLContext]:
    """Honest servers of Python's ssl, by the protocol that they speak."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = leaf.private_key_and_cert_chain_pem.write_to_path(Path(folder) / "both.pem")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(path)
            context.maximum_version = version
            found[version.name] = context
    return found


@pytest.fixture(scope="module")
def flights(contexts: dict[str, ssl.SSLContext]) -> list[bytes]:
    """What these send up to the end of the handshake, as it is on the wire."""
    capture = Capture()
    for context in contexts.values():
        with peers.fake_server(partial(peers.over_tls, context, lambda session: session.recv(1))) as address:
            handshake(capture.address(len(capture.ports), address), NAME)
    capture.close()
    return [stream.received for stream in capture.streams]


def treated(client: Callable[[tuple[str, int], float], object], treat: peers.Treat, what: str, seconds: float) -> None:
    """The client ends with a result or an error of its own, soon and in little memory."""
    with peers.fake_server(treat) as address, grown() as growth:
        began = time.monotonic()
        try:
            said = str(client(address, seconds))
        except (ModsslError, requests.RequestException, OSError) as error:
            said = str(error)
        lasted = time.monotonic() - began
    print(f"{what}: {lasted:.2f} s, {growth[0]} MB: {said[:150]!r}")  # noqa: T201
    assert said, what
    assert lasted < 30 + 10 * seconds, f"{what}: {lasted} s with a timeout of {seconds} s: {said}"
    assert growth[0] < MEGABYTES, f"{what}: it grew by {growth[0]} MB: {said}"


@contextlib.contextmanager
def grown() -> Iterator[list[int]]:
    """By how many megabytes the process was larger at the most meanwhile than at the beginning."""
    found: list[int] = []
    Path("/proc/self/clear_refs").write_text("5")  # forgets the most so far (proc_pid_clear_refs(5))
    before = _megabytes("VmRSS")
    yield found
    found.append(_megabytes("VmHWM") - before)


def _megabytes(name: str) -> int:
    match = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert match
    return int(match[1]) >> 10


def some(faults: Faults, treats: dict[str, peers.Treat], *, short: int) -> Iterator[tuple[str, peers.Treat]]:
    """Some of the peers in the short form, each in the long one."""
    order = faults.random.sample(sorted(treats), len(treats))
    for number in faults.times(short=short, long=len(order)):
        yield order[number], treats[order[number]]


@pytest.mark.fault("a hostile peer of a TLS client", PROMISE)
@pytest.mark.parametrize("client", TLS_CLIENTS)
def test_a_tls_client_ends_in_time_whatever_its_peer_sends(client: str, flights: list[bytes], faults: Faults) -> None:
    for what, treat in some(faults, {**AT_ANY, **peers.in_clear(flights)}, short=3):
        treated(TLS_CLIENTS[client], treat, f"{client}, {what}", timeout_for(what))


@pytest.mark.fault("a hostile peer of an HTTP client", PROMISE)
@pytest.mark.parametrize("client", HTTP_CLIENTS)
def test_an_http_client_ends_in_time_whatever_its_peer_sends(client: str, faults: Faults) -> None:
    for what, treat in some(faults, {**AT_ANY, **peers.of_http()}, short=3):
        treated(HTTP_CLIENTS[client], treat, f"{client}, {what}", timeout_for(what))


@pytest.mark.fault("a hostile peer after an honest handshake", PROMISE)
@pytest.mark.parametrize("client", INSIDE_CLIENTS)
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_client_ends_in_time_whatever_comes_after_the_handshake(
    client: str, version: str, contexts: dict[str, ssl.SSLContext], faults: Faults
) -> None:
    for what, treat in some(faults, {**AT_ANY, **peers.of_http()}, short=1):
        inside = partial(peers.over_tls, contexts[version], treat)
        treated(INSIDE_CLIENTS[client], inside, f"{client}, {version}, {what}", timeout_for(what))


@pytest.mark.fault("a peer that hands out session tickets without an end", PROMISE)
@pytest.mark.parametrize("client", INSIDE_CLIENTS)
def test_a_client_ends_in_time_however_many_tickets_it_is_handed(
    client: str, contexts: dict[str, ssl.SSLContext], faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = contexts["TLSv1_3"]
    for _ in faults.times(short=1, long=5):
        with monkeypatch.context() as patch:
            patch.setattr(context, "num_tickets", 2**31 - 1)
            treat = partial(peers.over_tls, context, lambda session: session.recv(1))
            treated(INSIDE_CLIENTS[client], treat, f"{client}, tickets", SECONDS)


@pytest.mark.fault("a peer that ends or resets at any byte of its answer", "the same result or error as ever, at once")
@pytest.mark.parametrize("how", [peers.sends, peers.sends_and_resets])
@pytest.mark.parametrize("client", ["handshake", "probe"])
def test_an_answer_that_breaks_off_anywhere_is_told(
    client: str, how: Any, flights: list[bytes], faults: Faults
) -> None:
    lengths = [(flight, length) for flight in flights for length in range(len(flight))]
    order = faults.random.sample(lengths, len(lengths))
    for number in faults.times(short=30, long=len(order)):
        flight, length = order[number]
        with peers.fake_server(partial(how, flight[:length])) as address:
            began = time.monotonic()
            seen: Any = TLS_CLIENTS[client](address, 10.0)
            lasted = time.monotonic() - began
        what = f"{client} after {length} of {len(flight)} bytes: {seen}"
        whole = client == "probe" and seen.failure is None
        assert whole or seen.failure in {"closed", "reset", "client"}, what
        assert str(seen), what
        assert lasted < 9, what


def timeout_for(what: str) -> float:
    """Seconds: in the long form enough for gigabytes to come."""
    return 20.0 if LONG and "gigabytes" in what else SECONDS
