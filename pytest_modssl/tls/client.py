"""A TLS client that watches: it speaks to the server through the TLS library and sees every record of both sides.

`handshake()` is for looking at a server; `connect()` is for talking with it. Both end well whatever the server does:
what went wrong stands in the Handshake. Errors are raised only for options that cannot be carried out, and by the
methods that exchange data.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeVar

from OpenSSL import SSL

from pytest_modssl import recording as _recording
from pytest_modssl.errors import RecordError, TlsError, WaitTimeoutError
from pytest_modssl.tls.context import Settings, reason_of
from pytest_modssl.tls.engine import READ, Engine
from pytest_modssl.tls.facts import Course, alerts, summary
from pytest_modssl.tls.records import MAX_FLIGHT
from pytest_modssl.tls.transcript import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from pytest_modssl.recording import Recording
    from pytest_modssl.tls.context import ConnectOptions
    from pytest_modssl.tls.handshake import Failure, Handshake, Session
    from pytest_modssl.tls.records import Record

T = TypeVar("T")

End = Literal["closed", "timeout", "more"]
"""How reading to the end ended: the peer ended it, the time was over, or more came than is read."""

MOST: Final = 2**26
"""Bytes of application data that `read_until_close` gives at most: they are kept in memory."""

_LAST_WORDS: Final = 2**20
"""Bytes of application data that `handshake` reads at most, of a server that talks unasked."""


class _StoppedError(Exception):
    """The exchange came to an end before it was through."""

    def __init__(self, kind: Failure, error: str) -> None:
        super().__init__(error)
        self.kind = kind


class TlsConnection:
    """A connection made by `connect()`; `.handshake` tells at any time what has been seen so far.

    Use it as a context manager, or call `close()`.
    """

    def __init__(
        self,
        address: tuple[str, int],
        engine: Engine,
        recorder: Recorder,
        timeout: float,
        recording: Recording | None = None,
    ) -> None:
        self._engine = engine
        self._recorder = recorder
        self._timeout = timeout
        self._recording = recording
        self._course = Course(address)
        self._socket: socket.socket | None = None
        self._unread: list[Record] = []

    @property
    def handshake(self) -> Handshake:
        """What has been seen so far, as a value that does not change any more."""
        return summary(self._course, self._engine, self._recorder)

    def send(self, data: bytes) -> None:
        """Send application data, all of it.

        Raises:
            TlsError: The connection has ended.
            WaitTimeoutError: The server did not take it within the connection's timeout.
        """
        self._talk(lambda: self._engine.library.sendall(data), f"sending {len(data)} bytes")

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes of application data; empty once the server has closed, with or without close_notify.

        Raises:
            TlsError: The connection ended otherwise (fatal alert, reset).
            WaitTimeoutError: Nothing came within the connection's timeout.
        """
        return self._talk(lambda: self._engine.library.recv(size), "waiting for data") or b""

    def read_until_close(self) -> bytes:
        """All application data up to the end of the connection; `.handshake` says what kind of end it was.

        Raises:
            TlsError: The handshake had failed, or the server sent more than 64 MiB (`MOST`).
            WaitTimeoutError: The server kept the connection open for the connection's timeout.
        """
        self._require_open("reading until the server closes")
        self._deadline_from_now()
        data, end = self._read_to_end(MOST)
        if end == "more":
            raise TlsError(f"The server sent more than {MOST} bytes. Take as much piece by piece, with recv().")
        if end == "timeout":
            raise WaitTimeoutError(
                f"The server did not close the connection within {self._timeout} s; it sent {len(data)} bytes. "
                "Send a request that ends the connection (`Connection: close`), or read with recv()."
            )
        return data

    def renegotiate(self) -> Handshake:
        """Ask for a renegotiation (TLS 1.2 and older) and tell what came of it; httpd refuses it (AH02042).

        Raises:
            TlsError: The handshake had failed, or the protocol is TLS 1.3, which has no renegotiation.
        """
        self._require_open("renegotiating")
        try:
            self._engine.library.renegotiate()
        except SSL.Error as error:
            raise TlsError(
                f"Renegotiation cannot start ({reason_of(error)}). TLS 1.3 has none: connect with protocol='TLSv1.2'."
            ) from error
        self._deadline_from_now()
        with contextlib.suppress(_StoppedError):
            self._run(self._engine.library.do_handshake)
        return self.handshake

    def close(self, *, notify: bool = True) -> None:
        """End the connection, with close_notify or without; doing it again does nothing."""
        if self._socket is None:
            return
        if notify:
            self._send_close_notify()
        self._socket.close()
        self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        """Connect and shake hands; every kind of failure ends in the Course."""
        self._deadline_from_now()
        self._course.started = self._recorder.started = time.perf_counter()
        try:
            self._connect()
            self._run(self._engine.library.do_handshake)
        except _StoppedError:
            return
        self._course.completed = True
        self._course.timings["handshake"] = time.perf_counter() - self._course.started

    def _finish(self) -> None:
        """Say goodbye and read what the server still has to say."""
        if self._course.completed:
            self._deadline_from_now()
            self._send_close_notify()
            self._read_to_end(_LAST_WORDS)

    def _connect(self) -> None:
        host, port = self._course.address
        try:
            self._socket = _recording.connect((host, port), self._timeout, self._recording, self._engine.server_name)
        except ConnectionRefusedError:
            self._stop("refused", f"nobody listens on {host} port {port} (connection refused)")
        except TimeoutError:
            self._stop("timeout", f"{host} port {port} did not answer within {self._timeout} s (TCP connection)")
        except (OSError, UnicodeError) as error:  # the latter: DNS can have no such name
            self._stop("unreachable", f"no TCP connection with {host} port {port}: {error}")
        else:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if isinstance(self._socket, _recording.RecordedSocket):
                self._engine.told.keys = self._socket.kept.keys
            self._course.connected = True
            self._course.timings["connect"] = time.perf_counter() - self._course.started

    def _talk(self, operation: Callable[[], T], doing: str) -> T | None:
        self._require_open(doing)
        self._deadline_from_now()
        try:
            return self._run(operation)
        except _StoppedError as end:
            if end.kind == "closed":
                return None
            error = WaitTimeoutError if end.kind == "timeout" else TlsError
            raise error(f"Stopped while {doing}: {end}.\n{self.handshake}") from None

    def _require_open(self, doing: str) -> None:
        if self._socket is None or not self._course.completed:
            raise TlsError(f"No TLS connection is open for {doing}; look at `.handshake` first.\n{self.handshake}")

    def _deadline_from_now(self) -> None:
        self._deadline = time.monotonic() + self._timeout

    def _run(self, operation: Callable[[], T]) -> T:
        """Carry the library's operation through, exchanging records with the server as it asks for them."""
        while True:
            try:
                done, result = self._engine.attempt(operation)
            except SSL.ZeroReturnError:
                self._stop("closed", "the server sent close_notify")
            except SSL.Error as error:
                self._flush()
                self._stop_on(error)
            if done or not self._unread:  # what is said to records that came together goes out together
                self._flush()
            if done:
                return result  # type: ignore[return-value]  # done says that it is the operation's result
            self._give_record()

    def _flush(self) -> None:
        data = self._engine.output()
        if not data or self._socket is None:
            return
        self._recorder.send(data)
        try:
            self._socket.settimeout(self._remaining())
            self._socket.sendall(data)
        except TimeoutError:
            self._stop("timeout", f"the server took no data within {self._timeout} s")
        except OSError:
            return  # the server has closed: what it said before that is still to be read, and tells why

    def _give_record(self) -> None:
        """Hand one more record of the server to the library, reading from the network as needed."""
        while not self._unread:
            self._unread = self._split(self._receive())
        record = self._unread.pop(0)
        self._recorder.receive(record)
        self._engine.library.bio_write(record.to_bytes())

    def _receive(self) -> bytes:
        if self._socket is None:
            self._stop("closed", "this client has closed the connection")
        if self._recorder.received.length > MAX_FLIGHT and not self._course.completed:
            self._stop("client", f"the handshake does not end: the server sent {self._recorder.received.length} bytes")
        if time.monotonic() >= self._deadline:
            self._stop("timeout", f"the server was still at it after {self._timeout} s")
        try:
            self._socket.settimeout(self._remaining())
            data = self._socket.recv(READ)
        except TimeoutError:
            self._stop("timeout", f"the server said nothing more within {self._timeout} s")
        except OSError as error:
            self._course.peer_closed = True
            self._stop("reset", f"the server reset the connection ({error.strerror or error})")
        if not data:
            self._course.peer_closed = True
            self._stop("closed", "the server closed the connection during the handshake")
        return data

    def _split(self, data: bytes) -> list[Record]:
        try:
            return self._recorder.split(data)
        except RecordError as error:
            if self._recorder.received.length > len(data):
                self._stop("not_tls", f"in the midst of TLS the server sent bytes that are no record. {error}")
            self._course.plain_reply = data
            self._stop("not_tls", f"the server answered, but not with TLS (wrong version number): {data[:60]!r}")

    def _remaining(self) -> float:
        return max(self._deadline - time.monotonic(), 0.001)

    def _read_to_end(self, most: int) -> tuple[bytes, End]:
        """The application data up to the end, or little more than `most` of it, and how the reading ended."""
        data = bytearray()
        end: End | None = None
        while end is None:
            try:
                data += self._run(lambda: self._engine.library.recv(READ))
            except _StoppedError as stopped:
                end = "timeout" if stopped.kind == "timeout" else "closed"
            else:
                end = "more" if len(data) > most else None
        if end == "closed" and not self._course.peer_closed:
            self._send_close_notify()  # the answer that peers wait for before they close TCP (RFC 5246 section 7.2.1)
        while end == "closed" and not self._course.peer_closed:
            try:
                self._receive()
            except _StoppedError:
                break
        return bytes(data), end

    def _send_close_notify(self) -> None:
        with contextlib.suppress(SSL.Error, _StoppedError):  # a failed or unfinished session cannot be closed politely
            self._engine.library.shutdown()
            self._flush()

    def _stop_on(self, error: SSL.Error) -> NoReturn:
        """Say what an error of the library comes from: the server's alert, the chain, or this client."""
        received = alerts(self._engine.told.alerts_received, self._recorder.received.alerts)
        reason = reason_of(error)
        if received and (received[-1].fatal or received[-1].name == "no_renegotiation"):
            self._stop("alert", f"the server sent alert {received[-1]}")
        verdict = self._engine.told.verdict
        if verdict.ok is False and self._engine.told.abort and not self._course.completed:
            self._stop("certificate", f"this client refused the server's certificate, {verdict}")
        self._stop("client", f"this client's TLS library stopped: {reason}")

    def _stop(self, kind: Failure, error: str) -> NoReturn:
        """End the exchange; once the handshake is done, a server that is silent or closes has not failed."""
        if self._course.failure is None and not (self._course.completed and kind in ("closed", "timeout")):
            self._course.failure, self._course.error = kind, error
        raise _StoppedError(kind, error)


