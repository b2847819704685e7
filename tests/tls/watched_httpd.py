"""A real httpd with a virtual host for each behaviour that the client must tell, and raw peers beside it."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.pki import CA, LeafCert, dh_parameters, self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_modssl import Server
    from pytest_modssl.targets.local import LocalTarget

NAME = "www.example.test"

HOSTS = {
    "any": "SSLOptions +StdEnvVars",
    "tls13": "SSLProtocol TLSv1.3",
    "tls13-kept": "SSLProtocol TLSv1.3\nSSLSessionTickets off",
    "tls12": "SSLProtocol TLSv1.2",
    "tls12-session-id": "SSLProtocol TLSv1.2\nSSLSessionTickets off",
    "tls10": "SSLProtocol +TLSv1 +TLSv1.1\nSSLCipherSuite DEFAULT:@SECLEVEL=0",
    "ccm": "SSLCipherSuite TLSv1.3 TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256\nSSLCipherSuite ALL:@SECLEVEL=0",
    "one-cipher": "SSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256",
    "p256": "SSLOpenSSLConfCmd Curves P-256",
    "dh1024": "SSLProtocol TLSv1.2\nSSLCipherSuite DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
    "require": "SSLVerifyClient require\nSSLCACertificateFile ${MODSSL_PKI}/ca.pem",
    "private": "SSLCACertificateFile ${MODSSL_PKI}/ca.pem\n<Files private.html>\nSSLVerifyClient require\n</Files>",
    "expired": "",
    "self-signed": "",
    "unclean": 'SetEnvIf Request_URI "^/unclean" nokeepalive ssl-unclean-shutdown',
}
PORTS = {host: port for port, host in enumerate([*HOSTS, "plain"], 8443)}
"""The port of each host; nobody speaks TLS on that of "plain"."""


@dataclass(frozen=True)
class WatchedHttpd:
    """Where each host listens, and the certificates in play."""

    server: Server
    ca: CA
    client: LeafCert

    def address(self, host: str) -> tuple[str, int]:
        return self.server.address(PORTS[host])

    @property
    def trust(self) -> tuple[bytes, ...]:
        return (self.ca.cert_pem.bytes(),)

    @property
    def client_certificate(self) -> tuple[bytes, bytes]:
        return self.client.cert_file_pem.bytes(), self.client.key_file_pem.bytes()


@contextlib.contextmanager
def watched_httpd(target: LocalTarget) -> Iterator[WatchedHttpd]:
    """A running httpd that ends with the block."""
    ca = CA(common_name="Watched Root")
    server = target.launch(_config(ca))
    try:
        yield WatchedHttpd(server, ca, ca.issue_client("Alice", emails=("alice@example.test",)))
    finally:
        server.stop()


def _config(ca: CA) -> ServerConfig:
    leaf = ca.issue(NAME, key_type="rsa-2048")
    now = dt.datetime.now(dt.timezone.utc)
    begun, ended = now - dt.timedelta(days=20), now - dt.timedelta(days=10)
    special = {
        "expired": ca.issue(NAME, not_before=begun, not_after=ended),
        "self-signed": self_signed(NAME),
        "dh1024": leaf.with_dh_parameters(dh_parameters("rfc2409-1024")),
    }
    pages = dict.fromkeys(("index.html", "unclean.html", "private.html"), "hello\n")
    hosts = [
        VirtualHost(NAME, port=PORTS[host], tls=special.get(host, leaf), directives=directives, files=pages)
        for host, directives in HOSTS.items()
    ]
    other = VirtualHost("other.example.test", port=PORTS["any"], tls=ca.issue("other.example.test"))
    return ServerConfig(
        *hosts,
        other,
        directives='SSLSessionCache "shmcb:${MODSSL_RUN}/sessions"\nKeepAliveTimeout 60',
        pki={"ca.pem": ca.cert_pem},
        listen=tuple(PORTS.values()),
    )


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in sockets]


@contextlib.contextmanager
def raw_peer(serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """The address of a peer that treats one connection as `serve` says, then closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            with contextlib.suppress(OSError):  # wakes a peer that nobody came to
                socket.create_connection(listener.getsockname(), timeout=1).close()
            thread.join(10)


@contextlib.contextmanager
def tls_peer(leaf: LeafCert, serve: Callable[[ssl.SSLSocket], None]) -> Iterator[tuple[str, int]]:
    """The address of a peer of Python's ssl that treats one connection as `serve` says, then drops it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = leaf.private_key_and_cert_chain_pem.write_to_path(Path(folder) / "both.pem")
        context.load_cert_chain(path)

    def shake(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as session:
            serve(session)

    with raw_peer(shake) as address:
        yield address
