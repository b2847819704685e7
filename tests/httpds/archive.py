"""A small archive of Debian packages on loopback, signed with a key of its own, and what may go wrong with one."""

from __future__ import annotations

import hashlib
import io
import lzma
import platform
import tarfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from pytest_modssl.httpds.debian import _MACHINES
from tests.httpds.openpgp import Signer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MACHINE = _MACHINES[platform.machine()]
LIBRARIES = f"lib/{MACHINE.triplet}"

# It says what httpd says when it is asked what it is; the loader passes over its own options, as the real one does.
HTTPD = """#!/bin/sh
case $1 in
    -V) echo "Server version: Apache/2.4.99 (Test)" ;;
    -l) echo "  core.c" ;;
esac
"""
LOADER = '#!/bin/sh\nshift 4\nexec "$@"\n'


@dataclass
class Entry:
    """One version of a package."""

    name: str
    version: str
    content: bytes
    needs: str


@dataclass
class Archive:
    """What is in the archive, what was asked of it, and how it fails.

    `cut` and `hang` are pieces of paths: an answer ends in the middle, or does not come before `release` is set.
    """

    root: Path
    signer: Signer = field(default_factory=Signer)
    suites: dict[str, list[Entry]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    cut: str = ""
    hang: str = ""
    hanging: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def add(self, suite: str, name: str, version: str, files: Mapping[str, str | bytes], needs: str = "") -> None:
        self.suites.setdefault(suite, []).append(Entry(name, version, deb(files), needs))

    def publish(self, *, names: Mapping[str, str] | None = None, more: str = "") -> None:
        """Writes all of it; `names` are lies about the suites' names, `more` are lines for their `Release`."""
        for suite, entries in self.suites.items():
            stanzas = []
            for one in entries:
                file = self.root / "pool" / f"{one.name}_{one.version}.deb"
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(one.content)
                stanzas.append(
                    f"Package: {one.name}\nVersion: {one.version}\nArchitecture: {MACHINE.architecture}\n"
                    f"Depends: {one.needs}\nFilename: pool/{file.name}\nSize: {len(one.content)}\n"
                    f"SHA256: {hashlib.sha256(one.content).hexdigest()}\nDescription: of a test\n with two lines\n"
                )
            plain = "\n".join(stanzas).encode()
            packed = lzma.compress(plain)
            folder = self.root / "dists" / suite / "main" / f"binary-{MACHINE.architecture}"
            by_hash = folder / "by-hash" / "SHA256"
            by_hash.mkdir(parents=True, exist_ok=True)
            for content in (plain, packed):
                (by_hash / hashlib.sha256(content).hexdigest()).write_bytes(content)
            (folder / "Packages.xz").write_bytes(packed)
            (folder / "Packages").write_bytes(plain)
            name = (names or {}).get(suite, suite)
            lines = [
                f" {hashlib.sha256(content).hexdigest()} {len(content)} main/binary-{MACHINE.architecture}/{file}"
                for file, content in (("Packages", plain), ("Packages.xz", packed))
            ]
            text = (
                f"Origin: Test\nSuite: {name}\nCodename: {name}\nDate: Sat, 21 Nov 2020 09:15:44 UTC\n{more}"
                f"Acquire-By-Hash: yes\nArchitectures: {MACHINE.architecture}\nComponents: main\nSHA256:\n"
            )
            self.sign(suite, text + "\n".join(lines) + "\n")

    def sign(self, suite: str, text: str) -> None:
        self.in_release(suite).write_bytes(self.signer.signed(text))

    def in_release(self, suite: str) -> Path:
        return self.root / "dists" / suite / "InRelease"

    def package(self, name: str) -> Path:
        (found,) = (self.root / "pool").glob(f"{name}_*.deb")
        return found


def httpd_archive(root: Path) -> Archive:
    """An archive with an httpd in bookworm: a program, its loader, a library, and links of every kind."""
    archive = Archive(root)
    archive.add(
        "bookworm",
        "apache2-bin",
        "2.4.99-1",
        {
            "usr/sbin/apache2": HTTPD,
            "usr/lib/apache2/modules/mod_x.so": b"",
            "usr/share/doc/apache2-bin/changelog": "not wanted",
        },
        needs="libc6 (>= 2.36), perl:any, libold1 | libnew1 (>= 1.0~rc1)",
    )
    loader = f"{LIBRARIES}/{MACHINE.loader}"
    links = {f"{LIBRARIES}/libabsolute.so": f"-> /{LIBRARIES}/libc.so.6", f"{LIBRARIES}/librelative.so": "-> libc.so.6"}
    archive.add("bookworm", "libc6", "2.36-9", {loader: LOADER, f"{LIBRARIES}/libc.so.6": b"\x7fELF", **links})
    archive.add("bookworm", "libnew1", "1.0-1", {f"usr/{LIBRARIES}/libnew.so.1": b"\x7fELF"})
    archive.add("bookworm", "openssl", "3.0.22-1", {"etc/ssl/openssl.cnf": "# of a test\n", "usr/bin/openssl": "x"})
    archive.suites["bookworm-security"] = []
    archive.publish()
    return archive


def deb(files: Mapping[str, str | bytes]) -> bytes:
    """A package with these files; text that begins with `-> ` is a symbolic link."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(f"./{path}")
            entry.mode = 0o755
            raw = content.encode() if isinstance(content, str) else content
            if raw.startswith(b"-> "):
                entry.type, entry.linkname = tarfile.SYMTYPE, raw[3:].decode()
                tar.addfile(entry)
            else:
                entry.size = len(raw)
                tar.addfile(entry, io.BytesIO(raw))
    return ar({"debian-binary": b"2.0\n", "control.tar.xz": lzma.compress(b""), "data.tar.xz": data.getvalue()})


def ar(members: Mapping[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, content in members.items():
        parts.append(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content)
        parts.append(b"\n" if len(content) % 2 else b"")
    return b"".join(parts)


def handler_for(archive: Archive) -> type[SimpleHTTPRequestHandler]:
    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(archive.root))

        def do_GET(self) -> None:
            # The security archive is the same folder.
            self.path = self.path.removeprefix("/debian-security").removeprefix("/debian")
            archive.asked[self.path] += 1
            if archive.hang and archive.hang in self.path:
                archive.hanging.set()
                archive.release.wait(20)
            if archive.cut and archive.cut in self.path:
                self.send_response(200)
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self.wfile.write(b"the beginning")
                self.close_connection = True
                return
            super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
