"""A real httpd with a virtual host for each behaviour that the client must tell, and raw peers beside it."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.pki import CA, LeafCert, dh_parameters, self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODULES = Path("/usr/lib/apache2/modules")
NAME = "www.example.test"

HOSTS = {
    "any": "SSLOptions +StdEnvVars",
    "tls13": "SSLProtocol TLSv1.3",
    "tls12": "SSLProtocol TLSv1.2",
    "tls12-session-id": "SSLProtocol TLSv1.2\nSSLSessionTickets off",
    "tls10": "SSLProtocol +TLSv1 +TLSv1.1\nSSLCipherSuite DEFAULT:@SECLEVEL=0",
    "one-cipher": "SSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256",
    "dh1024": "SSLProtocol TLSv1.2\nSSLCipherSuite DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
    "require": "SSLVerifyClient require\nSSLCACertificateFile ${ROOT}/ca.pem",
    "private": "SSLCACertificateFile ${ROOT}/ca.pem\n<Location /private.html>\nSSLVerifyClient require\n</Location>",
    "expired": "",
    "self-signed": "",
    "unclean": 'SetEnvIf Request_URI "^/unclean" nokeepalive ssl-unclean-shutdown',
}


@dataclass(frozen=True)
class WatchedHttpd:
    """Where each host listens, and the certificates in play."""

    ports: dict[str, int]
    ca: CA
    client: LeafCert

    def address(self, host: str) -> tuple[str, int]:
        return ("127.0.0.1", self.ports[host])

    @property
    def trust(self) -> tuple[bytes, ...]:
        return (self.ca.cert_pem.bytes(),)

    @property
    def client_certificate(self) -> tuple[bytes, bytes]:
        return self.client.cert_file_pem.bytes(), self.client.key_file_pem.bytes()


@contextlib.contextmanager
def watched_httpd() -> Iterator[WatchedHttpd]:
    """A running httpd; its folder and process end with the block."""
    root = Path(tempfile.mkdtemp(prefix="modssl-tls-"))
    try:
        root.chmod(0o755)
        ca = CA(common_name="Watched Root")
        ports = _write(root, ca)
        server = WatchedHttpd(ports, ca, ca.issue_client("Alice", emails=("alice@example.test",)))
        process = subprocess.Popen(
            ["/usr/sbin/apache2", "-DFOREGROUND", "-f", str(root / "httpd.conf")],
            start_new_session=True,
            stderr=subprocess.PIPE,
        )
        try:
            for port in ports.values():
                _wait_until_listening(port, process)
            yield server
        finally:
            process.terminate()
            process.communicate(timeout=10)
    finally:
        shutil.rmtree(root)


def _write(root: Path, ca: CA) -> dict[str, int]:
    leaf = ca.issue(NAME, key_type="rsa-2048")
    now = dt.datetime.now(dt.timezone.utc)
    begun, ended = now - dt.timedelta(days=20), now - dt.timedelta(days=10)
    special = {
        "expired": ca.issue(NAME, not_before=begun, not_after=ended),
        "self-signed": self_signed(NAME),
        "dh1024": leaf.with_dh_parameters(dh_parameters("rfc2409-1024")),
    }
    ca.cert_pem.write_to_path(root / "ca.pem")
    (root / "htdocs").mkdir()
    for page in ("index.html", "unclean.html", "private.html"):
        (root / "htdocs" / page).write_text("hello\n")
    modules = ["mpm_event", "authz_core", "ssl", "socache_shmcb", "setenvif", "dir"]
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    lines = [
        *(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules),
        f"Define ROOT {root}",
        f"ServerRoot {root}\nPidFile {root}/pid\nErrorLog {root}/error.log\nLogLevel info ssl:debug\n{user}",
        f"ServerName {NAME}\nDocumentRoot {root}/htdocs\nSSLSessionCache shmcb:{root}/sessions\nKeepAliveTimeout 60",
        f"<Directory {root}/htdocs>\nRequire all granted\n</Directory>",
    ]
    ports = dict(zip([*HOSTS, "plain"], free_ports(len(HOSTS) + 1), strict=True))
    lines += [f"Listen 127.0.0.1:{port}" for port in ports.values()]
    for host, directives in HOSTS.items():
        certificate = special.get(host, leaf)
        lines.append(_host(root, host, (NAME, ports[host]), certificate, directives))
    lines.append(_host(root, "other", ("other.example.test", ports["any"]), ca.issue("other.example.test"), ""))
    (root / "httpd.conf").write_text("\n".join(lines) + "\n")
    return ports


def _host(root: Path, label: str, name_and_port: tuple[str, int], leaf: LeafCert, directives: str) -> str:
    name, port = name_and_port
    leaf.cert_file_pem.write_to_path(root / f"{label}.crt")
    leaf.key_file_pem.write_to_path(root / f"{label}.key")
    return (
        f"<VirtualHost 127.0.0.1:{port}>\nServerName {name}\nSSLEngine on\nSSLCertificateFile {root}/{label}.crt\n"
        f"SSLCertificateKeyFile {root}/{label}.key\n{directives}\n</VirtualHost>"
    )


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in sockets]


def _wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(process.communicate()[1].decode())
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
    raise AssertionError(f"nobody listens on {port}")


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
