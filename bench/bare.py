"""The peer: what one writes in plain Python to test an httpd, with nothing but the standard library.

A folder that holds a whole server is copied, httpd is executed on it and asked every millisecond until a handshake
succeeds; it is ended by SIGTERM and awaited.
"""

from __future__ import annotations

import http.client
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_POLL = 0.001
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Template:
    """A server's folder to copy.

    Args:
        binary: httpd.
        folder: with all of the server's files; its path stands in `httpd.conf`.
        address: and so does this address.
        port: that the server listens on.
        name: of its one virtual host.
    """

    binary: str
    folder: str
    address: str
    port: int
    name: str


def lay_out(template: Template, folder: Path, certificate: bytes, key: bytes) -> tuple[str, int]:
    """Address and port of a server whose files are now in `folder`, with its own certificate and key."""
    shutil.copytree(template.folder, folder)
    # copytree keeps the mode of a folder, not its owner; httpd's children write in this one.
    owner = Path(template.folder, "run").stat()
    shutil.chown(folder / "run", owner.st_uid, owner.st_gid)
    address = template.address
    if sys.platform == "linux":
        address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"
    main = folder / "httpd.conf"
    text = main.read_text().replace(template.folder, str(folder)).replace(template.address, address)
    main.write_text(text)
    (folder / "tls/0-0.crt").write_bytes(certificate)
    (folder / "tls/0-0.key").write_bytes(key)
    return address, template.port


@dataclass(frozen=True, slots=True)
class Laid:
    """A server whose files are in a folder, and where it listens."""

    folder: Path
    address: tuple[str, int]

    def replace(self, certificate: bytes, key: bytes) -> None:
        """Another certificate and its key, which httpd reads when it is told to."""
        (self.folder / "tls/0-0.crt").write_bytes(certificate)
        (self.folder / "tls/0-0.key").write_bytes(key)


def start(template: Template, folder: Path) -> subprocess.Popen[bytes]:
    """The httpd that was executed on a folder; it is not ready yet."""
    command = [template.binary, "-d", str(folder), "-f", str(folder / "httpd.conf"), "-DFOREGROUND"]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def reload(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGHUP)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait()


def context(root: bytes) -> ssl.SSLContext:
    """A client context that verifies by this root (PEM)."""
    return ssl.create_default_context(cadata=root.decode())


def first_handshake(address: tuple[str, int], client: ssl.SSLContext, name: str, *, shows: bytes | None = None) -> None:
    """Returns after the first verified handshake that succeeds and shows this certificate (DER) where one is given."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            seen = handshake(address, client, name)
            if shows in (None, seen):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_POLL)


def handshake(address: tuple[str, int], client: ssl.SSLContext, name: str) -> bytes | None:
    """The certificate (DER) that one verified handshake shows."""
    with socket.create_connection(address, _SECONDS) as raw, client.wrap_socket(raw, server_hostname=name) as tls:
        return tls.getpeercert(binary_form=True)


def polite_handshake(address: tuple[str, int], client: ssl.SSLContext, name: str) -> None:
    """One verified handshake, close_notify from both sides, and the server's end of the connection."""
    with socket.create_connection(address, _SECONDS) as raw, client.wrap_socket(raw, server_hostname=name) as tls:
        plain = tls.unwrap()
        while plain.recv(4096):
            pass


def get(address: tuple[str, int], client: ssl.SSLContext, name: str) -> int:
    """Status of the answer to one verified GET of `/`."""
    connection = http.client.HTTPSConnection(name, context=client)
    with socket.create_connection(address, _SECONDS) as raw, client.wrap_socket(raw, server_hostname=name) as tls:
        connection.sock = tls
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        return answer.status
