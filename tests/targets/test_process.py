"""A started process: its end, its group, and that it does not outlive its owner."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl.process import _has_ended, cpu_seconds_in, kill_session, start
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


ENVIRONMENT = {"PATH": os.environ["PATH"]}
# What /bin/sh is: dash on Debian, bash on Fedora, RHEL and macOS, busybox on Alpine.
SHELLS = {"sh": ("/bin/sh",), "bash": ("bash", "--posix"), "busybox": ("busybox", "sh")}


@pytest.fixture(autouse=True, params=[name for name, (program, *_) in SHELLS.items() if shutil.which(program)])
def shell(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The shell that keepers are run by."""
    monkeypatch.setattr("pytest_modssl.process._SHELL", SHELLS[request.param])
    return SHELLS[request.param]


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


def test_one_that_loses_signals_is_asked_until_it_ends(tmp_path: Path) -> None:
    program = "trap '' TERM; echo on; sleep 0.2; trap - TERM; sleep 1000"
    process = start(["sh", "-c", program], tmp_path, environment=ENVIRONMENT)
    until((tmp_path / "stdout").read_text, seconds=10, what="the trap")
    process.terminate()
    process.finish(seconds=10)
    assert process.exit_status == -signal.SIGTERM
    process.terminate()


HEEDS_HANGUPS = """
import signal
signal.signal(signal.SIGHUP, lambda *_: print("again", flush=True))
print("on", flush=True)
while True:
    signal.pause()
"""


def test_a_hangup_of_its_whole_group_is_the_programs_own(tmp_path: Path) -> None:
    """As the parent of prefork sends it when it is to read its configuration again."""
    process = start([sys.executable, "-c", HEEDS_HANGUPS], tmp_path, environment=ENVIRONMENT)
    until((tmp_path / "stdout").read_text, seconds=10, what="the program")
    os.killpg(process.pid, signal.SIGHUP)
    until(lambda: "again" in (tmp_path / "stdout").read_text(), seconds=10, what="the signal")
    assert process.exit_status is None
    process.terminate()
    process.finish(seconds=10)
    assert process.exit_status == -signal.SIGTERM


def test_what_has_a_group_of_its_own_is_killed_with_the_session(tmp_path: Path) -> None:
    """As what gdb runs has."""
    program = "import os, time; os.setpgid(0, 0); print(os.getpid(), flush=True); time.sleep(1000)"
    process = start(["sh", "-c", f"'{sys.executable}' -c '{program}'; :"], tmp_path, environment=ENVIRONMENT)
    until((tmp_path / "stdout").read_text, seconds=10, what="its id")
    process.kill()
    assert not _alive(int((tmp_path / "stdout").read_text()))


def test_who_has_ended_and_is_not_asked_how_is_no_member_of_a_session() -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as leader:
        assert not _has_ended(leader.pid)
        kill_session(leader.pid)
        until(lambda: _has_ended(leader.pid), seconds=10, what="its end")
        os.killpg(leader.pid, 0)


def test_it_ends_when_its_keeper_alone_is_killed(tmp_path: Path) -> None:
    process = start(
        ["sh", "-c", "trap 'echo asked; exit' TERM; echo on; while :; do sleep 0.01; done"],
        tmp_path,
        environment=ENVIRONMENT,
    )
    until((tmp_path / "stdout").read_text, seconds=10, what="the trap")
    os.kill(process.pid, signal.SIGKILL)
    process.finish(seconds=30)
    assert process.exit_status == -signal.SIGKILL
    assert (tmp_path / "stdout").read_text() == "on\nasked\n"
    assert not _group(process.pid)


# A process that is forked, and executes nothing, lives on beside it.
OWNER = """
import os, signal, sys
from pathlib import Path
import pytest_modssl.process

pytest_modssl.process._SHELL = {shell}
process = pytest_modssl.process.Process(sys.argv[2:], Path(sys.argv[1]), environment={{"PATH": os.environ["PATH"]}})
if {started}:
    process.start()
forked = os.fork()
if not forked:
    signal.pause()
print(process.pid, forked, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def _killed_owner(folder: Path, shell: tuple[str, ...], *command: str, started: bool) -> Iterator[int]:
    """The group of a process whose owner is killed when the block ends; what is forked from the owner lives on."""
    code = OWNER.format(shell=shell, started=started)
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    forked = 0
    with owner:
        assert owner.stdout is not None
        try:
            pid, forked = map(int, owner.stdout.readline().split())
            yield pid
            owner.kill()
            until(lambda: not _group(pid), seconds=30, what="the process to end with its owner")
            assert _alive(forked)
        finally:
            owner.kill()
            if forked:
                os.kill(forked, signal.SIGKILL)


def test_one_that_was_not_told_to_start_ends_with_its_owner_and_has_run_nothing(
    tmp_path: Path, shell: tuple[str, ...]
) -> None:
    with _killed_owner(tmp_path, shell, "sh", "-c", "echo ran", started=False) as pid:
        assert _alive(pid)
    assert (tmp_path / "stdout").read_text() == ""


@pytest.mark.parametrize("program", ["sleep 1000", "sleep 1000 & sleep 1000", "trap '' HUP; (exec sleep 1000) & wait"])
def test_it_ends_with_all_that_it_started_when_its_owner_is_killed(
    tmp_path: Path, shell: tuple[str, ...], program: str
) -> None:
    with _killed_owner(tmp_path, shell, "sh", "-c", program, started=True) as pid:
        until(lambda: len(_group(pid)) > 2, seconds=10, what="the program")


def test_it_ends_when_its_keeper_and_then_its_owner_are_killed(tmp_path: Path, shell: tuple[str, ...]) -> None:
    with _killed_owner(tmp_path, shell, "sleep", "1000", started=True) as pid:
        until(lambda: len(_group(pid)) > 2, seconds=10, what="the program")
        os.kill(pid, signal.SIGKILL)
