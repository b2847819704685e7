"""How a TLS client is set up: the options of `connect()` as one value, and the OpenSSL context made from it once.

Making a context costs more than most handshakes' own Python code (measured: 0.06 ms bare, 0.3 ms with trust and client
certificate), and a context may not change after its first connection. So equal settings share one context: that is
sound because nothing that belongs to one connection (server name, ALPN, session, observation) lives in the context, and
because a client context keeps no session of its own (`SSL_SESS_CACHE_SERVER` is OpenSSL's default).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypedDict

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import _binding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_modssl.recording import Recording
    from pytest_modssl.tls.handshake import Session

VERSIONS = {
    "TLSv1": SSL.TLS1_VERSION,
    "TLSv1.1": SSL.TLS1_1_VERSION,
    "TLSv1.2": SSL.TLS1_2_VERSION,
    "TLSv1.3": SSL.TLS1_3_VERSION,
}
"""Protocols that the client can speak, oldest first; OpenSSL is built without SSLv3 in the wheels of `cryptography`."""

NO_AUTO_CHAIN = 0x00000008
"""SSL_MODE_NO_AUTO_CHAIN (OpenSSL 3.0, include/openssl/ssl.h): send the certificates given, and no others."""


class ConnectOptions(TypedDict, total=False):
    """The keyword arguments of `connect()`, for those who pass them on."""

    protocol: str | tuple[str, str] | None
    ciphers: str | None
    ciphersuites: str | None
    groups: Sequence[str]
    signature_schemes: Sequence[str]
    alpn: Sequence[str]
    trust: Sequence[bytes]
    verify: Literal["record", "abort"]
    client_certificate: tuple[bytes, bytes] | None
    post_handshake_auth: bool
    status_request: bool
    session: Session | None
    tickets: bool
    security_level: int | None
    timeout: float
    recording: Recording | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that distinguishes one client context from another; sessions are resumed under equal settings only."""

    protocol: str | tuple[str, str] | None = None
    ciphers: str | None = None
    ciphersuites: str | None = None
    groups: tuple[str, ...] = ()
    signature_schemes: tuple[str, ...] = ()
    trust: tuple[bytes, ...] = field(default=(), repr=False)
    verify: Literal["record", "abort"] = "record"
    client_certificate: tuple[bytes, bytes] | None = field(default=None, repr=False)
    post_handshake_auth: bool = False
    status_request: bool = False
    tickets: bool = True
    security_level: int | None = None

    @property
    def versions(self) -> tuple[str | None, str | None]:
        """The lowest and the highest protocol to offer; None leaves an end to OpenSSL."""
        low, high = self.protocol if isinstance(self.protocol, tuple) else (self.protocol, self.protocol)
        for name in (low, high):
            if name is not None and name not in VERSIONS:
                raise TlsError(
                    f"protocol={self.protocol!r}: this client speaks {', '.join(VERSIONS)}, one of them or a pair "
                    "(lowest, highest). For SSLv3 send a raw hello with probe()."
                )
        return low, high

    @property
    def level(self) -> int | None:
        """The OpenSSL security level to set; None leaves the library's own.

        TLS 1.0 and 1.1 need level 0 (SSL_CTX_set_security_level(3), since OpenSSL 3.0), so asking for one of them asks
        for that too.
        """
        if self.security_level is None and self.versions[0] in ("TLSv1", "TLSv1.1"):
            return 0
        return self.security_level


# Threads that begin at once wait for one to make it: to check a client's RSA key of 2048 bits takes OpenSSL 0.1 s, one
# of 4096 bits 0.9 s (measured with OpenSSL 4.0).
_making = Lock()


def context_for(
    settings: Settings,
    on_certificate: Callable[..., bool],
    on_secret: Callable[[SSL.Connection, bytes], None],
    on_status: Callable[..., bool],
) -> SSL.Context:
    """The client context for these settings, made on first use.

    Args:
        settings: What to offer and accept.
        on_certificate: pyOpenSSL's verification callback; the same function object for all, or nothing is shared.
        on_secret: its callback for lines of the key log, likewise.
        on_status: its callback for the stapled OCSP response, likewise.

    Raises:
        TlsError: A setting that OpenSSL does not understand, or key material that it cannot use.
    """
    with _making:
        return _context(settings, on_certificate, on_secret, on_status)


