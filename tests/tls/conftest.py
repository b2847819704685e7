"""A real httpd with one TLS host, on a loopback address of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.pki import CA, dh_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.pki import LeafCert

NAME = "www.example.test"
MODULES = ("mpm_event", "authz_core", "ssl", "unixd")
ALL_SUITES = "SSLCipherSuite ALL:@SECLEVEL=0"
"""What makes httpd accept every suite that its OpenSSL has, but anonymous, NULL and export ones."""


@dataclass(frozen=True)
class Httpd:
    address: tuple[str, int]
    root: Path

    def log(self) -> str:
        return (self.root / "error.log").read_text(encoding="utf-8", errors="replace")


class StartHttpd(Protocol):
    def __call__(self, directives: str = "", *, certificates: Sequence[LeafCert] = ()) -> Httpd: ...


@pytest.fixture(scope="session")
def tls_ca() -> CA:
    return CA(common_name="Probe Root")


@pytest.fixture(scope="session")
def rsa_leaf(tls_ca: CA) -> LeafCert:
    return tls_ca.issue(NAME, key_type="rsa-2048")


@pytest.fixture(scope="session")
def ecdsa_leaf(tls_ca: CA) -> LeafCert:
    return tls_ca.issue(NAME)


@pytest.fixture(scope="session")
def dh1024_leaf(rsa_leaf: LeafCert) -> LeafCert:
    return rsa_leaf.with_dh_parameters(dh_parameters("rfc2409-1024"))


@pytest.fixture(scope="session")
def start_httpd(tls_ca: CA, rsa_leaf: LeafCert) -> Iterator[StartHttpd]:
    """Starts httpd with these directives in its TLS host; the same ones are started once."""
    running: dict[tuple[str, tuple[str, ...]], Httpd] = {}
    with contextlib.ExitStack() as stack:

        def start(directives: str = "", *, certificates: Sequence[LeafCert] = ()) -> Httpd:
            leaves = tuple(certificates) or (rsa_leaf,)
            key = (directives, tuple(leaf.cert_file_pem.text() for leaf in leaves))
            if key not in running:
                running[key] = stack.enter_context(_running(directives, leaves, tls_ca))
            return running[key]

        yield start


@contextlib.contextmanager
def _running(directives: str, leaves: Sequence[LeafCert], ca: CA) -> Iterator[Httpd]:
    root = Path(tempfile.mkdtemp(prefix="modssl-probe-"))
    root.chmod(0o755)
    host = ".".join(["127", *(str(1 + secrets.randbelow(254)) for _ in range(3))])
    server = Httpd((host, 8443), root)
    ca.cert_pem.write_to_path(root / "ca.pem")
    files = []
    for number, leaf in enumerate(leaves):
        leaf.cert_file_pem.write_to_path(root / f"{number}.crt")
        leaf.key_file_pem.write_to_path(root / f"{number}.key")
        files.append(f'SSLCertificateFile "{root}/{number}.crt"\nSSLCertificateKeyFile "{root}/{number}.key"')
    (root / "httpd.conf").write_text(
        "\n".join(
            [
                *(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in _modules()),
                f"Define ROOT {root}\nServerRoot {root}\nPidFile pid\nErrorLog error.log\nLogLevel info ssl:debug",
                "User www-data\nGroup www-data" if os.geteuid() == 0 else "",
                f"ServerName {NAME}\nListen {host}:8443\n<VirtualHost *:8443>\nSSLEngine on",
                *files,
                directives,
                "</VirtualHost>\n",
            ]
        )
    )
    command = ["/usr/sbin/apache2", "-DFOREGROUND", "-f", str(root / "httpd.conf")]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        _wait(server.address, process)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(root)


def _modules() -> list[str]:
    compiled_in = subprocess.run(["/usr/sbin/apache2", "-l"], capture_output=True, text=True, check=True).stdout
    return [name for name in MODULES if f"mod_{name}.c" not in compiled_in]


def _wait(address: tuple[str, int], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(address, timeout=1).close()
        except ConnectionRefusedError:
            assert process.poll() is None, "httpd ended early"
            assert time.monotonic() < deadline, "httpd does not listen"
        else:
            return
