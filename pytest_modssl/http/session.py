"""A `requests` session that reaches the names of a test server without DNS, on addresses and ports of its own.

URLs stay the real ones: the logical host and port are what SNI, `Host`, certificate verification, cookies and redirects
see; only the TCP connection goes to the address that `resolve` names.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
import socket
import ssl
import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from pytest_modssl.errors import AnswerError, ModsslError
from pytest_modssl.http.reading import HttpAnswer, bounded
from pytest_modssl.http.recorded import RecordedTls, recorded_context
from pytest_modssl.recording import connect
from pytest_modssl.wait import limited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from pytest_modssl.recording import Recording

# The `ssl` module has no names of its own for what mod_ssl calls a protocol (SSLProtocol in mod_ssl's manual).
PROTOCOLS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
# OpenSSL 3 speaks these only at security level 0 (SSL_CTX_set_security_level(3), and measured on OpenSSL 3.0.22).
_NEED_LEVEL_0 = ("TLSv1", "TLSv1.1")
# Seconds that a socket's own timeout has to say what happened.
_GRACE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFacts:
    """What TLS was in force when the head of one response arrived (so after any renegotiation for that request)."""

    protocol: str
    cipher_suite: str
    cipher_bits: int
    alpn: str | None
    resumed: bool
    certificate_der: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the server's certificate (DER), as lower-case hex."""
        return hashlib.sha256(self.certificate_der).hexdigest()

    def __str__(self) -> str:
        resumed = ", resumed" if self.resumed else ""
        return f"{self.protocol} {self.cipher_suite} ({self.cipher_bits} bits){resumed}, sha256 {self.fingerprint[:16]}"


@dataclass(frozen=True, slots=True)
class FailedRequest:
    """A request that got no answer.

    Attributes:
        url: what was asked for.
        error: why there is none.
    """

    url: str
    error: Exception

    def __str__(self) -> str:
        return f"{self.url}\n  no answer: {type(self.error).__name__}: {self.error}"


def open_session(
    resolve: Callable[[str, str, int], tuple[str, int]],
    *,
    trust: Sequence[bytes] = (),
    client_certificate: tuple[Path, Path] | None = None,
    protocol: str | None = None,
    ciphers: str | None = None,
    timeout: float = 10.0,
    on_response: Callable[[requests.Response], None] | None = None,
    on_failure: Callable[[FailedRequest], None] | None = None,
    recording: Recording | None = None,
) -> requests.Session:
    """A session that connects where `resolve` says, and trusts nothing but `trust`.

    The environment has no part in it: no proxies, no netrc, no `REQUESTS_CA_BUNDLE`, no roots of the system. It answers
    post-handshake requests for a client certificate (RFC 8446 4.6.2), which per-location `SSLVerifyClient` needs
    under TLS 1.3.

    Args:
        resolve: gives the real address for a logical (scheme, host, port); its errors reach the caller unchanged.
        trust: the roots to verify servers by, as PEM. With none, every HTTPS request that verifies fails.
        client_certificate: files of certificate chain and unencrypted key (PEM), offered on request of the server.
        protocol: the one protocol to speak, by mod_ssl's name ("TLSv1.2"); the versions before TLSv1.2 lower the
            client's security level to 0, since OpenSSL 3 refuses them otherwise.
        ciphers: an OpenSSL cipher list for TLS 1.2 and before, for example `"DEFAULT:@SECLEVEL=0"` for a server with
            weak keys; a request of its own security level belongs here.
        timeout: seconds for connecting, and for the whole answer, where a request says nothing else. With `stream=True`
            they are for its head, and then for each read.
        on_response: called with every response, those of redirects included.
        on_failure: called with every request that got no answer, before its error is raised.
        recording: keeps what goes over the wire, and the key log; `None` keeps nothing.

    Raises:
        ValueError: an unknown protocol.
    """
    if protocol is not None and protocol not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol!r}: use one of {', '.join(PROTOCOLS)}")
    session = _Session(on_failure)
    session.trust_env = False
    if client_certificate is not None:
        certificate, key = client_certificate
        session.cert = (str(certificate), str(key))
    adapter = _MappedAdapter(
        resolve, trust=trust, protocol=protocol, ciphers=ciphers, timeout=timeout, recording=recording
    )
    for prefix in list(session.adapters):
        session.mount(prefix, adapter)
    if on_response is not None:
        session.hooks["response"].append(functools.partial(_call_back, on_response))
    return session


def wire_url(url: str) -> str:
    """A URL as it is sent: names as A-labels, what no URL may hold percent-encoded, `/` for no path.

    Raises:
        requests.RequestException: it is none.
    """
    return str(requests.Request("GET", url).prepare().url)


def tls_of(response: requests.Response) -> TlsFacts | None:
    """The TLS in force for this response; none for plain HTTP."""
    # urllib3 hands a response over with the parsed head it came from, and `requests` itself reads it there (cookies).
    head = getattr(response.raw, "_original_response", None)
    return head.tls if isinstance(head, _Response) else None


