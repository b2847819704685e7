"""Runs of pytest that tests start, watch and end: what they run, and that they end with the test."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import psutil

from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

CLEAN_SECONDS = 30
"""Time for what a killed run started to be gone. It takes two seconds at the most on a quiet machine."""

SERVERS = """
    import os
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost

    @pytest.mark.parametrize("n", range(12))
    def test_servers(modssl_server_factory, modssl_ca, n):
        name = f"h{n % 6}.example.test"
        server = modssl_server_factory(ServerConfig(VirtualHost(name, tls=modssl_ca.issue(name))))
        assert server.get(f"https://{name}/").status_code == 200
"""
"""Twelve tests on six configurations."""

MANY_SERVERS = SERVERS.replace("range(12)", "range(400)").replace("n % 6", "n")

HOLD = """
    from pathlib import Path

    def test_hold(modssl_server):
        Path("ready").touch()
        while True:
            modssl_server.get("https://www.example.test/")
"""
"""A test that never ends, on a server; the file `ready` tells that it has begun."""

KILLS_ITS_WORKER = """
    import os, signal
    import pytest

    @pytest.mark.parametrize("n", range(8))
    def test_servers(modssl_server, n):
        assert modssl_server.get("https://www.example.test/").status_code == 200
        if n == 3:
            os.kill(os.getpid(), signal.SIGKILL)
"""
"""Eight tests, the fourth of which kills the process that it runs in."""


# A suite that runs in the background of a shell ignores SIGINT, and so would all that it starts.
_PYTEST = """
import signal, sys, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main())
"""


@contextlib.contextmanager
def inner_run(folder: Path, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run of pytest in a group of its own, which is killed at the end of the block with all that is left of it."""
    without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    command = [sys.executable, "-c", _PYTEST, "--modssl", "-q", *without, *args]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=folder,
    ) as run:
        try:
            yield run
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)


def kill_at_random_moments(folder: Path, seed: int, times: int, left: Callable[[str], Sequence[object]]) -> None:
    """Kills runs with two workers at moments of their first seconds, whole, or pytest alone, or one worker alone.

    Each time all must be gone soon after, while those live on that were not killed.

    Args:
        folder: of the tests.
        seed: for the moments, and for what is killed.
        times: how many runs.
        left: what there is of owners in whose folder's name a text stands.
    """
    chance = random.Random(seed)
    for _ in range(times):
        with inner_run(folder, "-n", "2") as run:
            until(partial(_is_past, time.monotonic() + chance.uniform(0.3, 3.5)), seconds=10, what="the moment")
            dead = _kill_some(run, chance)
            until(lambda: not left(dead), seconds=CLEAN_SECONDS, what="what the dead had started to be gone")  # noqa: B023
        until(lambda: not left(""), seconds=CLEAN_SECONDS, what="all that the run started to be gone")


def _kill_some(run: subprocess.Popen[bytes], chance: random.Random) -> str:
    """Kills a run, or some of its processes; returns what stands in the names of the folders of those that lost."""
    whom = chance.choice(("all", "pytest", "worker"))
    workers = [one for one in psutil.Process(run.pid).children() if "execnet" in " ".join(one.cmdline())]
    if whom == "worker" and workers:
        worker = chance.choice(workers)
        worker.kill()
        return f"-{worker.pid}-"
    if whom == "pytest":
        run.kill()
    else:
        os.killpg(run.pid, signal.SIGKILL)
    return ""


def _is_past(moment: float) -> bool:
    return time.monotonic() >= moment