@lru_cache(maxsize=64)
def _context(
    settings: Settings,
    on_certificate: Callable[..., bool],
    on_secret: Callable[[SSL.Connection, bytes], None],
    on_status: Callable[..., bool],
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    low, high = settings.versions
    if low is not None:
        context.set_min_proto_version(VERSIONS[low])
    if high is not None:
        context.set_max_proto_version(VERSIONS[high])
    _set_ciphers(context, settings)
    if settings.groups:
        _binding.set_groups(context, settings.groups)
    if settings.signature_schemes:
        _binding.set_signature_schemes(context, settings.signature_schemes)
    if not settings.tickets:
        context.set_options(SSL.OP_NO_TICKET)
    if settings.status_request:
        context.set_ocsp_client_callback(on_status)
    if settings.post_handshake_auth:
        _binding.allow_post_handshake_authentication(context)
    _set_trust(context, settings.trust)
    context.set_verify(SSL.VERIFY_PEER, on_certificate)
    context.set_keylog_callback(on_secret)
    if settings.client_certificate is not None:
        _set_client_certificate(context, *settings.client_certificate)
    return context


def _set_ciphers(context: SSL.Context, settings: Settings) -> None:
    ciphers = settings.ciphers
    if settings.level is not None:
        ciphers = f"{ciphers or 'DEFAULT'}:@SECLEVEL={settings.level}"
    try:
        if ciphers is not None:
            context.set_cipher_list(ciphers.encode())
        if settings.ciphersuites is not None:
            context.set_tls13_ciphersuites(settings.ciphersuites.encode())
    except SSL.Error as error:
        raise TlsError(
            f"ciphers={settings.ciphers!r}, ciphersuites={settings.ciphersuites!r}, "
            f"security_level={settings.security_level!r}: OpenSSL refused them ({reason_of(error)}). "
            "`ciphers` takes the language of `openssl ciphers` for TLS 1.2 and older, `ciphersuites` names of TLS 1.3."
        ) from error


def _set_trust(context: SSL.Context, trust: Sequence[bytes]) -> None:
    store = context.get_cert_store()
    for pem in trust:
        try:
            certificates = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise TlsError(
                f"trust: {len(pem)} bytes were given that are no PEM certificate ({error}). Give roots as PEM bytes."
            ) from error
        for certificate in certificates:
            if store is not None:
                store.add_cert(crypto.X509.from_cryptography(certificate))


def _set_client_certificate(context: SSL.Context, chain_pem: bytes, key_pem: bytes) -> None:
    try:
        leaf, *issuers = x509.load_pem_x509_certificates(chain_pem)
        key = load_pem_private_key(key_pem, password=None)
        context.set_mode(NO_AUTO_CHAIN)
        context.use_certificate(leaf)
        for issuer in issuers:
            context.add_extra_chain_cert(issuer)
        context.use_privatekey(key)  # type: ignore[arg-type]  # kinds that cannot sign are refused by OpenSSL itself
        context.check_privatekey()
    except (ValueError, TypeError, SSL.Error) as error:
        reason = reason_of(error) if isinstance(error, SSL.Error) else str(error)
        raise TlsError(
            f"client_certificate cannot be used ({reason}). Give (certificate and chain, key), both PEM bytes, the "
            "leaf first, the key not encrypted and belonging to the leaf."
        ) from error


def reason_of(error: SSL.Error) -> str:
    """The last reason text in OpenSSL's error queue, as pyOpenSSL raised it ("no cipher match")."""
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    reasons = [entry[2] for entry in entries if len(entry) == 3 and entry[2]]
    return reasons[0] if reasons else (str(error) or type(error).__name__)
