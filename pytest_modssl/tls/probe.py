"""One ClientHello, and what the server answers: no TLS library, no security level, no client certificate needed.

Up to TLS 1.2 the server's whole first flight is in clear, down to the Diffie-Hellman prime. In TLS 1.3 all after
ServerHello is encrypted, and the answer ends there.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from pytest_modssl.errors import RecordError
from pytest_modssl.recording import connect
from pytest_modssl.tls import messages, names
from pytest_modssl.tls.hello import DEFAULT_VERSIONS, client_hello
from pytest_modssl.tls.records import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    MAX_FLIGHT,
    HandshakeReader,
    Record,
    RecordReader,
)

if TYPE_CHECKING:
    import socket

    from typing_extensions import Unpack

    from pytest_modssl.recording import Recording
    from pytest_modssl.tls.hello import HelloOptions

Direction = Literal["sent", "received"]

Failure = Literal["refused", "unreachable", "timeout", "reset", "closed", "not_tls", "malformed", "alert"]
"""Why an answer ended early.

refused: nobody listens there. unreachable: any other error of the network. timeout: the peer said nothing (more) in
time. reset: the peer reset the TCP connection. closed: it ended TCP before its answer was whole. not_tls: it answered
something that is not TLS. malformed: a message of its answer could not be read. alert: it sent a fatal alert.
"""

_CHUNK: Final = 16_384
"""Bytes read at a time: more than a flight of any usual chain, so that it takes one call."""

_SERVER_HELLO: Final = names.HANDSHAKE_TYPES["ServerHello"]
_CERTIFICATE: Final = names.HANDSHAKE_TYPES["Certificate"]
_KEY_EXCHANGE: Final = names.HANDSHAKE_TYPES["ServerKeyExchange"]
_CERTIFICATE_REQUEST: Final = names.HANDSHAKE_TYPES["CertificateRequest"]
_DONE: Final = names.HANDSHAKE_TYPES["ServerHelloDone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What a server answered to one ClientHello.

    Args:
        address: Where it was asked.
        server_name: The name sent as SNI; None where none was, or for a hello made elsewhere.
        offered_protocols: The protocols that the client speaks, as far as it said; up to TLS 1.2 its newest alone.
        server_hello: What it selected, None where it refused.
        alerts: Every alert it sent in clear, warnings too.
        key_exchange: Its ServerKeyExchange, up to TLS 1.2 and where the suite has one.
        certificates: Its chain as DER, its own first, up to TLS 1.2.
        certificate_request: What client certificates it asks for, up to TLS 1.2.
        closed: Whether it ended the connection.
        reply_plain: The start of its answer where that was not TLS.
        failure: Why the answer ended early, None where it is whole.
        error: The same in words.
        elapsed: Seconds from connecting to the end of the answer.
        records: Every record: direction, seconds since connecting, record.
    """

    address: tuple[str, int]
    server_name: str | None = None
    offered_protocols: tuple[str, ...] = ()
    server_hello: messages.ServerHello | None = None
    alerts: tuple[messages.Alert, ...] = ()
    key_exchange: messages.ServerKeyExchange | None = None
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    certificate_request: messages.CertificateRequest | None = None
    closed: bool = False
    reply_plain: bytes | None = None
    failure: Failure | None = None
    error: str | None = None
    elapsed: float = 0.0
    records: tuple[tuple[Direction, float, Record], ...] = field(default=(), repr=False)

    @property
    def alert(self) -> messages.Alert | None:
        """The fatal alert that it sent."""
        return next((alert for alert in self.alerts if alert.fatal), None)

    @property
    def protocol(self) -> str | None:
        """The protocol it selected, "TLSv1.2"."""
        return None if self.server_hello is None else names.protocol_name(self.server_hello.version)

    @property
    def cipher_suite(self) -> str | None:
        """The cipher suite it selected, by OpenSSL's name."""
        return None if self.server_hello is None else names.cipher_suite_name(self.server_hello.cipher_suite)

    @property
    def group(self) -> str | None:
        """The named group it selected; None for DHE up to TLS 1.2, which names none."""
        code = self.server_hello.group if self.server_hello is not None else None
        if code is None and self.key_exchange is not None:
            code = self.key_exchange.group
        return None if code is None else names.group_name(code)

    @property
    def compression(self) -> str | None:
        """The compression method it selected, "NULL" for none; only what `compressions` offered can be selected."""
        return None if self.server_hello is None else names.compression_name(self.server_hello.compression)

    @property
    def dh_bits(self) -> int | None:
        """The bits of the prime of a DHE key exchange up to TLS 1.2."""
        exchange = self.key_exchange
        return exchange.bits if exchange is not None and exchange.kind == "dhe" else None

    def __str__(self) -> str:
        host, port = self.address
        if self.server_hello is None:
            return f"{host}:{port} selected nothing: {self.error or self.failure}"
        facts = [str(self.protocol), str(self.cipher_suite)]
        if self.group is not None:
            facts.append(self.group)
        if self.dh_bits is not None:
            facts.append(f"DH {self.dh_bits} bits")
        if self.server_hello.compression:
            facts.append(f"compression {self.compression}")
        if self.certificates:
            facts.append(f"{len(self.certificates)} certificate(s)")
        if self.certificate_request is not None:
            facts.append("asks for a client certificate")
        facts += [f"alert {alert}" for alert in self.alerts]
        if self.failure is not None:
            facts.append(str(self.error))
        return f"{host}:{port} selected {', '.join(facts)}"


