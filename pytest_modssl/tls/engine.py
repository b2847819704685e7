"""The TLS library without a socket: records in, records out, and everything that it tells about itself on the way.

One record is given to the library at a time, so what it reports (state, alert, certificate verdict) belongs to the
record that it has just read. That is how records that nobody else can read get their names in the transcript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from OpenSSL import SSL

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import hostname
from pytest_modssl.tls.context import Settings, context_for
from pytest_modssl.tls.demand import CertificateDemand
from pytest_modssl.tls.handshake import NOT_JUDGED, Session, Verification
from pytest_modssl.tls.messages import TLS13, Alert

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from OpenSSL import crypto

    from pytest_modssl.tls.demand import How
    from pytest_modssl.tls.transcript import Direction, Recorder

T = TypeVar("T")

STATES = {
    "TLSv1.3 read encrypted extensions": "EncryptedExtensions",
    "SSLv3/TLS read server certificate request": "CertificateRequest",
    "SSLv3/TLS read server certificate": "Certificate",
    "TLSv1.3 read server certificate verify": "CertificateVerify",
    "SSLv3/TLS read finished": "Finished",
    "SSLv3/TLS read server session ticket": "NewSessionTicket",
    "SSLv3/TLS write client hello": "ClientHello",
    "SSLv3/TLS write client certificate": "Certificate",
    "SSLv3/TLS write client key exchange": "ClientKeyExchange",
    "SSLv3/TLS write certificate verify": "CertificateVerify",
    "SSLv3/TLS write finished": "Finished",
}
"""Handshake messages by the state that OpenSSL is in once it has read or written them.

Source: SSL_state_string_long() in OpenSSL's ssl/ssl_stat.c, equal in 1.1.1, 3.0, 3.5 and 4.0.
"""

READ = 65_536
"""Bytes taken from the library at a time: more than a flight of any usual chain."""


@dataclass(slots=True)
class Told:
    """What the library reported through its callbacks."""

    recorder: Recorder
    names: list[tuple[Direction, str]] = field(default_factory=list)
    demands: list[CertificateDemand] = field(default_factory=list)
    alerts_sent: list[int] = field(default_factory=list)
    alerts_received: list[int] = field(default_factory=list)
    verdict: Verification = NOT_JUDGED
    status: bytes = b""
    abort: bool = False
    last_state: str = ""
    finished: int = 0
    keys: list[bytes] | None = None

    def state(self, state: str) -> None:
        """Take note of a state; the library repeats one when it waits, so only a change counts."""
        if state == self.last_state:
            return
        self.last_state = state
        message = STATES.get(state)
        if message is None:
            return
        direction: Direction = "sent" if " write " in state else "received"
        self.names.append((direction, message))
        self.recorder.name_encrypted(direction, message)
        if (direction, message) == ("received", "CertificateRequest"):
            self.demands.append(CertificateDemand(self._how()))
        elif (direction, message) == ("sent", "CertificateVerify") and self.demands:
            self.demands[-1] = replace(self.demands[-1], answered=True)

    def _how(self) -> How:
        """How a certificate is demanded that is demanded now."""
        if not self.finished:
            return "handshake"
        hello = self.recorder.server_hello
        return "post-handshake" if hello is not None and hello.version == TLS13 else "renegotiation"


class Engine:
    """One client connection of the TLS library over memory buffers.

    Args:
        settings: What to offer and accept.
        server_name: For SNI (not sent where it is an IP address).
        alpn: Application protocols to offer, in order.
        session: An earlier session to offer.
        recorder: Is given every byte sent.
    """

    def __init__(
        self,
        settings: Settings,
        server_name: str | None,
        alpn: Sequence[str],
        session: Session | None,
        recorder: Recorder,
    ) -> None:
        if session is not None and session.settings != settings:
            raise TlsError(
                "session: it was made under other settings, and OpenSSL resumes a session only under those it was made "
                f"under. Then: {session.settings}. Now: {settings}. Pass the same options (server_name, alpn and "
                "timeout may differ)."
            )
        self.settings = settings
        self.server_name = server_name
        self.recorder = recorder
        self.told = Told(recorder, abort=settings.verify == "abort")
        self.context = (
            context_for(settings, _on_certificate, _on_secret, _on_status) if session is None else session.context
        )
        self.library = connection = SSL.Connection(self.context)
        connection.set_app_data(self.told)
        connection.set_info_callback(_on_info)
        if server_name is not None and not hostname.is_address(server_name):
            connection.set_tlsext_host_name(hostname.to_ascii(server_name).encode())
        if alpn:
            connection.set_alpn_protos([protocol.encode() for protocol in alpn])
        if settings.status_request:
            connection.request_ocsp()
        if session is not None:
            connection.set_session(session.native)
        connection.set_connect_state()

    def output(self) -> bytes:
        """The bytes that the library wants on the wire, once."""
        chunks = []
        while True:
            try:
                chunks.append(self.library.bio_read(READ))
            except SSL.WantReadError:
                break
        return b"".join(chunks)

    def attempt(self, operation: Callable[[], T]) -> tuple[bool, T | None]:
        """Try an operation of the library: (True, its result), or (False, None) where it needs another record."""
        try:
            return True, operation()
        except SSL.WantReadError:
            self.told.state(self.library.get_state_string().decode())
            return False, None

    def session(self, protocol: str | None) -> Session | None:
        """The session as it stands, to be resumed later."""
        native = self.library.get_session()
        if native is None:
            return None
        return Session(protocol, self.server_name, self.settings, self.context, native)

    def renegotiations(self) -> int:
        """How many renegotiations were finished."""
        return max(self.told.finished - 1, 0)

    def client_ca_names(self) -> tuple[str, ...]:
        """The names in the server's certificate request, as RFC 4514 strings."""
        return tuple(_distinguished_name(name.get_components()) for name in self.library.get_client_ca_list())


