"""Runs over several workers, and runs that are killed: nothing is left, and every worker sees the same tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl.wait import until
from tests.plugin.inner import HOLD, KILLS_ITS_WORKER, SERVERS, inner_run

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("xdist")


def servers_of(base: Path, owner: str = "") -> list[psutil.Process]:
    """Processes in the folders of a registry's owners in whose name a text stands."""
    folder = re.compile(rf"{base}/\S*{owner}")
    return [one for one in psutil.process_iter(["cmdline"]) if folder.search(" ".join(one.info["cmdline"] or ()))]


def _members(group: int) -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if _group_of(one.pid) == group and one.status() != "zombie"]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


LONG = pytest.mark.long


def left(base: Path) -> list[str]:
    return [path.name for path in base.iterdir() if path.name != "registry.lock"]


@pytest.mark.parametrize(
    "dist",
    [
        "load",
        "loadgroup",
        "no",
        *(pytest.param(one, marks=LONG) for one in ("loadscope", "loadfile", "worksteal", "each")),
    ],
)
def test_every_way_of_distribution_works_and_leaves_nothing(pytester: pytest.Pytester, base: Path, dist: str) -> None:
    pytester.makepyfile(SERVERS)
    args = ["-n", "2", "--dist", dist] if dist not in {"each", "no"} else ["--dist", dist, "--tx", "2*popen"]
    result = pytester.runpytest_subprocess("--modssl", *args)
    result.assert_outcomes(passed=24 if dist == "each" else 12)
    assert left(base) == []
    assert servers_of(base) == []


@pytest.mark.any_target
@pytest.mark.parametrize(
    ("marker", "told"),
    [("modssl(error=['x'])", "unexpected keyword argument 'error'"), ("modssl_requires(httpd='banana')", "'banana'")],
)
@pytest.mark.parametrize("switch", ["--modssl", "-q"])
def test_a_wrong_marker_fails_its_test_in_a_worker_whose_end_xdist_would_not_tell(
    pytester: pytest.Pytester, base: Path, marker: str, told: str, switch: str
) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.{marker}
        def test_wrong(modssl_server):
            pass

        def test_right():
            pass
        """
    )
    result = pytester.runpytest_subprocess(switch, "-n", "1", "-p", "no:randomly")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([f"*test_wrong: @pytest.mark.modssl*{told}*"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_wrong_durations_are_told_by_the_controller(pytester: pytest.Pytester, base: Path) -> None:
    pytester.makepyfile("def test_it(): pass")
    pytester.makefile(".json", durations="nonsense")
    shard = ("--modssl-shard", "1/2", "--modssl-durations", "durations.json")
    result = pytester.runpytest_subprocess("-n", "1", *shard)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *durations.json*"])


def test_a_worker_that_is_killed_leaves_nothing_and_the_others_go_on(pytester: pytest.Pytester, base: Path) -> None:
    pytester.makepyfile(KILLS_ITS_WORKER)
    result = pytester.runpytest_subprocess("--modssl", "-n", "2", "-p", "no:randomly")
    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*worker 'gw?' crashed*"])
    assert left(base) == []
    until(lambda: not servers_of(base), seconds=30, what="every server to end")


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        (signal.SIGKILL, "2"),
        (signal.SIGINT, "0"),
        pytest.param(signal.SIGTERM, "2", marks=LONG),
        pytest.param(signal.SIGKILL, "0", marks=LONG),
        pytest.param(signal.SIGTERM, "0", marks=LONG),
        pytest.param(signal.SIGINT, "2", marks=LONG),
    ],
)
def test_a_run_that_is_ended_from_outside_leaves_nothing_and_the_next_run_works(
    pytester: pytest.Pytester, base: Path, workers: str, number: signal.Signals
) -> None:
    pytester.makepyfile(HOLD)
    with inner_run(pytester.path, "-n", workers) as run:
        until((pytester.path / "ready").exists, seconds=60, what="the server")
        assert servers_of(base)
        if number == signal.SIGKILL:
            os.killpg(run.pid, number)
        else:
            run.send_signal(number)
        run.wait(timeout=60)
        # Workers that lose their controller in the middle of a test are ended by execnet, after 5 to 15 seconds.
        until(lambda: not _members(run.pid), seconds=60, what="the workers to end")
    until(lambda: not servers_of(base) and not left(base), seconds=30, what="every server and folder to go")
    pytester.makepyfile(SERVERS)
    pytester.runpytest_subprocess("--modssl").assert_outcomes(passed=12)
    assert left(base) == []
    assert servers_of(base) == []


INTERRUPTED = """
    from pytest_modssl import ServerConfig, VirtualHost
    from pytest_modssl.plugin import run_of

    def pytest_sessionstart(session):
        run = run_of(session.config)
        run.pool(run.targets[0]).get(ServerConfig(VirtualHost("a.test")), None)
        raise KeyboardInterrupt
"""


def test_a_session_that_is_interrupted_before_it_has_begun_leaves_nothing(
    pytester: pytest.Pytester, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # in this process
    pytester.makeconftest(INTERRUPTED)
    result = pytester.inline_run("--modssl", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert left(base) == []
    assert servers_of(base) == []


def test_two_runs_at_once_do_not_disturb_each_other(pytester: pytest.Pytester, base: Path) -> None:
    pytester.makepyfile(SERVERS)
    without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    command = [sys.executable, "-m", "pytest", "--modssl", "-q", *without]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=pytester.path)
        for _ in range(2)
    ]
    for run in runs:
        output, _ = run.communicate(timeout=100)
        assert "12 passed" in output, output
    assert left(base) == []
    assert servers_of(base) == []