def described(observation: object) -> str:
    """An observation as a person reads it: a response by its request, status and fields, all else as it prints."""
    if not isinstance(observation, requests.Response):
        return str(observation)
    fields = "\n".join(f"  {name}: {value}" for name, value in observation.headers.items())
    request = f"{observation.request.method} {observation.request.url}"
    return f"{request}\n  {observation.status_code} {observation.reason}\n{fields}"


def _call_back(on_response: Callable[[requests.Response], None], response: requests.Response, **_: object) -> None:
    on_response(response)


class _Timely(io.RawIOBase):
    """What a socket receives, as a file that ends in a TimeoutError when its time is over, however much comes."""

    def __init__(self, sock: socket.socket, received: io.RawIOBase) -> None:
        self._socket = sock
        self._received = received
        self._seconds = sock.gettimeout()
        self.deadline = None if self._seconds is None else time.monotonic() + self._seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self.deadline is None:
            return self._received.readinto(buffer)
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the answer had not come to its end after {self._seconds:g} s")
        self._socket.settimeout(left)
        try:
            return self._received.readinto(buffer)
        finally:
            self._socket.settimeout(self._seconds)

    def close(self) -> None:
        self._received.close()
        super().close()


class _Response(HttpAnswer):
    """A response that notes the TLS state once its head is read: later the socket may be closed already."""

    tls: TlsFacts | None = None

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self._socket: socket.socket | RecordedTls = sock
        self._timely = _Timely(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._timely)

    def begin(self) -> None:
        super().begin()
        if isinstance(self._socket, ssl.SSLSocket | RecordedTls):
            self.tls = _facts(self._socket)

    def take_your_time(self) -> None:
        """From now on each wait alone is bounded."""
        self._timely.deadline = None


def _facts(sock: ssl.SSLSocket | RecordedTls) -> TlsFacts:
    name, _, bits = sock.cipher() or ("", "", 0)
    return TlsFacts(
        protocol=sock.version() or "",
        cipher_suite=name,
        cipher_bits=bits,
        alpn=sock.selected_alpn_protocol(),
        resumed=bool(sock.session_reused),
        certificate_der=sock.getpeercert(binary_form=True) or b"",
    )


def _dial(
    connection: HTTPConnection,
    scheme: str,
    resolve: Callable[[str, str, int], tuple[str, int]],
    recording: Recording | None,
) -> socket.socket:
    host, port = connection.host, connection.port
    address = resolve(scheme, host, port)
    timeout = connection.timeout if isinstance(connection.timeout, (int, float)) else None
    try:
        sock = connect(address, timeout, recording, host)
    except TimeoutError as error:
        raise ConnectTimeoutError(
            connection, f"no connection to {host}:{port} (at {_at(address)}) within {timeout} s"
        ) from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection to {host}:{port} (at {_at(address)}): {error}") from error
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _at(address: tuple[str, int]) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Session(requests.Session):
    def __init__(self, on_failure: Callable[[FailedRequest], None] | None) -> None:
        super().__init__()
        self._on_failure = on_failure

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        try:
            urlsplit(target or "")
        except ValueError:  # `requests` would raise it, also where redirects are not followed
            return None
        return target

    def request(self, *args: Any, **options: Any) -> requests.Response:
        __tracebackhide__ = True
        try:
            return super().request(*args, **options)
        except (ModsslError, requests.RequestException) as error:
            if self._on_failure is not None and isinstance(error, requests.RequestException):
                url = None if error.request is None else error.request.url
                self._on_failure(FailedRequest(url or "", error))
            # The way through requests and urllib3 fills a screen, and tells nothing that the message does not.
            raise error.with_traceback(None) from None


def _bound(response: requests.Response, *, stream: bool) -> None:
    """What `requests` will read of a body by itself is bounded; who takes it piece by piece has the time and memory."""
    raw: Any = response.raw
    if stream:
        raw._original_response.take_your_time()  # noqa: SLF001 - as in `tls_of`
        return
    take = raw.stream

    def taken(*size: Any, **how: Any) -> Iterator[bytes]:
        try:
            yield from bounded(take(*size, **how), str(response.url))
        except AnswerError:
            raw.close()
            raise

    raw.stream = taken