def _distinguished_name(components: Sequence[tuple[bytes, bytes]]) -> str:
    """RFC 4514 section 2: the last attribute first, and special characters escaped."""
    pairs = ((key.decode("ascii", "replace"), value.decode("utf-8", "replace")) for key, value in reversed(components))
    return ",".join(f"{key}=" + re.sub(r'([,+"\\<>;]|^[ #]| $)', r"\\\1", value) for key, value in pairs)


def _on_info(connection: SSL.Connection, where: int, value: int) -> None:
    told: Told = connection.get_app_data()
    if where & SSL.SSL_CB_ALERT:
        alerts = told.alerts_received if where & SSL.SSL_CB_READ else told.alerts_sent
        alerts.append(value)
        direction: Direction = "received" if where & SSL.SSL_CB_READ else "sent"
        told.recorder.name_encrypted(direction, f"Alert {Alert(*divmod(value, 256))}")
    elif where & SSL.SSL_CB_HANDSHAKE_DONE:
        told.finished += 1
    elif where & SSL.SSL_CB_LOOP:
        told.state(connection.get_state_string().decode())


def _on_secret(connection: SSL.Connection, line: bytes) -> None:
    told: Told = connection.get_app_data()
    told.recorder.secrets.note(line)
    if told.keys is not None:
        told.keys.append(line)


def _on_certificate(connection: SSL.Connection, _certificate: crypto.X509, code: int, depth: int, ok: int) -> bool:
    told: Told = connection.get_app_data()
    if ok:
        if told.verdict.ok is None:
            told.verdict = Verification(ok=True)
        return True
    if told.verdict.ok is not False:  # the first error is the cause, later ones follow from it
        told.verdict = Verification(ok=False, code=code, reason=_reason(code), depth=depth)
    return not told.abort


def _on_status(connection: SSL.Connection, response: bytes, _data: object) -> bool:
    """Takes note of the stapled response, or of its absence; what it says is for tests to judge."""
    told: Told = connection.get_app_data()
    told.status = response
    return True


def _reason(code: int) -> str:
    for name, value in vars(SSL.X509VerificationCodes).items():
        if value == code and name.startswith("ERR_"):
            return name.removeprefix("ERR_").replace("_", " ").lower()
    return "refused by OpenSSL"
