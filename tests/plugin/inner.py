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

from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
    command = [sys.executable, "-c", _PYTEST, "--modssl", "-q", "-p", "no:cacheprovider", *args]
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


def kill_at_random_moments(folder: Path, seed: int, times: int, is_clean: Callable[[], bool]) -> None:
    """Kills a run with two workers at moments of its first three seconds; each time all must be clean soon after."""
    moments = random.Random(seed)
    for _ in range(times):
        with inner_run(folder, "-n", "2"):
            until(partial(_is_past, time.monotonic() + moments.uniform(0.3, 3.0)), seconds=10, what="the moment")
        until(is_clean, seconds=CLEAN_SECONDS, what="all that the run started to be gone")


def _is_past(moment: float) -> bool:
    return time.monotonic() >= moment
