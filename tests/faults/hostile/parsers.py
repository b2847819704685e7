"""Everything of the package that reads bytes of a peer, each as a function of bytes that raises our own errors alone.

What a peer sends ends in a value that prints, or in the error that its reader is documented to raise.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import subprocess
import time
from functools import cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import requests
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from pytest_modssl.asserts.certificate import chain_faults, unfit
from pytest_modssl.backends import ajp, gateway, http1
from pytest_modssl.backends.address import BackendAddress
from pytest_modssl.backends.answer import Answer, page
from pytest_modssl.backends.received import BackendRequest
from pytest_modssl.backends.streams import EndedError
from pytest_modssl.backends.tls import Certificates, Tls
from pytest_modssl.capture import Stream, leaks_in
from pytest_modssl.errors import ModsslError
from pytest_modssl.http import environment_of, environment_of_headers, responses_in
from pytest_modssl.http.redirects import REDIRECT_STATUSES, follow
from pytest_modssl.httpd.dumps import check_syntax, effective_config, mutexes, virtual_hosts
from pytest_modssl.httpd.errorlog import is_error, parse
from pytest_modssl.load.connection import _ask
from pytest_modssl.load.plan import Plan
from pytest_modssl.pki import CA
from pytest_modssl.process import cpu_seconds_in, ending_in
from pytest_modssl.targets.connections import connections_in
from pytest_modssl.tls import Exchange, Handshake, messages, names
from pytest_modssl.tls.probe import _Answer
from pytest_modssl.tls.stapling import faults_of_stapled
from pytest_modssl.tls.transcript import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from cryptography import x509

    from pytest_modssl.backends.answer import Exchange as Answering
    from pytest_modssl.backends.streams import Stream as BackendStream

NAME = "www.example.test"
URL = f"https://{NAME}/"
_PIECE = 1400
"""Bytes that arrive at a time: what a packet of Ethernet carries."""


def answer(data: bytes) -> None:
    """As the answer to one ClientHello, which `probe` and `scan` read."""
    found = _Answer(time.perf_counter())
    with contextlib.suppress(ModsslError):
        for piece in _pieces(data):
            found.feed(piece)
            if found.whole or found.failure is not None:
                break
    result = found.result(("127.0.0.1", 443))
    _ = str(result), result.group, result.dh_bits, result.cipher_suite, result.alert, result.compression


def transcript(data: bytes) -> None:
    """As the records of a server that a handshake writes down."""
    recorder = Recorder()
    with contextlib.suppress(ModsslError):
        for piece in _pieces(data):
            for record in recorder.split(piece):
                recorder.receive(record)
    _ = (
        str(recorder.transcript()),
        recorder.certificates(),
        recorder.certificate_verify(),
        recorder.server_key_exchange(),
    )


def hello(data: bytes) -> None:
    """As the records of a client."""
    recorder = Recorder()
    with contextlib.suppress(ModsslError):
        recorder.send(data)
    with contextlib.suppress(ModsslError):
        _ = str(recorder.transcript()), recorder.client_hello(), recorder.transcript().client_hello


def message(data: bytes) -> None:
    """As one handshake message in clear, whose kind the first byte says."""
    with contextlib.suppress(ModsslError):
        _PARSERS[data[0] % len(_PARSERS) if data else 0](data[1:])


def certificate(data: bytes) -> None:
    """As the certificate of a server."""
    seen = Handshake(address=("127.0.0.1", 443), server_name=NAME, ok=True, protocol="TLSv1.3", certificates=(data,))
    _ = str(seen)
    with contextlib.suppress(ModsslError):
        assert seen.leaf is not None
        _ = seen.names, seen.hostname_ok, [str(one) for one in unfit(seen, seen.leaf)]
        _ = [str(one) for one in chain_faults(seen.chain, seen.chain)]


def stapled(data: bytes) -> None:
    """As the OCSP response that a server staples."""
    seen = Handshake(
        address=("127.0.0.1", 443), ok=True, certificates=(_leaf().public_bytes(Encoding.DER),), ocsp_response=data
    )
    _ = str(seen)
    with contextlib.suppress(ModsslError):
        if seen.stapled is not None and seen.stapled.certificate is not None:
            list(faults_of_stapled(data, _leaf(), [_leaf()]))


def http_answers(data: bytes) -> None:
    """As what a server sends for a request, read by each of the readers that there are."""
    exchange = Exchange(handshake=Handshake(address=("127.0.0.1", 443)), request=b"GET / HTTP/1.1\r\n\r\n", reply=data)
    _ = str(exchange), exchange.status, exchange.status_line
    with contextlib.suppress(http.client.HTTPException):
        _ = exchange.headers
    with contextlib.suppress(http.client.HTTPException):
        for one in responses_in(data, URL):
            _ = one.content, one.text
            if one.status_code in REDIRECT_STATUSES:
                _ = str(follow(_Answers(one), URL, limit=2))  # type: ignore[arg-type]  # what answers as a session


def loaded(data: bytes) -> None:
    """As the answers to two requests of a load."""
    plan = Plan(
        address=("127.0.0.1", 80),
        url=f"http://{NAME}/",
        connections=1,
        seconds=1,
        workers=1,
        requests=2,
        resume=False,
        timeout=5,
        options={},
    )
    pieces = iter([*_pieces(data), b"", b"", b""])
    _ask(plan, lambda _: None, lambda _: next(pieces, b""))


def variables(data: bytes, *, via: Any) -> None:
    """As the page that shows the `SSL_*` variables."""
    response = requests.Response()
    response.status_code, response.url = 200, URL
    response._content = data
    with contextlib.suppress(ModsslError):
        found = environment_of(response, via)
        _read(found)


def fields(data: bytes) -> None:
    """As header fields that show the `SSL_*` variables."""
    pairs = (line.partition(": ") for line in data.decode("latin-1").split("\n"))
    with contextlib.suppress(ModsslError):
        _read(environment_of_headers(URL, 200, {name: value for name, _, value in pairs}))


def wire(data: bytes) -> None:
    """As what was captured of a connection."""
    for leak in leaks_in((Stream(443, data, data[::-1]),), "opensesame"):
        _ = str(leak), leak.basic


def log(data: bytes) -> None:
    """As the error log."""
    for one in parse(data.decode("utf-8", "backslashreplace")):
        _ = str(one), is_error(one)


def dump(data: bytes, *, read: Callable[..., object], status: int = 0) -> None:
    """As what httpd says of its configuration."""
    text = data.decode("utf-8", "backslashreplace")
    told = subprocess.CompletedProcess([], status, "" if status else text, text if status else "")
    httpd = SimpleNamespace(ask=lambda *_, **__: told, require=lambda _: None, loadable={}, version="2.4")
    with contextlib.suppress(ModsslError):
        _ = str(read(httpd, "/conf"))


def kernel(data: bytes) -> None:
    """As the files of /proc that a container shows."""
    text = data.decode("latin-1")
    _ = connections_in(text), ending_in(text), cpu_seconds_in(text, "apache2")


def backend(data: bytes, *, serve: Callable[[BackendStream, Answering], Coroutine[Any, Any, None]]) -> None:
    """As what a client sends to a stand-in."""
    with contextlib.suppress(EndedError):
        _through(serve(_Received(data), _exchange))


def backend_tls(data: bytes) -> None:
    """As what a client sends to a stand-in that speaks TLS."""
    with contextlib.suppress(EndedError, SSL.Error):
        _through(Tls(_Received(data), _certificates().context(NAME)).shake())


PARSERS: dict[str, tuple[str, Callable[[bytes], None]]] = {
    "answer": ("tls", answer),
    "transcript": ("tls", transcript),
    "hello": ("hello", hello),
    "message": ("message", message),
    "certificate": ("certificate", certificate),
    "stapled": ("ocsp", stapled),
    "http": ("http", http_answers),
    "load": ("http", loaded),
    "cgi page": ("cgi", partial(variables, via="cgi")),
    "ssi page": ("ssi", partial(variables, via="ssi")),
    "fields": ("fields", fields),
    "capture": ("asked", wire),
    "error log": ("log", log),
    "virtual hosts": ("vhosts", partial(dump, read=virtual_hosts)),
    "directives": ("config", partial(dump, read=effective_config)),
    "mutexes": ("mutexes", partial(dump, read=mutexes)),
    "refusal": ("refused", partial(dump, read=check_syntax, status=1)),
    "kernel": ("kernel", kernel),
    "http back end": ("to http", partial(backend, serve=http1.serve)),
    "fcgi back end": ("to fcgi", partial(backend, serve=gateway.serve_fastcgi)),
    "scgi back end": ("to scgi", partial(backend, serve=gateway.serve_scgi)),
    "uwsgi back end": ("to uwsgi", partial(backend, serve=gateway.serve_uwsgi)),
    "ajp back end": ("to ajp", partial(backend, serve=ajp.serve)),
    "tls back end": ("to https", backend_tls),
}
"""What it is read as: the recorded bytes that it begins with, and the reader."""


class _Answers:
    """A session whose every request has the same answer."""

    cookies: tuple[Any, ...] = ()

    def __init__(self, response: requests.Response) -> None:
        self._response = response

    def request(self, *_: Any, **__: Any) -> requests.Response:
        return self._response


class _Received:
    """A connection on which all has come already."""

    def __init__(self, data: bytes) -> None:
        self._pieces = _pieces(data)

    async def receive(self) -> bytes:
        return next(self._pieces, b"")

    async def send(self, data: bytes) -> None:
        """Nobody listens."""


def _through(coroutine: Coroutine[Any, Any, object]) -> None:
    """Runs what never waits."""
    with contextlib.suppress(StopIteration):
        coroutine.send(None)
        raise AssertionError("it waits for more than has come")


def _exchange(*, headers: Any, body: Any, variables: Any = None, **told: str) -> Answer:
    request = BackendRequest(
        backend=_ADDRESS,
        headers=headers,
        body=bytes(body.kept),
        size=body.size,
        variables=variables or {},
        connection=1,
        time=_NOW,
        **told,
    )
    return page(request)


def _read(found: Any) -> None:
    _ = str(found)
    for name in found:
        with contextlib.suppress(ModsslError):
            found.value(name)
        for read in (found.number, found.flag, found.time):
            with contextlib.suppress(ModsslError):
                read(name)


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))


@cache
def _ca() -> CA:
    return CA()


@cache
def _leaf() -> x509.Certificate:
    return _ca().issue(NAME).certificate


@cache
def _certificates() -> Certificates:
    return Certificates(_ca())


_ADDRESS = BackendAddress.parse("http://app.internal")
_NOW = dt.datetime.now(dt.timezone.utc)
_SUITES = tuple(suite.code for suite in names.cipher_suites())
_VERSIONS = tuple(names.PROTOCOLS.values())
_PARSERS: tuple[Callable[[bytes], object], ...] = (
    messages.parse_alert,
    messages.parse_client_hello,
    messages.parse_server_hello,
    messages.parse_encrypted_extensions,
    *(
        partial(parse_one, version=version)
        for version in _VERSIONS
        for parse_one in (
            messages.parse_certificate,
            messages.parse_certificate_request,
            messages.parse_certificate_verify,
            messages.parse_new_session_ticket,
        )
    ),
    *(partial(messages.parse_server_key_exchange, cipher_suite=suite, version=0x0303) for suite in _SUITES),
)
"""By the number that the first byte of a recorded message is made to have."""


def messages_in(flight: bytes) -> list[bytes]:
    """The clear messages of a recorded flight, each as `message` takes it, once for each parser."""
    recorder = Recorder()
    with contextlib.suppress(ModsslError):
        for record in recorder.split(flight):
            recorder.receive(record)
    bodies = [one.body for one in recorder.received.messages]
    return [bytes([number]) + body for number in range(len(_PARSERS)) for body in bodies if number < 256]
