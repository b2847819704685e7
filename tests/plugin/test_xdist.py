"""Runs over several workers, and runs that are killed: nothing is left, and every worker sees the same tests."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl.wait import until

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("xdist")

TESTS = """
    import os
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost

    @pytest.mark.parametrize("n", range(12))
    def test_servers(modssl_server_factory, modssl_ca, n):
        name = f"h{n % 6}.example.test"
        server = modssl_server_factory(ServerConfig(VirtualHost(name, tls=modssl_ca.issue(name))))
        assert server.get(f"https://{name}/").status_code == 200
"""


def servers_of(base: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if str(base) in " ".join(one.info["cmdline"] or ())]


def _members(group: int) -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if _group_of(one.pid) == group and one.status() != "zombie"]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _is_past(moment: float) -> bool:
    return time.monotonic() >= moment


def left(base: Path) -> list[str]:
    return [path.name for path in base.iterdir() if path.name != "registry.lock"]


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each", "no"])
def test_every_way_of_distribution_works_and_leaves_nothing(pytester: pytest.Pytester, base: Path, dist: str) -> None:
    pytester.makepyfile(TESTS)
    args = ["-n", "4", "--dist", dist] if dist not in {"each", "no"} else ["--dist", dist, "--tx", "2*popen"]
    result = pytester.runpytest_subprocess("--modssl", *args)
    result.assert_outcomes(passed=24 if dist == "each" else 12)
    assert left(base) == []
    assert servers_of(base) == []


def test_a_worker_that_is_killed_leaves_nothing_and_the_others_go_on(pytester: pytest.Pytester, base: Path) -> None:
    pytester.makepyfile(
        """
        import os, signal
        import pytest

        @pytest.mark.parametrize("n", range(8))
        def test_servers(modssl_server, n):
            assert modssl_server.get("https://www.example.test/").status_code == 200
            if n == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    result = pytester.runpytest_subprocess("--modssl", "-n", "2", "-p", "no:randomly")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*worker 'gw?' crashed*"])
    assert left(base) == []
    until(lambda: not servers_of(base), seconds=2, what="every server to end")


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_from_outside_leaves_no_process_and_the_next_run_removes_the_rest(
    pytester: pytest.Pytester, base: Path, workers: str, number: signal.Signals
) -> None:
    pytester.makepyfile(
        """
        import sys
        from pathlib import Path

        def test_hold(modssl_server):
            Path("ready").touch()
            while True:
                modssl_server.get("https://www.example.test/")
        """
    )
    command = [sys.executable, "-m", "pytest", "--modssl", "-n", workers, "-p", "no:cacheprovider"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=pytester.path
    ) as run:
        until((pytester.path / "ready").exists, seconds=60, what="the server")
        assert servers_of(base)
        if number == signal.SIGKILL:
            os.killpg(run.pid, number)
        else:
            run.send_signal(number)
        run.wait(timeout=60)
    # Workers that lose their controller in the middle of a test are ended by execnet, after 5 to 15 seconds.
    until(lambda: not _members(run.pid), seconds=60, what="the workers to end")
    until(lambda: not servers_of(base), seconds=2, what="every server to end")
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess("--modssl").assert_outcomes(passed=12)
    assert left(base) == []
    assert servers_of(base) == []


def test_two_runs_at_once_do_not_disturb_each_other(pytester: pytest.Pytester, base: Path) -> None:
    pytester.makepyfile(TESTS)
    command = [sys.executable, "-m", "pytest", "--modssl", "-q", "-p", "no:cacheprovider"]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=pytester.path)
        for _ in range(2)
    ]
    for run in runs:
        output, _ = run.communicate(timeout=100)
        assert "12 passed" in output, output
    assert left(base) == []
    assert servers_of(base) == []


def test_nothing_is_left_after_kills_at_ten_random_moments(pytester: pytest.Pytester, base: Path) -> None:
    pytester.makepyfile(TESTS.replace("range(12)", "range(400)").replace("n % 6", "n"))
    command = [sys.executable, "-m", "pytest", "--modssl", "-q", "-n", "2", "-p", "no:cacheprovider"]
    moments = random.Random(20261123)
    for _ in range(10):
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=pytester.path
        ) as run:
            deadline = time.monotonic() + moments.uniform(0.3, 3.0)
            until(partial(_is_past, deadline), seconds=10, what="the moment")
            os.killpg(run.pid, signal.SIGKILL)
        until(lambda: not servers_of(base), seconds=2, what="every server to end")
    pytester.makepyfile("def test_nothing(): pass")
    pytester.runpytest_subprocess("--modssl").assert_outcomes(passed=1)
    assert left(base) == []
