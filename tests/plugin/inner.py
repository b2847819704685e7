"""Runs of pytest that tests start, watch and end: what they run, and that they end with the test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

Popen: TypeAlias = subprocess.Popen[bytes]


class RunPytest(Protocol):
    """Runs pytest with the plugin on a test file; see the fixture `run`."""

    def __call__(self, source: str, *args: str) -> pytest.RunResult: ...


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
def inner_run(folder: Path, *args: str, output: int | IO[bytes] = subprocess.DEVNULL) -> Iterator[Popen]:
    """A run of pytest in a group of its own, which is killed at the end of the block with all that is left of it."""
    without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    command = [sys.executable, "-c", _PYTEST, "--modssl", "-q", *without, *args]
    with subprocess.Popen(
        command,
        stdout=output,
        stderr=output,
        start_new_session=True,
        cwd=folder,
    ) as run:
        try:
            yield run
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
