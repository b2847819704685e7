"""Servers that start slowly, hang, crash or lose their port: a wrapper of a shell around the real httpd does it.

Each ends in a server that works or in a clear message, within a bounded time, with nothing left; and the next server of
the same target starts.
"""

from __future__ import annotations

import shlex
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, HttpdNotFoundError, ServerConfig, StartError, VirtualHost
from pytest_modssl.errors import ServerGoneError
from pytest_modssl.httpd.installation import probe_installation
from pytest_modssl.targets import addresses
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run, remove_folder
from pytest_modssl.wait import until
from tests.targets.test_local import processes_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import Server
    from pytest_modssl.httpd.installation import Installation
    from tests.faults.conftest import Faults

NAME = "www.example.test"
URL = f"https://{NAME}/"
SECONDS = 30
"""For what takes some tenths of a second on a quiet machine, beside the seconds that a fault itself takes."""

STARTS_SLOWLY = 'case "$*" in *-DFOREGROUND*) sleep {pause};; esac; exec {httpd} "$@"'
NEVER_STARTS = 'case "$*" in *-DFOREGROUND*) trap "" TERM; while :; do sleep 1; done;; esac; exec {httpd} "$@"'
IGNORES_SIGTERM = 'trap "" TERM; {httpd} "$@" & while kill -0 $! 2>/dev/null; do sleep 0.05; done'
DIES_AT_ONCE = 'case "$*" in *-DFOREGROUND*) kill -{signal} $$;; esac; exec {httpd} "$@"'
# The access log tells how many requests there were.
CRASHES_LATER = """
folder=$2
( until [ "$(cat "$folder"/logs/access.log 2>/dev/null | wc -l)" -ge {requests} ]; do sleep 0.01; done
  parent=$(cat "$folder"/logs/httpd.pid)
  case {whom} in
    parent) kill -KILL "$parent";;
    child) kill -SEGV $(cat /proc/"$parent"/task/"$parent"/children);;
  esac ) &
exec {httpd} "$@"
"""
# Binds what httpd is about to bind: the first so many times, by another process.
TAKES_THE_PORT = """
import os, re, socket, sys
count = {folder!r} + "/count"
number = int(open(count).read()) if os.path.exists(count) else 0
if "-DFOREGROUND" in sys.argv and number < {times}:
    open(count, "w").write(str(number + 1))
    text = open(sys.argv[sys.argv.index("-f") + 1]).read()
    host, port = re.search(r'MODSSL_ADDRESS "(.*?)"', text)[1], re.search(r'MODSSL_PORT_443 "(.*?)"', text)[1]
    taken = socket.socket()
    taken.bind((host, int(port)))
    taken.listen()
    taken.set_inheritable(True)
os.execv({httpd!r}, [{httpd!r}, *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA()


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="modssl-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    remove_folder(folder)


class Wrapped:
    """The real httpd behind a script, with a registry of its own."""

    def __init__(self, installation: Installation, place: Path, ca: CA) -> None:
        self.installation = installation
        self.place = place
        self.ca = ca
        self.owner = Owner(new_run(), base=place)

    def target(
        self, script: str, *, start_seconds: float = SECONDS, shell: str = "/bin/sh", **words: object
    ) -> LocalTarget:
        path = self.place / "httpd"
        httpd = str(self.installation.binary)
        quoted = shlex.quote(httpd) if shell == "/bin/sh" else httpd
        path.write_text(f"#!{shell}\n{script.format(httpd=quoted, folder=str(self.place), **words)}\n")
        path.chmod(0o755)
        return LocalTarget(replace(self.installation, binary=path), self.owner, start_seconds=start_seconds)

    @property
    def config(self) -> ServerConfig:
        return ServerConfig(VirtualHost(NAME, tls=self.ca.issue(NAME), files={"index.html": "hello"}))

    def check_nothing_left(self) -> None:
        """And that the next server works."""
        until(lambda: not self.left(), seconds=SECONDS, what=f"{self.left()} to be gone")
        server = LocalTarget(self.installation, self.owner, start_seconds=SECONDS).launch(self.config)
        assert server.get(URL).text == "hello"
        server.stop()
        assert not self.left()

    def left(self) -> list[str]:
        found = [one.name for one in self.owner.folder.iterdir() if one.name != "owner.lock"]
        return found + list(map(str, processes_in(self.place)))


@pytest.fixture
def wrapped(local_installation: Installation, place: Path, ca: CA) -> Iterator[Wrapped]:
    found = Wrapped(local_installation, place, ca)
    yield found
    found.owner.close()


def used(server: Server) -> None:
    """One test's use of a server, as the plugin does it."""
    server.begin_test()
    assert server.get(URL).text == "hello"
    server.end_test()