class _MappedHttpConnection(HTTPConnection):
    response_class = _Response

    def __init__(
        self,
        *args: Any,
        resolve: Callable[[str, str, int], tuple[str, int]],
        recording: Recording | None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._resolve = resolve
        self._recording = recording

    def _new_conn(self) -> socket.socket:
        return _dial(self, "http", self._resolve, self._recording)


class _MappedHttpsConnection(HTTPSConnection):
    response_class = _Response

    def __init__(
        self,
        *args: Any,
        resolve: Callable[[str, str, int], tuple[str, int]],
        recording: Recording | None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._resolve = resolve
        self._recording = recording
        self._dialled: socket.socket | None = None
        self._was_cut = False

    def connect(self) -> None:
        # OpenSSL passes over some messages within one call (HelloRequest, RFC 5246 section 7.4.1.1): a server that
        # sends them for ever keeps it there, and no timeout of the socket counts. Its end does.
        seconds = self.timeout if isinstance(self.timeout, (int, float)) else None
        if seconds is None:
            super().connect()
            return
        try:
            with limited(seconds + _GRACE, self._cut):
                super().connect()
        except OSError as error:
            if not self._was_cut:
                raise
            raise ConnectTimeoutError(self, f"TLS with {self.host} was not agreed on within {seconds:g} s") from error
        finally:
            if self._dialled is not None:
                self._dialled.close()
                self._dialled = None

    def _cut(self) -> None:
        self._was_cut = True
        if self._dialled is not None:
            self._dialled.shutdown(socket.SHUT_RDWR)

    def _new_conn(self) -> socket.socket:
        made = _dial(self, "https", self._resolve, self._recording)
        # TLS takes the descriptor from the other object.
        self._dialled = socket.socket(made.family, made.type, made.proto, fileno=os.dup(made.fileno()))
        return made


class _MappedHttpPool(HTTPConnectionPool):
    ConnectionCls = _MappedHttpConnection


class _MappedHttpsPool(HTTPSConnectionPool):
    ConnectionCls = _MappedHttpsConnection

    def _validate_conn(self, conn: Any) -> None:
        # urllib3 would warn of each unverified connection as well: here leaving that out is a test's own decision.
        if conn.is_closed:
            conn.connect()


class _MappedAdapter(HTTPAdapter):
    def __init__(
        self,
        resolve: Callable[[str, str, int], tuple[str, int]],
        *,
        trust: Sequence[bytes],
        protocol: str | None,
        ciphers: str | None,
        timeout: float,
        recording: Recording | None,
    ) -> None:
        super().__init__()
        self._trust = tuple(trust)
        self._protocol = protocol
        self._ciphers = ciphers
        self._timeout = timeout
        self._recording = recording
        # One context for each way of verifying and each client certificate: urllib3 changes the one it is handed.
        self._contexts: dict[tuple[object, object], ssl.SSLContext] = {}
        self.poolmanager.pool_classes_by_scheme = {
            "http": functools.partial(_MappedHttpPool, resolve=resolve, recording=recording),
            "https": functools.partial(_MappedHttpsPool, resolve=resolve, recording=recording),
        }

    def send(  # type: ignore[override]
        self, request: requests.PreparedRequest, *, timeout: Any = None, stream: bool = False, **options: Any
    ) -> requests.Response:
        seconds = self._timeout if timeout is None else timeout
        try:
            response = super().send(request, timeout=seconds, stream=stream, **options)
        except requests.exceptions.SSLError as error:
            if self._trust or not options.get("verify"):
                raise
            raise requests.exceptions.SSLError(
                f"{error} (this session trusts no root at all: name some in `trust`)",
                request=error.request,
                response=error.response,
            ) from error
        _bound(response, stream=stream)
        return response

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        where, _ = super().build_connection_pool_key_attributes(request, verify, None)
        if where["scheme"] != "https":
            return where, {}
        context = self._context(verify, cert)
        return where, {"ssl_context": context, "cert_reqs": context.verify_mode}

    def close(self) -> None:
        """Close every connection now: urllib3 waits until nobody holds a response of the pool any more."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 - it cannot be iterated otherwise
            pool = self.poolmanager.pools.get(key)
            if pool is not None:
                pool.close()
        super().close()

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the pool as its context made it: `requests` would add the roots of certifi here."""

    def _context(self, verify: Any, cert: Any) -> ssl.SSLContext:
        key = (verify, cert)
        if key not in self._contexts:
            self._contexts[key] = _client_context(
                trust=self._trust if verify is True else (),
                bundle=verify if isinstance(verify, str) else None,
                certificate=(cert, None) if isinstance(cert, str) else cert,
                protocol=self._protocol,
                ciphers=self._ciphers,
                recording=self._recording,
            )
            if not verify:
                self._contexts[key].check_hostname = False
                self._contexts[key].verify_mode = ssl.CERT_NONE
        return self._contexts[key]


def _client_context(
    *,
    trust: Sequence[bytes],
    bundle: str | None,
    certificate: tuple[str, str | None] | None,
    protocol: str | None,
    ciphers: str | None,
    recording: Recording | None,
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if recording is None else recorded_context(recording)
    context.post_handshake_auth = True
    if trust:
        context.load_verify_locations(cadata="\n".join(pem.decode("ascii") for pem in trust))
    if bundle is not None:
        context.load_verify_locations(bundle)
    if protocol is not None:
        _pin(context, protocol)
    if ciphers is not None or protocol in _NEED_LEVEL_0:
        context.set_ciphers(ciphers or "DEFAULT:@SECLEVEL=0")
    if certificate is not None:
        # An encrypted key ends in an error here, never in a prompt on the terminal.
        context.load_cert_chain(*certificate, password=lambda: "")
    return context


def _pin(context: ssl.SSLContext, protocol: str) -> None:
    with warnings.catch_warnings():
        # That old versions are deprecated is why a test asks for them.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = PROTOCOLS[protocol]
