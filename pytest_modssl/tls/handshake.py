"""What was seen of one TLS connection: a value that is as useful after a refusal as after a success."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_modssl.certificates import read_certificate
from pytest_modssl.errors import PkiError
from pytest_modssl.tls import hostname
from pytest_modssl.tls.names import EXTENSIONS, protocol_name
from pytest_modssl.tls.stapling import Stapled, read_stapled
from pytest_modssl.tls.transcript import Transcript

if TYPE_CHECKING:
    from cryptography import x509
    from OpenSSL import SSL

    from pytest_modssl.tls.context import Settings
    from pytest_modssl.tls.demand import CertificateDemand
    from pytest_modssl.tls.messages import Alert

Failure = Literal["refused", "unreachable", "timeout", "reset", "closed", "not_tls", "alert", "certificate", "client"]
"""Why a connection failed.

refused: nobody listens there. unreachable: any other error of the network. timeout: the peer said nothing (more) in
time. reset: the peer reset the TCP connection. closed: it ended TCP before the handshake was done. not_tls: it answered
something that is not TLS. alert: it sent a fatal alert. certificate: this client, told to abort, did not trust the
server's chain. client: this client's own TLS library could not go on.
"""

Resumption = Literal["ticket", "session id"]
"""How a session was taken up: by a ticket that carries it, or by an id under which the server has kept it."""

Stage = Literal["connect", "hello", "handshake", "after"]
"""How far it came: TCP connection, ClientHello sent, ServerHello received, handshake finished."""


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict of OpenSSL on the server's chain, against the given trust and nothing else.

    Args:
        ok: Whether the chain ends in a trusted root and holds; None where no certificate was judged, because the
            session was resumed or the connection did not come so far.
        code: OpenSSL's number of the first error (X509_V_ERR_*, `openssl verify` prints the same), 0 if none.
        reason: The same in words.
        depth: At which certificate, 0 being the server's own.
    """

    ok: bool | None
    code: int = 0
    reason: str = ""
    depth: int = 0

    def __str__(self) -> str:
        if self.ok is None:
            return "not judged"
        return "trusted" if self.ok else f"not trusted: {self.reason} (code {self.code}) at depth {self.depth}"