@pytest.mark.fault("a wrapped httpd that starts slowly", "the server is there when it is ready")
def test_a_server_that_starts_slowly_is_waited_for(wrapped: Wrapped, faults: Faults) -> None:
    for _ in faults.times(short=1, long=10):
        pause = faults.random.uniform(0.2, 1.5)
        server = wrapped.target(STARTS_SLOWLY, pause=pause).launch(wrapped.config)
        used(server)
        server.stop()
        wrapped.check_nothing_left()


@pytest.mark.fault("a wrapped httpd that never is ready, and ignores SIGTERM", "an error that says so, nothing left")
def test_a_server_that_never_starts_is_an_error_in_time(wrapped: Wrapped, faults: Faults) -> None:
    for _ in faults.times(short=1, long=10):
        began = time.monotonic()
        with pytest.raises(StartError, match=r"was not ready within 0\.3 s"):
            wrapped.target(NEVER_STARTS, start_seconds=0.3).launch(wrapped.config)
        assert time.monotonic() - began < SECONDS
        wrapped.check_nothing_left()


@pytest.mark.fault("a wrapped httpd that dies while it starts", "an error with the signal, nothing left")
@pytest.mark.parametrize("signal", ["KILL", "SEGV", "TERM"])
def test_a_server_that_dies_at_once_is_an_error_with_its_signal(wrapped: Wrapped, faults: Faults, signal: str) -> None:
    for _ in faults.times(short=1, long=10):
        with pytest.raises(StartError, match=rf"was ended by signal \d+ \(SIG{signal}\) before it was ready"):
            wrapped.target(DIES_AT_ONCE, signal=signal).launch(wrapped.config)
        wrapped.check_nothing_left()


@pytest.mark.fault("a wrapped httpd that ignores SIGTERM", "it is killed after 5 s, nothing left")
def test_a_server_that_ignores_sigterm_is_killed_in_time(wrapped: Wrapped, faults: Faults) -> None:
    for _ in faults.times(short=1, long=5):
        server = wrapped.target(IGNORES_SIGTERM).launch(wrapped.config)
        used(server)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 5 + SECONDS
        wrapped.check_nothing_left()


@pytest.mark.fault("a wrapped httpd whose child or parent crashes at the nth request", "the test that saw it says so")
@pytest.mark.parametrize("whom", ["child", "parent"])
def test_a_crash_at_the_nth_request_is_told_by_the_test_that_sees_it(
    wrapped: Wrapped, faults: Faults, whom: str
) -> None:
    for _ in faults.times(short=1, long=10):
        requests = faults.random.randint(1, 6)
        server = wrapped.target(CRASHES_LATER, whom=whom, requests=requests).launch(wrapped.config)
        told = ""
        for _ in range(requests + 200):
            server.begin_test()
            try:
                server.get(URL)
            except Exception as error:  # noqa: BLE001 - the crash may come in the middle of a request
                told = str(error)
            try:
                server.end_test()
            except ServerGoneError as error:
                told = str(error)
            crashes = server.crashes()
            if crashes or server.exit_status is not None:
                told = f"{told}\n{crashes}"
                break
        assert "signal" in told or "status -9" in told, f"after {requests} requests: {told}"
        server.stop()
        wrapped.check_nothing_left()


@pytest.mark.fault("a port that an outsider binds between choice and start", "tried again elsewhere; else named")
@pytest.mark.parametrize("mode", ["an address for each server", "free ports of one address"])
def test_a_port_that_is_taken_under_our_feet_is_tried_again_or_named(
    wrapped: Wrapped, faults: Faults, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mode == "free ports of one address":
        monkeypatch.setattr(addresses, "_own_address", lambda: "127.0.0.1")
        monkeypatch.setattr(addresses, "_can_bind", lambda *_: False)
    for _ in faults.times(short=2, long=20):
        times = faults.random.randint(1, 3)
        (wrapped.place / "count").unlink(missing_ok=True)
        target = wrapped.target(TAKES_THE_PORT, times=times, shell=sys.executable)
        try:
            server = target.launch(wrapped.config)
        except StartError as error:
            told = str(error)
        else:
            told = ""
            used(server)
            server.stop()
        # Three tries are made.
        assert bool(told) == (times == 3), told
        assert "AH00072: make_sock: could not bind to address 127." in told or not told
        wrapped.check_nothing_left()


@pytest.mark.fault("a program named as httpd that is none", "an error that says what it said")
@pytest.mark.parametrize("script", ["exit 1", "echo rubbish", "head -c 300000 /dev/urandom", "kill -SEGV $$"])
def test_a_program_that_is_no_httpd_is_an_error(wrapped: Wrapped, faults: Faults, script: str) -> None:
    for _ in faults.times(short=1, long=5):
        path = wrapped.target(script).installation.binary
        with pytest.raises(HttpdNotFoundError) as caught:
            probe_installation(path)
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 10_000
        wrapped.check_nothing_left()