def probe(
    address: tuple[str, int],
    server_name: str | None = None,
    *,
    timeout: float = 10.0,
    send_alert: str | None = None,
    recording: Recording | None = None,
    **hello: Unpack[HelloOptions],
) -> ProbeResult:
    """What the server at an address answers to one ClientHello.

    Args:
        address: Host and port to connect to.
        server_name: For SNI, None for none.
        timeout: Seconds for all of it.
        send_alert: Name of a fatal alert to send once the answer is there ("internal_error" is what Java 7 sends when
            it dislikes the prime, RFC 8446 section 6.2 names them all); the server's end of the connection is awaited,
            so its log has been written. Sent in clear, so up to TLS 1.2.
        recording: Keeps what goes over the wire; `None` keeps nothing.
        **hello: What to offer, see `pytest_modssl.tls.hello.client_hello`.

    Raises:
        TlsError: when the hello cannot be made as asked. A server that cannot be reached, or refuses, is a result.
    """
    alert = None if send_alert is None else names.code_of(names.ALERTS, send_alert, "alert")
    answer = ask(
        address,
        client_hello(server_name, **hello),
        timeout=timeout,
        send_alert=alert,
        recording=recording,
        name=server_name,
    )
    versions = tuple(sorted(hello.get("versions", DEFAULT_VERSIONS), key=list(names.PROTOCOLS).index))
    offered = versions if versions[-1] == "TLSv1.3" else versions[-1:]
    return replace(answer, server_name=server_name, offered_protocols=offered)


def ask(
    address: tuple[str, int],
    hello: bytes,
    *,
    timeout: float = 10.0,
    send_alert: int | None = None,
    recording: Recording | None = None,
    name: str | None = None,
) -> ProbeResult:
    """What the server at an address answers to these bytes; as `probe`, with a hello that is made already."""
    answer = _Answer(time.perf_counter())
    deadline = answer.started + timeout
    try:
        with connect(address, timeout, recording, name) as peer:
            answer.send(peer, hello)
            answer.read(peer, deadline)
            if send_alert is not None and answer.failure is None:
                version = min(answer.version, names.PROTOCOLS["TLSv1.2"])
                answer.send(peer, Record(ALERT, version, bytes([2, send_alert])).to_bytes())
                answer.await_end(peer, deadline)
    except RecordError as error:
        plain = answer.server_hello is None and not answer.alerts
        answer.fail("not_tls" if answer.reader.error is not None and plain else "malformed", str(error))
    except TimeoutError:
        answer.fail("timeout", f"no (whole) answer within {timeout:.3g} s")
    except ConnectionRefusedError:
        answer.fail("refused", "connection refused: nobody listens there")
    except ConnectionResetError:
        answer.fail("reset", "the peer reset the connection")
    except (OSError, UnicodeError) as error:  # the latter: DNS can have no such name
        answer.fail("unreachable", str(error))
    return answer.result(address)