NOT_JUDGED = Verification(ok=None)


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A session to resume with `connect(..., session=...)` under the same settings; shows none of its secrets."""

    protocol: str | None
    server_name: str | None
    settings: Settings = field(repr=False)
    context: SSL.Context = field(repr=False)
    native: SSL.Session = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What was seen of one TLS connection so far.

    Whatever can be read of the handshake's messages is read from there, in TLS 1.3 with its own secrets; the rest is
    what the library was told. A field is None or empty where the connection did not come so far, or nothing shows it.

    Args:
        address: The (host, port) connected to.
        server_name: The name sent as SNI, or asked for as an IP address; None if none was sent.
        ok: The handshake finished and nothing fatal has followed. Under TLS 1.3 a server refuses a client certificate
            only after this client has finished (RFC 8446 section 4.4.2.4), so look after reading from it.
        failure: The kind of failure.
        error: The failure in words.
        stage: How far it came.
        protocol: "TLSv1.3", as the ServerHello selected it.
        cipher_suite: The OpenSSL name.
        cipher_bits: Strength of the cipher in bits.
        group: The group of the key exchange by registry name; None for finite-field DHE of TLS 1.2, see `dh_prime`.
        dh_prime: The prime of a finite-field ServerKeyExchange.
        signature: The scheme by which the server signed its ServerKeyExchange (TLS 1.2) or the handshake (TLS 1.3);
            None where it did not, and before TLS 1.2, which does not name it.
        alpn: The application protocol selected.
        resumed_by: How an earlier session was taken up, "ticket" or "session id"; None where none was.
        session: What to pass to resume this one; None as long as the server gave nothing to resume.
        session_id: The session id of the ServerHello in lower-case hex, TLS 1.2 and older.
        tickets: How many session tickets came.
        compression: "NULL", "DEFLATE" or the registry number of the method.
        secure_renegotiation: Whether the server supports RFC 5746; None under TLS 1.3, which has no renegotiation.
        renegotiations: How many were finished; `cipher_suite` is then that of the last.
        certificates: The chain as sent, DER, the server's own first.
        verification: The verdict on the chain.
        ocsp_response: The OCSP response that the server stapled, DER; empty where none was asked for, or none came.
        demands: Every demand of the server for a client certificate, in order.
        client_ca_names: The names in the server's last demand, as RFC 4514 strings.
        alerts_sent: By this client.
        alerts_received: From the server.
        peer_closed: The server ended or reset the TCP connection.
        plain_reply: The first bytes of a peer that does not speak TLS.
        timings: Seconds from the start to "connect" (TCP) and "handshake" (finished).
        bytes_in: Bytes received on the wire.
        bytes_out: Bytes sent on the wire.
        transcript: Every record of both directions.
    """

    address: tuple[str, int]
    server_name: str | None = None
    ok: bool = False
    failure: Failure | None = None
    error: str | None = None
    stage: Stage = "connect"
    protocol: str | None = None
    cipher_suite: str | None = None
    cipher_bits: int | None = None
    group: str | None = None
    dh_prime: int | None = field(default=None, repr=False)
    signature: str | None = None
    alpn: str | None = None
    resumed_by: Resumption | None = None
    session: Session | None = None
    session_id: str | None = None
    tickets: int = 0
    compression: str | None = None
    secure_renegotiation: bool | None = None
    renegotiations: int = 0
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    verification: Verification = NOT_JUDGED
    ocsp_response: bytes = field(default=b"", repr=False)
    demands: tuple[CertificateDemand, ...] = ()
    client_ca_names: tuple[str, ...] = ()
    alerts_sent: tuple[Alert, ...] = ()
    alerts_received: tuple[Alert, ...] = ()
    peer_closed: bool = False
    plain_reply: bytes | None = None
    timings: dict[str, float] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0
    transcript: Transcript = field(default_factory=Transcript, repr=False)

    @property
    def offered_protocols(self) -> tuple[str, ...]:
        """The protocols that the client offered, as far as it said: up to TLS 1.2 a client tells its newest alone."""
        hello = self.transcript.client_hello
        return () if hello is None else tuple(map(protocol_name, hello.versions))

    @property
    def tickets_taken(self) -> bool:
        """Whether the client said that it takes session tickets; under TLS 1.3 there is nothing else to take."""
        hello = self.transcript.client_hello
        return self.protocol == "TLSv1.3" or (hello is not None and EXTENSIONS["session_ticket"] in hello.extensions)

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was taken up."""
        return self.resumed_by is not None

    @property
    def client_certificate_requested(self) -> bool:
        """Whether the server demanded a client certificate, at any time."""
        return bool(self.demands)

    @property
    def client_certificate_sent(self) -> bool:
        """Whether one was sent (not the empty list)."""
        return any(one.answered for one in self.demands)

    @property
    def dh_bits(self) -> int | None:
        """The size of the Diffie-Hellman prime, None where the key exchange used none or did not show it."""
        return None if self.dh_prime is None else self.dh_prime.bit_length()

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates as sent, the server's own first; PkiError where one cannot be read."""
        return tuple(map(read_certificate, self.certificates))

    @property
    def leaf(self) -> x509.Certificate | None:
        """The server's own certificate; PkiError where it cannot be read."""
        return read_certificate(self.certificates[0]) if self.certificates else None

    @property
    def names(self) -> tuple[str, ...]:
        """The DNS names and IP addresses that the server's certificate is for."""
        leaf = self.leaf
        return () if leaf is None else hostname.certificate_names(leaf)

    @property
    def hostname_ok(self) -> bool | None:
        """Whether the certificate is for `server_name`; None without a name or a certificate."""
        if self.server_name is None or not self.certificates:
            return None
        return hostname.matches(self.names, self.server_name)

    @property
    def stapled(self) -> Stapled | None:
        """What the stapled OCSP response says; None without one. PkiError where it is none."""
        return read_stapled(self.ocsp_response) if self.ocsp_response else None

    @property
    def close_notify_received(self) -> bool:
        """Whether the server said that it sends no more (RFC 8446 section 6.1)."""
        return any(alert.name == "close_notify" for alert in self.alerts_received)

    @property
    def close_notify_sent(self) -> bool:
        """Whether this client said so."""
        return any(alert.name == "close_notify" for alert in self.alerts_sent)

    @property
    def unexpected_eof(self) -> bool:
        """Whether the server ended a finished TLS session without close_notify: a truncated answer looks the same."""
        return self.stage == "after" and self.failure is None and self.peer_closed and not self.close_notify_received

    def __str__(self) -> str:
        """Several lines for a person; the transcript prints on its own."""
        host, port = self.address
        asked = f" as {self.server_name}" if self.server_name else ""
        verdict = "ok" if self.ok else f"failed at stage {self.stage}: {self.error}"
        lines = [f"TLS handshake with {host}:{port}{asked}: {verdict}"]
        lines += [f"  {line}" for line in (*self._session_lines(), *self._certificate_lines(), *self._end_lines())]
        return "\n".join(lines)

    def _session_lines(self) -> list[str]:
        if self.protocol is None:
            return [f"plain reply: {self.plain_reply[:100]!r}"] if self.plain_reply is not None else []
        bits = "" if self.cipher_bits is None else f" ({self.cipher_bits} bits)"
        parts = [self.protocol, f"{self.cipher_suite}{bits}"]
        if self.group:
            parts.append(f"group {self.group}")
        if self.dh_bits:
            parts.append(f"DH {self.dh_bits} bits")
        if self.signature:
            parts.append(f"signed {self.signature}")
        if self.alpn:
            parts.append(f"ALPN {self.alpn}")
        parts.append(f"resumed by {self.resumed_by}" if self.resumed else "new session")
        return [", ".join(parts)]

    def _certificate_lines(self) -> list[str]:
        lines = []
        if self.certificates:
            try:
                subject = "" if self.leaf is None else self.leaf.subject.rfc4514_string()
                names = ", ".join(self.names) or "no names"
                wrong = f", NOT for {self.server_name}" if self.hostname_ok is False else ""
            except PkiError as error:
                subject, names, wrong = "not readable", str(error), ""
            lines.append(f"certificate {subject} ({names}){wrong}, {len(self.certificates)} sent, {self.verification}")
        if self.ocsp_response:
            try:
                lines.append(f"stapled OCSP response: {self.stapled}")
            except PkiError as error:
                lines.append(f"stapled OCSP response that cannot be read: {error}")
        return [*lines, *(f"client certificate demanded {one}" for one in self.demands)]

    def _end_lines(self) -> list[str]:
        lines = []
        if self.alerts_sent or self.alerts_received:
            sent, received = (
                ", ".join(map(str, alerts)) or "none" for alerts in (self.alerts_sent, self.alerts_received)
            )
            lines.append(f"alerts sent: {sent}; received: {received}")
        if self.unexpected_eof:
            lines.append("the server closed without close_notify")
        spent = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in self.timings.items())
        lines.append(f"{spent or 'no connection'}; {self.bytes_in} bytes in, {self.bytes_out} out")
        return lines
