"""A started process: its end, its group, and that it does not outlive its owner."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl.errors import WaitTimeoutError
from pytest_modssl.process import cpu_seconds_in, start
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.process import Process

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _group(leader: int) -> list[int]:
    return [one.pid for one in psutil.process_iter() if _group_of(one.pid) == leader and _alive(one.pid)]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_it_leads_a_session_of_its_own_with_empty_input_and_output_in_files(tmp_path: Path) -> None:
    process = start(["sh", "-c", "read line || echo eof; echo err >&2; sleep 1000"], tmp_path, environment=ENVIRONMENT)
    until((tmp_path / "stderr").read_text, seconds=10, what="its output")
    assert os.getsid(process.pid) == os.getpgid(process.pid) == process.pid
    process.kill()
    assert (tmp_path / "stdout").read_text() == "eof\n"
    assert (tmp_path / "stderr").read_text() == "err\n"


def test_a_program_that_is_not_there_ends_at_once(tmp_path: Path) -> None:
    process = start([str(tmp_path / "nothing")], tmp_path, environment=ENVIRONMENT)
    process.finish(seconds=10)
    assert process.exit_status == 127
    assert "nothing" in (tmp_path / "stderr").read_text()


def test_one_that_ignores_sigterm_is_killed_at_the_deadline(tmp_path: Path) -> None:
    process = start(["sh", "-c", "trap '' TERM; echo on; sleep 1000"], tmp_path, environment=ENVIRONMENT)
    until((tmp_path / "stdout").read_text, seconds=10, what="the trap")
    os.kill(process.pid, signal.SIGTERM)
    process.finish(seconds=0.05)
    assert process.exit_status == -signal.SIGKILL


def test_the_exit_status_is_the_programs_own(tmp_path: Path) -> None:
    for command, status in (("exit 3", 3), ("kill -9 $$", -9), ("kill -11 $$", -11), ("exit 0", 0)):
        process = start(["sh", "-c", command], tmp_path, environment=ENVIRONMENT)
        process.finish(seconds=10)
        assert process.exit_status == status


def test_children_of_one_that_died_are_ended_too(tmp_path: Path) -> None:
    process = start(["sh", "-c", "sleep 1000 & echo $!; kill -9 $$"], tmp_path, environment=ENVIRONMENT)
    process.finish(seconds=10)
    assert process.exit_status == -signal.SIGKILL
    assert not _alive(int((tmp_path / "stdout").read_text()))


def test_children_that_do_not_heed_sigterm_are_killed_when_it_died(tmp_path: Path) -> None:
    program = "(trap '' TERM; echo on; exec sleep 1000) & until [ -s stdout ]; do :; done; kill -9 $$"
    process = start(["sh", "-c", program], tmp_path, environment=ENVIRONMENT)
    until(lambda: process.exit_status is not None, seconds=10, what="its end")
    assert process.exit_status == -signal.SIGKILL
    until(lambda: not _group(process.pid), seconds=30, what="the end of its child")


def test_cpu_time_is_that_of_a_program_s_processes_and_of_their_children_that_have_ended() -> None:
    line = "{} ({}) S 1 7 7 0 -1 4194560 100 200 0 0 {} 20 0 1 0 500 1000 200 18446744073709551615"
    stats = "\n".join(
        [
            line.format(7, "apache2", "10 20 300 400"),
            line.format(8, "apache2", "1 2 0 0"),
            line.format(9, "sh", "5000 5000 5000 5000"),
            line.format(10, "my httpd) S 1 (", "5000 5000 5000 5000"),
        ]
    )
    ticks = os.sysconf("SC_CLK_TCK")
    assert cpu_seconds_in(stats, "apache2") == pytest.approx(733 / ticks)
    assert cpu_seconds_in(" ".join(stats.split()), "apache2") == pytest.approx(733 / ticks)
    assert cpu_seconds_in(stats, "httpd") == 0
    assert cpu_seconds_in(line.format(7, "a-very-long-nam", "1 0 0 0"), "a-very-long-name-of-an-httpd") == 1 / ticks


def test_to_kill_one_that_has_ended_does_nothing(tmp_path: Path) -> None:
    process = start(["true"], tmp_path, environment=ENVIRONMENT)
    process.finish(seconds=10)
    process.kill()
    assert process.exit_status == 0


def test_it_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[Process] = []
    thread = threading.Thread(
        target=lambda: started.append(start(["sleep", "1000"], tmp_path, environment=ENVIRONMENT))
    )
    thread.start()
    thread.join()
    with pytest.raises(WaitTimeoutError):
        until(lambda: started[0].exit_status is not None, seconds=0.1, what="an end that must not come")
    started[0].kill()


def test_one_that_was_not_told_to_start_ends_with_its_owner_and_has_run_nothing(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from pytest_modssl.process import Process
        process = Process(["sh", "-c", "echo ran"], Path(sys.argv[1]), environment={"PATH": os.environ["PATH"]})
        print(process.pid, flush=True)
        sys.stdin.read()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert _alive(pid)
        owner.kill()
    until(lambda: not _group(pid), seconds=30, what="its end")
    assert (tmp_path / "stdout").read_text() == ""


@pytest.mark.parametrize("program", ["sleep 1000", "sleep 1000 & sleep 1000", "trap '' HUP; (exec sleep 1000) & wait"])
def test_it_ends_with_all_that_it_started_when_its_owner_is_killed(tmp_path: Path, program: str) -> None:
    code = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from pytest_modssl.process import start
        command = ["sh", "-c", sys.argv[2]]
        print(start(command, Path(sys.argv[1]), environment={"PATH": os.environ["PATH"]}).pid, flush=True)
        sys.stdin.read()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        until(lambda: len(_group(pid)) > 1, seconds=10, what="the program")
        owner.kill()
    until(lambda: not _group(pid), seconds=30, what="the process to end with its owner")
