"""TLS as a back end speaks it: a certificate for the name that is asked for, and a client certificate if there is one.

pyOpenSSL and not `ssl`, which cannot take a client certificate without judging it: whose it is must be told, whoever
issued it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from cryptography import x509
from OpenSSL import SSL, crypto

from pytest_modssl.backends.streams import CHUNK
from pytest_modssl.certificates import UNREADABLE
from pytest_modssl.errors import PkiError
from pytest_modssl.pki.names import server_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.backends.streams import Stream
    from pytest_modssl.pki import CA

# Contexts with a certificate of their own that are kept: one has some 50 kB, and names may come from clients.
_KEPT: Final = 1000
# What a proxy may have been made to speak by SSLProxyProtocol and SSLProxyCipherSuite is not for a stand-in to refuse.
_COMMON_NAME: Final = "pytest-modssl stand-in"
_CIPHERS: Final = b"ALL:@SECLEVEL=0"


class Certificates:
    """Contexts by the names that their certificates are for.

    Args:
        ca: who issues them.
    """

    def __init__(self, ca: CA) -> None:
        self._ca = ca
        self._contexts: dict[tuple[str, ...], SSL.Context] = {}

    def context(self, host: str) -> SSL.Context:
        """The context of a back end: its certificate is for its own name and for the one that a handshake asks for.

        The second is what a proxy compares with where `ProxyPreserveHost` is on (manual page mod_ssl,
        SSLProxyCheckPeerName).
        """
        return self._for((host,))

    def _for(self, names: tuple[str, ...]) -> SSL.Context:
        if names not in self._contexts:
            if len(self._contexts) >= _KEPT:
                del self._contexts[next(iter(self._contexts))]
            self._contexts[names] = self._new(names)
        return self._contexts[names]

    def _named(self, host: str, connection: SSL.Connection) -> None:
        asked = connection.get_servername()
        if asked is not None and (name := asked.decode("latin-1").lower()) != host:
            connection.set_context(self._for((host, name)))

    def _new(self, names: tuple[str, ...]) -> SSL.Context:
        leaf = self._ca.issue(*filter(_can_be_certified, names), common_name=_COMMON_NAME)
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_VERSION)
        context.set_cipher_list(_CIPHERS)
        context.use_privatekey(leaf.private_key.signing_key)
        context.use_certificate(leaf.certificate)
        for one in leaf.chain:
            context.add_extra_chain_cert(one)
        context.set_tlsext_servername_callback(partial(self._named, names[0]))
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        # Every handshake is a whole one, so that each shows its client certificate.
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_TICKET)
        return context


@dataclass(frozen=True, slots=True)
class Session:
    """What a handshake agreed on, as the attributes of `BackendRequest`; nothing where there was none."""

    sni: str | None = None
    tls: str | None = None
    client_certificate: str | None = None
    client_subject: str | None = None


class Tls:
    """A stream under TLS, on the server's side.

    Args:
        below: the stream that carries it.
        context: as of `Certificates.context`.
    """

    def __init__(self, below: Stream, context: SSL.Context) -> None:
        self._below = below
        self._connection = SSL.Connection(context, None)
        self._connection.set_accept_state()

    async def shake(self) -> Session:
        """What the handshake agreed on.

        Raises:
            SSL.Error: it failed; the alert is on its way.
        """
        await self._run(self._connection.do_handshake)
        asked = self._connection.get_servername()
        certificate = self._connection.get_peer_certificate()
        pem = None if certificate is None else crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)
        return Session(
            sni=None if asked is None else asked.decode("latin-1"),
            tls=self._connection.get_protocol_version_name(),
            client_certificate=None if pem is None else pem.decode(),
            client_subject=None if pem is None else _subject(pem),
        )

    async def receive(self) -> bytes:
        """The next bytes; none where the other side has ended.

        Raises:
            SSL.Error: what came is no TLS.
        """
        try:
            return await self._run(lambda: self._connection.recv(CHUNK)) or b""
        except (SSL.ZeroReturnError, SSL.SysCallError):
            return b""

    async def send(self, data: bytes) -> None:
        """Returns when the bytes are on their way."""
        left = memoryview(data)
        while left:
            # pyOpenSSL has SSL_MODE_ENABLE_PARTIAL_WRITE on: at most one record is taken at a time.
            left = left[self._connection.send(left) :]
            await self._flush()

    async def end(self) -> None:
        """Sends close_notify."""
        self._connection.shutdown()
        await self._flush()

    async def _run(self, step: Callable[[], bytes | None]) -> bytes | None:
        while True:
            try:
                return step()
            except SSL.WantReadError:
                await self._flush()
                data = await self._below.receive()
                if data:
                    self._connection.bio_write(data)
                else:
                    self._connection.bio_shutdown()
            finally:
                await self._flush()

    async def _flush(self) -> None:
        try:
            while data := self._connection.bio_read(CHUNK):
                await self._below.send(data)
        except SSL.WantReadError:
            pass


def _subject(pem: bytes) -> str:
    """The subject of a certificate; OpenSSL takes some that `cryptography` cannot read."""
    try:
        return x509.load_pem_x509_certificate(pem).subject.rfc4514_string()
    except (*UNREADABLE, Warning) as error:
        return f"that cannot be read: {error}"


def _can_be_certified(name: str) -> bool:
    try:
        server_name(name)
    except PkiError:
        return False
    return True