def connect(
    address: tuple[str, int],
    server_name: str | None = None,
    *,
    protocol: str | tuple[str, str] | None = None,
    ciphers: str | None = None,
    ciphersuites: str | None = None,
    groups: Sequence[str] = (),
    signature_schemes: Sequence[str] = (),
    alpn: Sequence[str] = (),
    trust: Sequence[bytes] = (),
    verify: Literal["record", "abort"] = "record",
    client_certificate: tuple[bytes, bytes] | None = None,
    post_handshake_auth: bool = False,
    status_request: bool = False,
    session: Session | None = None,
    tickets: bool = True,
    security_level: int | None = None,
    timeout: float = 10.0,
    recording: Recording | None = None,
) -> TlsConnection:
    """A connection on which the handshake has been tried; `.handshake.ok` says whether it may be used.

    Args:
        address: Host and port to connect to.
        server_name: The name to ask for (SNI) and to compare the certificate with; an IP address is only compared.
        protocol: The one protocol to offer, or the (lowest, highest); by default what OpenSSL offers.
        ciphers: Suites of TLS 1.2 and older in the language of ciphers(1), such as "ECDHE+AESGCM:!DSS".
        ciphersuites: Suites of TLS 1.3, such as "TLS_AES_128_GCM_SHA256", joined by colons.
        groups: Groups to offer in order, by registry name ("x25519", "secp256r1", "ffdhe2048").
        signature_schemes: Signature schemes to offer in order, by registry name ("rsa_pss_rsae_sha256").
        alpn: Application protocols to offer in order ("h2", "http/1.1").
        trust: Roots to verify the server's chain against, PEM bytes; nothing else is trusted.
        verify: "record" notes the verdict and goes on; "abort" ends the handshake as a browser would, except that a
            name that does not match is only noted (`Handshake.hostname_ok`).
        client_certificate: (certificate and chain, key) as PEM bytes, to send where the server asks; exactly the
            certificates given are sent.
        post_handshake_auth: Tell the server that it may ask for the client certificate later (TLS 1.3).
        status_request: Ask the server for the OCSP response about its certificate (RFC 6066 section 8), which is then
            in `Handshake.stapled`.
        session: `Handshake.session` of an earlier connection with the same options, to be resumed.
        tickets: Take session tickets up to TLS 1.2 (RFC 5077); without, such sessions are resumed by their id alone.
            Under TLS 1.3 the server alone decides what a ticket is (RFC 8446 section 4.6.1).
        security_level: OpenSSL's level 0 to 5 (SSL_CTX_set_security_level(3)); by default the library's own, and 0
            where `protocol` starts below TLS 1.2, which OpenSSL 3 speaks at no other level.
        timeout: Seconds, for the handshake as a whole and for each later call.
        recording: Keeps what goes over the wire, and the key log; `None` keeps nothing.

    Raises:
        TlsError: An option cannot be carried out. Whatever the server does raises nothing.
    """
    settings = Settings(
        protocol=protocol,
        ciphers=ciphers,
        ciphersuites=ciphersuites,
        groups=tuple(groups),
        signature_schemes=tuple(signature_schemes),
        trust=tuple(trust),
        verify=verify,
        client_certificate=client_certificate,
        post_handshake_auth=post_handshake_auth,
        status_request=status_request,
        tickets=tickets,
        security_level=security_level,
    )
    recorder = Recorder()
    engine = Engine(settings, server_name, alpn, session, recorder)
    connection = TlsConnection(address, engine, recorder, timeout, recording)
    connection._open()  # noqa: SLF001 - the two halves of one module
    return connection


def handshake(address: tuple[str, int], server_name: str | None = None, **options: Unpack[ConnectOptions]) -> Handshake:
    """What a handshake with the server shows: connect, send close_notify, read until the server closes.

    The reading brings to light what TLS 1.3 servers say after the client has finished: session tickets, and the refusal
    of a client certificate. It ends after `timeout` at the latest.

    Args:
        address: Host and port to connect to.
        server_name: The name to ask for and to compare the certificate with.
        options: Those of `connect()`.

    Raises:
        TlsError: An option cannot be carried out. Whatever the server does raises nothing.
    """
    with connect(address, server_name, **options) as connection:
        connection._finish()  # noqa: SLF001 - the two halves of one module
        return connection.handshake
