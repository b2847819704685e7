"""From what was observed of a connection to the Handshake that tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from OpenSSL import crypto

from pytest_modssl.tls import names
from pytest_modssl.tls.handshake import Failure, Handshake, Resumption, Session, Stage
from pytest_modssl.tls.messages import TLS13, Alert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.tls.engine import Engine
    from pytest_modssl.tls.messages import CertificateVerify, ServerHello, ServerKeyExchange
    from pytest_modssl.tls.transcript import Recorder

PRE_SHARED_KEY = names.EXTENSIONS["pre_shared_key"]
SESSION_TICKET = names.EXTENSIONS["session_ticket"]
SESSION_ID_BYTES = 32
"""The longest session id (RFC 5246 section 7.4.1.2).

Under TLS 1.3 a server that keeps its sessions gives their id as ticket: OpenSSL one of 32 bytes
(construct_stateful_ticket in ssl/statem/statem_srvr.c). A ticket that carries its session is longer: the name of its
key, an initialisation vector and a MAC have 64 bytes alone (RFC 5077 section 4).
"""
RENEGOTIATION_INFO = names.EXTENSIONS["renegotiation_info"]


@dataclass(slots=True)
class Course:
    """How far a connection came, and how it ended; filled in by the client as it goes."""

    address: tuple[str, int]
    started: float = 0.0
    connected: bool = False
    completed: bool = False
    failure: Failure | None = None
    error: str | None = None
    peer_closed: bool = False
    plain_reply: bytes | None = None
    timings: dict[str, float] = field(default_factory=dict)


def summary(course: Course, engine: Engine, recorder: Recorder) -> Handshake:
    """The Handshake as things stand."""
    told, hello = engine.told, recorder.server_hello
    read = [name for direction, name in told.names if direction == "received"]
    return Handshake(
        address=course.address,
        server_name=engine.server_name,
        ok=course.completed and course.failure is None,
        failure=course.failure,
        error=course.error,
        stage=_stage(course, hello),
        **({} if hello is None else _selection(hello, engine, recorder)),
        tickets=read.count("NewSessionTicket"),
        session=_session(hello, engine, tickets="NewSessionTicket" in read) if course.completed else None,
        certificates=_certificates(engine, recorder),
        verification=told.verdict,
        ocsp_response=told.status,
        demands=tuple(told.demands),
        client_ca_names=engine.client_ca_names() if told.demands else (),
        alerts_sent=alerts(told.alerts_sent, recorder.sent.alerts),
        alerts_received=alerts(told.alerts_received, recorder.received.alerts),
        peer_closed=course.peer_closed,
        plain_reply=course.plain_reply,
        timings=dict(course.timings),
        bytes_in=recorder.received.length,
        bytes_out=recorder.sent.length,
        transcript=recorder.transcript(),
    )


def alerts(told: Sequence[int], clear: Sequence[Alert]) -> tuple[Alert, ...]:
    """The alerts of one direction: those in clear records, then those that only the library could read.

    Clear alerts come before encrypted ones in any direction, and the library tells of all that it reads, as
    level * 256 + description (SSL_CTX_set_info_callback(3)).
    """
    return (*clear, *(Alert(*divmod(value, 256)) for value in told[len(clear) :]))


def _stage(course: Course, hello: ServerHello | None) -> Stage:
    if course.completed:
        return "after"
    if hello is not None:
        return "handshake"
    return "hello" if course.connected else "connect"


def _selection(hello: ServerHello, engine: Engine, recorder: Recorder) -> dict[str, Any]:
    """What the ServerHello and, up to TLS 1.2, the ServerKeyExchange selected."""
    library = engine.library
    tls13 = hello.version == TLS13
    exchange = None if tls13 else recorder.server_key_exchange()
    group = _group(hello, exchange)
    renegotiations = 0 if tls13 else engine.renegotiations()
    return {
        "protocol": names.protocol_name(hello.version),
        "cipher_suite": library.get_cipher_name() if renegotiations else names.cipher_suite_name(hello.cipher_suite),
        "cipher_bits": library.get_cipher_bits(),
        # A renegotiation is encrypted: what it agreed on beside the suite is not seen.
        "group": None if group is None or renegotiations else names.group_name(group),
        "dh_prime": exchange.prime if exchange is not None and exchange.kind == "dhe" and not renegotiations else None,
        "signature": None if renegotiations else _signature(exchange, recorder.certificate_verify()),
        "alpn": library.get_alpn_proto_negotiated().decode("ascii", "replace") or None,
        "resumed_by": _resumption(hello, recorder),
        "session_id": None if tls13 else hello.session_id.hex(),
        "compression": names.compression_name(hello.compression),
        "secure_renegotiation": None if tls13 else RENEGOTIATION_INFO in hello.extensions,
        "renegotiations": renegotiations,
    }


def _group(hello: ServerHello, exchange: ServerKeyExchange | None) -> int | None:
    return hello.group if exchange is None else exchange.group


def _signature(exchange: ServerKeyExchange | None, verify: CertificateVerify | None) -> str | None:
    """The scheme of the server's signature: of its key exchange up to TLS 1.2, of the whole handshake in TLS 1.3."""
    scheme = exchange.signature_scheme if exchange is not None else verify.scheme if verify is not None else None
    return None if scheme is None else names.signature_scheme_name(scheme)


def _resumption(hello: ServerHello, recorder: Recorder) -> Resumption | None:
    """How the server took up the session that was offered; None where it did not.

    TLS 1.3 selects a pre-shared key (RFC 8446 section 4.2.11); before, the server gives back the session id of the
    ClientHello (RFC 5246 section 7.4.1.3), which a client invents where it offers a ticket (RFC 5077 section 3.4).
    """
    selected = hello.version != TLS13 or PRE_SHARED_KEY in hello.extensions
    offer = recorder.client_hello() if selected else None
    if offer is None:
        return None
    if hello.version == TLS13:
        return "session id" if len(offer.psk_identity) <= SESSION_ID_BYTES else "ticket"
    if not hello.session_id or hello.session_id != offer.session_id:
        return None
    return "ticket" if offer.extensions.get(SESSION_TICKET) else "session id"


def _session(hello: ServerHello | None, engine: Engine, *, tickets: bool) -> Session | None:
    """The session, where the server gave what it takes to resume it: a ticket, or up to TLS 1.2 a session id."""
    if hello is None or not (tickets or (hello.version != TLS13 and hello.session_id)):
        return None
    return engine.session(names.protocol_name(hello.version))


def _certificates(engine: Engine, recorder: Recorder) -> tuple[bytes, ...]:
    """The chain as sent: from the message, or from the library where that could not be read."""
    read = recorder.certificates()
    if read is not None:
        return read
    # Not as `cryptography` has them, which cannot read every certificate that OpenSSL takes.
    chain = engine.library.get_peer_cert_chain() or ()
    return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in chain)