class _Answer:
    """An answer as it grows."""

    def __init__(self, started: float) -> None:
        self.started = started
        self.reader = RecordReader()
        self.handshakes = HandshakeReader()
        self.records: list[tuple[Direction, float, Record]] = []
        self.server_hello: messages.ServerHello | None = None
        self.alerts: list[messages.Alert] = []
        self.key_exchange: messages.ServerKeyExchange | None = None
        self.certificates: tuple[bytes, ...] = ()
        self.certificate_request: messages.CertificateRequest | None = None
        self.length = 0
        self.closed = False
        self.whole = False
        self.failure: Failure | None = None
        self.error: str | None = None

    @property
    def version(self) -> int:
        """The protocol version selected, 0 while none is."""
        return 0 if self.server_hello is None else self.server_hello.version

    def fail(self, failure: Failure, error: str) -> None:
        """Note why the answer ended early."""
        if self.failure is None:
            self.failure, self.error = failure, error

    def send(self, peer: socket.socket, data: bytes) -> None:
        """Send records, and note them."""
        peer.sendall(data)
        now = time.perf_counter() - self.started
        self.records += [("sent", now, record) for record in RecordReader().feed(data)]

    def read(self, peer: socket.socket, deadline: float) -> None:
        """Read until the answer is whole or has failed."""
        while not self.whole and self.failure is None:
            data = _receive(peer, deadline)
            if not data:
                self.closed = True
                self.fail("closed", "the peer closed the connection in the middle of its answer")
                return
            self.feed(data)

    def feed(self, data: bytes) -> None:
        """Take more bytes of the answer; RecordError where it is none."""
        self.length += len(data)
        for record in self.reader.feed(data):
            self.records.append(("received", time.perf_counter() - self.started, record))
            self._take(record)
            if self.whole or self.failure is not None:
                return
        if self.reader.error is not None:
            raise self.reader.error
        if self.length > MAX_FLIGHT:
            raise RecordError(f"The answer does not end: {self.length} bytes came, and it is not whole.")

    def await_end(self, peer: socket.socket, deadline: float) -> None:
        """Wait until the server has ended the connection, whatever it still sends."""
        with contextlib.suppress(ConnectionResetError):
            while _receive(peer, deadline):
                pass
        self.closed = True

    def result(self, address: tuple[str, int]) -> ProbeResult:
        """The answer as a value."""
        return ProbeResult(
            address=address,
            server_hello=self.server_hello,
            alerts=tuple(self.alerts),
            key_exchange=self.key_exchange,
            certificates=self.certificates,
            certificate_request=self.certificate_request,
            closed=self.closed,
            reply_plain=self.reader.pending[:_CHUNK] if self.failure == "not_tls" else None,
            failure=self.failure,
            error=self.error,
            elapsed=time.perf_counter() - self.started,
            records=tuple(self.records),
        )

    def _take(self, record: Record) -> None:
        if record.type == ALERT:
            alert = messages.parse_alert(record.payload)
            self.alerts.append(alert)
            if alert.fatal:
                self.fail("alert", f"the server sent the alert {alert}")
        elif record.type == CHANGE_CIPHER_SPEC:
            self.whole = True  # a session was resumed (RFC 5246 section 7.3): what follows is encrypted
        elif record.type == HANDSHAKE:
            for message in self.handshakes.feed(record.payload):
                self._understand(message.type, message.body)
                if self.whole:
                    return
        else:
            raise RecordError(f"A record of type {record.type_name} came before the handshake was done.")

    def _understand(self, kind: int, body: bytes) -> None:
        if kind == _SERVER_HELLO and self.server_hello is None:
            self.server_hello = messages.parse_server_hello(body)
            self.whole = self.version >= messages.TLS13
        elif self.server_hello is None:
            raise RecordError(f"{names.handshake_name(kind)} came where ServerHello was due.")
        elif kind == _CERTIFICATE:
            self.certificates = messages.parse_certificate(body, version=self.version).chain
        elif kind == _KEY_EXCHANGE:
            suite = self.server_hello.cipher_suite
            self.key_exchange = messages.parse_server_key_exchange(body, cipher_suite=suite, version=self.version)
        elif kind == _CERTIFICATE_REQUEST:
            self.certificate_request = messages.parse_certificate_request(body, version=self.version)
        elif kind == _DONE:
            self.whole = True


def _receive(peer: socket.socket, deadline: float) -> bytes:
    """Some bytes, none at the end of the connection; TimeoutError at the deadline."""
    left = deadline - time.perf_counter()
    if left <= 0:
        raise TimeoutError
    peer.settimeout(left)
    return peer.recv(_CHUNK)
