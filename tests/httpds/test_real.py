"""The real thing: httpd of Debian trixie, from Debian's mirrors, on this machine, whatever is installed on it."""

from __future__ import annotations

import os
import platform
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.httpds import debian
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import CA, Server
    from pytest_modssl.httpds.store import KeptHttpd

pytestmark = pytest.mark.skipif(debian.why_not_here() is not None, reason=str(debian.why_not_here()))

NAME = "www.example.test"
CGI = b"""#!/bin/sh
echo "Content-Type: text/plain"; echo
echo "path=$LD_LIBRARY_PATH preload=$LD_PRELOAD conf=$OPENSSL_CONF"
readlink /proc/$$/exe
grep -o '/[^ ]*libc[.-][^ ]*' /proc/$$/maps | sort -u
"""


@pytest.fixture(scope="module")
def trixie() -> KeptHttpd:
    """From the cache of this user, as every run has it."""
    return debian.get("trixie", say=print)


@pytest.fixture(scope="module")
def unpacked(trixie: KeptHttpd) -> Iterator[LocalTarget]:
    owner = Owner(new_run())
    yield LocalTarget(trixie.installation(), owner, start_seconds=20, name="debian-trixie")
    owner.close()


@pytest.fixture(scope="module")
def server(unpacked: LocalTarget, modssl_ca: CA) -> Iterator[Server]:
    leaf = modssl_ca.issue(NAME)
    host = VirtualHost(
        NAME, tls=leaf, directives="SSLOptions +StdEnvVars\nProtocols h2 http/1.1", files={"who.cgi": CGI}
    )
    running = unpacked.launch(ServerConfig(host))
    yield running
    running.stop()


def parent_of(server: Server) -> int:
    return int((server.instance.folder / "logs" / "httpd.pid").read_text())


def children_of(server: Server) -> list[int]:
    parent = parent_of(server)
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_it_is_another_httpd_than_that_of_the_machine(trixie: KeptHttpd, unpacked: LocalTarget) -> None:
    installation = unpacked.installation
    assert installation.binary.is_relative_to(trixie.folder)
    assert (str(installation.version), str(installation.openssl)) == (trixie.httpd, trixie.openssl)
    assert installation.openssl is not None
    assert installation.openssl >= (3, 5)
    assert unpacked.id == f"debian-trixie-{installation.id}"
    assert str(trixie.folder) in unpacked.description


def test_every_module_of_it_finds_its_libraries(unpacked: LocalTarget, tmp_path: Path) -> None:
    installation = unpacked.installation
    needed = {"ssl", "http2", "proxy_http2", "deflate", "brotli", "md", "lua", "ldap", "proxy_html", "xml2enc", "dbd"}
    assert needed <= installation.modules
    other_mpms = {f"mpm_{name}" for name in installation.mpms[1:]}
    names = sorted(set(installation.loadable) - other_mpms, key=lambda name: (not name.startswith("mpm_"), name))
    files = {str(installation.loadable[name]) for name in names}
    # -n tells of the library that cannot be found; a module that another one must precede is no matter of libraries.
    for file in files:
        answer = installation.run([*installation.prefix[:-2], "--list", file])
        assert "not found" not in answer.stdout + answer.stderr, f"{file}: {answer.stdout}"
        outside = [
            one for one in re.findall(r"=> (/\S+)", answer.stdout) if not one.startswith(str(Path(file).parents[3]))
        ]
        assert not outside, f"{file} takes {outside} from the machine"


def test_a_handshake_http2_and_a_scan(server: Server) -> None:
    seen = server.handshake(NAME, alpn=["h2", "http/1.1"])
    assert (seen.protocol, seen.alpn) == ("TLSv1.3", "h2")
    assert server.scan(NAME).protocols == ("TLSv1.3", "TLSv1.2")
    assert (
        server.environment(f"https://{NAME}/env.cgi")["SSL_VERSION_LIBRARY"] == f"OpenSSL/{server.installation.openssl}"
    )


def test_programs_that_it_runs_are_the_machines_own(server: Server, trixie: KeptHttpd) -> None:
    text = server.get(f"https://{NAME}/who.cgi").text
    assert "path= preload= conf=\n" in text
    assert str(trixie.folder) not in text


def test_a_reload_a_crash_and_the_end_are_seen_as_of_any_other(unpacked: LocalTarget, modssl_ca: CA) -> None:
    leaf = modssl_ca.issue(NAME)
    running = unpacked.launch(ServerConfig(VirtualHost(NAME, tls=leaf)))
    try:
        assert running.handshake(NAME).certificates[0] == leaf.der
        other = modssl_ca.issue(NAME)
        running.reload(ServerConfig(VirtualHost(NAME, tls=other)))
        assert running.handshake(NAME).certificates[0] == other.der
        # A thread with so small a stack crashes in the handshake, its child with it (measured on OpenSSL 3.5.9).
        running.reload(ServerConfig(VirtualHost(NAME, tls=other), directives="ThreadStackSize 20000"))
        assert running.handshake(NAME).failure in {"reset", "closed"}
        running.end_test()
        assert running.log.find("AH00052") is not None
    finally:
        folder = running.instance.folder
        running.stop()
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's children change to another account")
def test_the_children_of_root_need_nothing_of_roots_cache(server: Server, trixie: KeptHttpd) -> None:
    def changed() -> bool:
        children = children_of(server)
        return bool(children) and all(Path(f"/proc/{child}").stat().st_uid for child in children)

    # Before that it has no handlers of signals.
    server.log.wait_for("resuming normal operations", timeout=5)
    until(changed, seconds=5, what="the children to be another user's")
    # glibc loads it when a thread ends, or aborts. Children have what their parent has mapped, and only the parent's
    # maps may be read by a root without CAP_SYS_PTRACE: proc(5), ptrace(2).
    parent = parent_of(server)
    mapped = Path(f"/proc/{parent}/maps").read_text()
    assert re.search(rf"{re.escape(str(trixie.folder))}/\S*/libgcc_s\.so\.1$", mapped, re.MULTILINE)
    first = set(children_of(server))
    assert first
    os.kill(parent, signal.SIGUSR1)
    until(lambda: first.isdisjoint(children_of(server)), seconds=15, what="the threads of the first children to end")
    assert not [one.raw for one in server.log.records if one.ah == "AH00052" or "libgcc" in one.raw]


def test_the_name_of_the_program_shows_among_processes(server: Server) -> None:
    parent = parent_of(server)
    command = Path(f"/proc/{parent}/cmdline").read_text().split("\0")
    assert Path(command[0]).name == debian._MACHINES[platform.machine()].loader
    assert str(server.installation.binary) in command
