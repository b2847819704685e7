"""A suite in a place of its own, and what is left of its runs there: processes, ports, files, locks, containers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pytest_modssl.errors import WaitTimeoutError
from pytest_modssl.targets.registry import remove_folder
from pytest_modssl.wait import until
from tests.faults.suite import FILES, TOLD
from tests.plugin.inner import inner_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pytest

    from tests.plugin.inner import Popen

GENEROUS_SECONDS = 30
"""In which all that a killed run had started is gone: two are promised, and machines that run tests are busy."""

RUN_SECONDS = 100
"""In which a run has ended, disturbed or not: it takes 2 s on a machine that is not busy."""

# TCP_LISTEN in include/net/tcp_states.h
_LISTEN = "0A"


@dataclass(frozen=True)
class Told:
    """What a run told of itself until it ended.

    Attributes:
        phases: how far it came: "session", "end".
        outcomes: outcomes of each test, by its id: what was reported of its setup, call and teardown but "passed", else
            that.
        texts: what was said of each test that failed.
    """

    phases: tuple[str, ...]
    outcomes: dict[str, str]
    texts: dict[str, str]


class Place:
    """The suite in a folder of its own, with folders of its own for temporary files and for the cache.

    Its runs are told from others on this machine by their PATH, which is handed on to all that they start.

    Args:
        folder: an empty one.
        containers: ids of the containers of the registry in a folder; `None` where the runs use none.
    """

    def __init__(self, folder: Path, containers: Callable[[Path], Sequence[str]] | None = None) -> None:
        self.folder = folder
        self.temporary = folder / "t"
        self.cache = folder / "cache"
        self.project = folder / "project"
        self._path = folder / "bin"
        self._containers = containers
        self._heard: dict[tuple[str, int], str] = {}
        for one in (self.temporary, self.cache, self._path):
            one.mkdir()
        self.temporary.chmod(0o755)
        for name, text in FILES.items():
            file = self.project / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self.seconds: dict[int, float] = {}
        self.worst = 0.0

    def set_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Makes the runs that are started from now on those of this place."""
        monkeypatch.setenv("PATH", f"{self._path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("TMPDIR", str(self.temporary))
        monkeypatch.setenv("XDG_CACHE_HOME", str(self.cache))
        monkeypatch.setenv("PYTEST_MODSSL_TARGET", "local" if self._containers is None else "docker")
        # The last tells of the run that these are within.
        for name in ("PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE", "PYTEST_XDIST_WORKER"):
            monkeypatch.delenv(name, raising=False)

    @property
    def base(self) -> Path:
        """The registry of its runs."""
        return self.temporary / f"pytest-modssl-{os.getuid()}"

    # Runs

    @contextlib.contextmanager
    def run(self, workers: int) -> Iterator[Popen]:
        """A run of the suite, killed at the end of the block; what it told before is forgotten."""
        (self.project / TOLD).unlink(missing_ok=True)
        order = ("-p", "no:randomly", "-n", str(workers), "--tb=short")
        with (self.folder / "output").open("wb") as output, inner_run(self.project, *order, output=output) as run:
            self._began = time.monotonic()
            yield run

    def at(self, moment: float, run: Popen) -> None:
        """Returns so many seconds after the start of the last run, or when it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(max(0, moment - (time.monotonic() - self._began)))

    @property
    def output(self) -> str:
        """What the last run printed."""
        return (self.folder / "output").read_text(errors="replace")

    def told(self) -> Told:
        """What the last run has told up to now."""
        phases: list[str] = []
        outcomes: dict[str, str] = {}
        texts: dict[str, str] = {}
        path = self.project / TOLD
        for line in path.read_text().splitlines() if path.exists() else ():
            told = json.loads(line)
            if "phase" in told:
                phases.append(told["phase"])
                continue
            test, outcome = told["test"], told["outcome"]
            if outcome != "passed" or told["when"] == "call":
                outcomes[test] = outcome if outcomes.get(test) in {None, "passed"} else outcomes[test]
            if outcome == "failed":
                texts[test] = texts.get(test, "") + told["text"]
        return Told(tuple(phases), outcomes, texts)

    def whole_run(self, workers: int) -> Told:
        """What an undisturbed run told; it ends as it should, and leaves nothing. Its length is kept in `seconds`."""
        with self.run(workers) as run:
            status = run.wait(RUN_SECONDS)
            ended = time.monotonic()
            self.seconds[workers] = ended - self._began
            assert status == 1, f"an undisturbed run ended with status {status}:\n{self.output}"
            self.clean("an undisturbed run", ended)
        told = self.told()
        failed = [test for test, outcome in told.outcomes.items() if outcome != "passed"]
        assert failed == ["test_servers.py::test_failing"], self.output
        reports = list((self.project / "artifacts").glob("**/*"))
        assert [one.name for one in reports if one.name == "bug-report.txt"] == ["bug-report.txt"]
        return told

    @cached_property
    def usual(self) -> dict[str, str]:
        """The outcome of each test in a run that nothing disturbs."""
        return self.whole_run(0).outcomes

    def length(self, workers: int) -> float:
        """Seconds that an undisturbed run takes, as the last one did."""
        if workers not in self.seconds:
            self.whole_run(workers)
        return self.seconds[workers]

    # What there is of them

    def processes(self) -> list[psutil.Process]:
        """All processes of the runs."""
        mark = os.fsencode(self._path)
        found = []
        for one in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if mark in Path(f"/proc/{one.pid}/environ").read_bytes():
                    found.append(one)
        return found

    def remember_ports(self) -> None:
        """Takes note of where the runs listen now."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                for one in process.net_connections("tcp"):
                    if one.status == psutil.CONN_LISTEN:
                        self._heard[one.laddr] = process.name()

    def left(self, owner: str = "") -> list[str]:
        """What is left of the runs, or of those owners in whose folder's name a text stands; in words."""
        folder = re.compile(rf"{re.escape(str(self.base))}/\S*{owner}")
        if owner:
            servers = [one for one in self.processes() if folder.search(_command(one))]
            return [_described(one) for one in servers] + [str(one) for one in self.base.glob(f"*{owner}*")]
        found = [_described(one) for one in self.processes()]
        found += [f"file {one}" for one in self.temporary.iterdir() if one != self.base and not _is_of_pytest(one)]
        found += [f"file {one}" for one in self.base.glob("*") if not _is_kept(one)]
        found += [f"port {host}:{port} of {self._heard[host, port]}" for host, port in listening() & self._heard.keys()]
        found += [f"lock on {one}" for one in locked((self.temporary, self.cache, self.project))]
        if self._containers is not None:
            found += [f"container {one}" for one in self._containers(self.base)]
        return found

    def clean(self, after: str, since: float, owner: str = "") -> None:
        """Returns when nothing is left; keeps in `worst` how long that has taken at most.

        Args:
            after: what was done, in words.
            since: when, by the clock of `time.monotonic`.
            owner: as for `left`.

        Raises:
            AssertionError: with what is left.
        """
        left: list[str] = []

        def gone() -> bool:
            left[:] = self.left(owner)
            return not left

        try:
            until(gone, seconds=GENEROUS_SECONDS, what="")
        except WaitTimeoutError:
            raise AssertionError(f"{GENEROUS_SECONDS} s after {after} there are left:\n" + "\n".join(left)) from None
        self._heard.clear()
        took = time.monotonic() - since
        if took > self.worst:
            self.worst = took
            print(f"{took:.2f} s until all was gone, the longest until now: {after}")  # noqa: T201 - for `-rP`

    def remove(self) -> None:
        """Ends what is left, and removes the folder."""
        for one in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        remove_folder(self.folder)


def listening() -> set[tuple[str, int]]:
    """Every address and port of IPv4 at which something listens on this machine (proc_net_tcp(5))."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    places = (row[1].split(":") for row in rows if row[3] == _LISTEN)
    return {(socket.inet_ntoa(bytes.fromhex(host)[::-1]), int(port, 16)) for host, port in places}


def locked(folders: Sequence[Path]) -> list[Path]:
    """The files below some folders on which somebody has a lock (proc_locks(5))."""
    inodes = {line.split()[-3].split(":")[-1] for line in Path("/proc/locks").read_text().splitlines()}
    found = []
    # os.walk, as what is just being removed does not stop it.
    walked = (walk for folder in folders for walk in os.walk(folder))
    for path in (Path(parent, name) for parent, _, names in walked for name in names):
        with contextlib.suppress(FileNotFoundError):
            if str(path.stat().st_ino) in inodes:
                found.append(path)
    return found


def _is_of_pytest(path: Path) -> bool:
    """Whether a file of the temporary folder is pytest's own, which keeps those of the last three runs."""
    return path.name.startswith("pytest-of-")


def _is_kept(path: Path) -> bool:
    """Whether a file of the registry stays: the lock that others may wait for, and what is known of an image."""
    return path.name == "registry.lock" or path.match("image-*.json")


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _described(process: psutil.Process) -> str:
    return f"process {process.pid} {_command(process)[:200]}"
