"""A client that logs in by TLS-SRP (RFC 5054), which tlslite-ng speaks: `openssl s_client -srpuser` crashes on 3.x.

tlslite-ng is the optional extra `srp`, and is loaded when it is first needed.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pytest_modssl.errors import TlsError
from pytest_modssl.recording import connect
from pytest_modssl.tls import names
from pytest_modssl.tls.client import MOST
from pytest_modssl.tls.messages import Alert

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from types import ModuleType

    from pytest_modssl.recording import Recording
    from pytest_modssl.tls.handshake import Failure

SRP_PROTOCOLS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2")
"""The protocols that have SRP: TLS 1.3 has none (RFC 8446 section 1.3 replaces the key exchanges of old)."""

_CHUNK: Final = 16_384
_FATAL: Final = 2
_KINDS: Final[Mapping[type[OSError], Failure]] = {
    TimeoutError: "timeout",
    ConnectionRefusedError: "refused",
    ConnectionResetError: "reset",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SrpLogin:
    """What came of one login by TLS-SRP.

    Attributes:
        address: host and port that were connected to.
        server_name: the name that was sent as SNI.
        user: the name that was sent in clear.
        ok: the handshake finished: both sides know the same password.
        protocol: as mod_ssl names it.
        cipher_suite: by OpenSSL's name.
        certificates: how many certificates the server sent; suites that sign with a key send them, others none.
        alert: the fatal alert that the server sent.
        failure: the kind of failure, as for `Handshake`.
        error: the same in words.
        request: what was sent over it; empty for nothing.
        reply: what came back, up to the end of the connection.
        elapsed: seconds for all of it.
    """

    address: tuple[str, int]
    server_name: str | None
    user: str
    ok: bool = False
    protocol: str | None = None
    cipher_suite: str | None = None
    certificates: int = 0
    alert: Alert | None = None
    failure: Failure | None = None
    error: str | None = None
    request: bytes = field(default=b"", repr=False)
    reply: bytes = field(default=b"", repr=False)
    elapsed: float = 0.0

    def __str__(self) -> str:
        host, port = self.address
        if not self.ok:
            return f"TLS-SRP login of {self.user!r} at {host}:{port} failed: {self.error}"
        sent = f"{self.certificates} certificate(s)" if self.certificates else "no certificate"
        return f"TLS-SRP login of {self.user!r} at {host}:{port}: ok, {self.protocol}, {self.cipher_suite}, {sent}"


def srp_login(
    address: tuple[str, int],
    server_name: str | None,
    user: str,
    password: str,
    *,
    protocol: str = "TLSv1.2",
    request: bytes = b"",
    timeout: float = 10.0,
    recording: Recording | None = None,
) -> SrpLogin:
    """What comes of a login by TLS-SRP, with the suites of SRP and no others; nothing is verified but the password.

    Args:
        address: host and port to connect to.
        server_name: for SNI; `None` for none.
        user: the user's name.
        password: the password, which is kept nowhere.
        protocol: one of `SRP_PROTOCOLS`, which alone is offered.
        request: bytes to send after the handshake; the reply is read to the end of the connection.
        timeout: seconds for all of it.
        recording: keeps what goes over the wire; `None` keeps nothing.

    Raises:
        TlsError: when tlslite-ng is not there, the protocol has no SRP, user or password are empty, or the reply
            has more than 64 MiB (`MOST`). A refusal is a result.
    """
    if protocol not in SRP_PROTOCOLS:
        raise TlsError(f"{protocol} has no SRP: one of {', '.join(SRP_PROTOCOLS)}.")
    if not user or not password:
        raise TlsError("A login by TLS-SRP needs a user and a password that are not empty.")
    api, errors = _library()
    settings = api.HandshakeSettings()
    settings.minVersion = settings.maxVersion = divmod(names.PROTOCOLS[protocol], 256)
    login = SrpLogin(address=address, server_name=server_name, user=user, request=request)
    started = time.perf_counter()
    try:
        with connect(address, timeout, recording, server_name) as peer:
            connection = api.TLSConnection(_Timely(peer, time.monotonic() + timeout))
            # A close_notify that is missing is no matter of the login.
            connection.ignoreAbruptClose = True
            connection.handshakeClientSRP(user, password, settings=settings, serverName=server_name)
            chain = connection.session.serverCertChain
            login = replace(
                login,
                ok=True,
                protocol=names.protocol_name(int.from_bytes(bytes(connection.version), "big")),
                cipher_suite=names.cipher_suite_name(connection.session.cipherSuite),
                certificates=0 if chain is None else chain.getNumCerts(),
            )
            if request:
                connection.sendall(request)
                reply = bytearray()
                while len(reply) <= MOST and (data := connection.recv(_CHUNK)):
                    reply += data
                if len(reply) > MOST:
                    raise TlsError(f"The reply to a login has more than {MOST} bytes, which are not kept.")
                login = replace(login, reply=bytes(reply))
            connection.close()
    except errors.TLSRemoteAlert as error:
        alert = Alert(_FATAL, error.description)
        login = _failed(login, "alert", f"the server sent the alert {alert}", alert)
    except errors.TLSAbruptCloseError:
        login = _failed(login, "closed", "the peer closed the connection in the middle of the handshake")
    except (OSError, errors.TLSError) as error:
        kind: Failure = next((kind for known, kind in _KINDS.items() if isinstance(error, known)), "client")
        login = _failed(login, kind, f"{type(error).__name__}: {error}")
    return replace(login, elapsed=time.perf_counter() - started)


class _Timely:
    """A socket whose every operation ends at one moment, whatever its peer does."""

    def __init__(self, peer: socket.socket, deadline: float) -> None:
        self._peer = peer
        self._deadline = deadline

    def recv(self, size: int) -> bytes:
        return self._in_time().recv(size)

    def send(self, data: bytes) -> int:
        return self._in_time().send(data)

    def sendall(self, data: bytes) -> None:
        self._in_time().sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._peer, name)

    def _in_time(self) -> socket.socket:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the peer was still at it when the time was over")
        self._peer.settimeout(left)
        return self._peer


def _failed(login: SrpLogin, failure: Failure, error: str, alert: Alert | None = None) -> SrpLogin:
    return replace(login, ok=False, failure=failure, error=error, alert=alert)


def _library() -> tuple[ModuleType, ModuleType]:
    """The modules `api` and `errors` of tlslite-ng."""
    try:
        with warnings.catch_warnings():
            # It loads asyncore, where Python still has that, for a part of it that is not used here.
            warnings.simplefilter("ignore", DeprecationWarning)
            from tlslite import api, errors  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise TlsError(
            f"Speaking TLS-SRP needs tlslite-ng ({error}): pip install 'pytest-modssl[srp]'. The programs curl "
            "(--tlsauthtype SRP) and gnutls-cli speak it too."
        ) from None
    return api, errors
