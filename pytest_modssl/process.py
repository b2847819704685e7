"""A process in a session of its own that ends with its owner, however that ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from typing import IO, TYPE_CHECKING

import psutil

from pytest_modssl.errors import WaitTimeoutError
from pytest_modssl.forks import close_in_forked
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# include/linux/sched.h
_PF_EXITING = 0x4
# proc_pid_stat(5): the name, which may hold anything, is in parentheses; state and flags are fields 3 and 9.
_STAT = re.compile(r"\) ([A-Za-z]) (?:-?\d+ ){5}(\d{1,10}) ")
# Fields 14 to 17: user and system time of the process, and of those of its children whose end it has asked for. They
# count in USER_HZ, which sysconf(_SC_CLK_TCK) tells (proc_pid_stat(5)).
_TIMES = re.compile(r"\((?P<name>[^()]*)\) [A-Za-z] (?:-?\d+ ){10}(?P<ticks>\d{1,20} \d{1,20} -?\d{1,20} -?\d{1,20}) ")
# Bytes to read at a time; stat has some hundred, and the ids of many children come in pieces of a page.
_PIECE = 4096
# The kernel keeps that much of a program's name (TASK_COMM_LEN in include/linux/sched.h).
_NAME_LENGTH = 15

# A shell stands between. It has one end of a pipe whose other end its owner holds: when that dies, however it does, the
# pipe ends. The shell, asked to end by one that watches the pipe, ends the program, and then what the program leaves in
# its group. An httpd that is ended while it starts leaves mod_cgid's daemon running (measured on httpd 2.4.71), as one
# that crashes leaves its children. The children of an httpd that was killed do not heed SIGTERM (event MPM, measured on
# 2.4.71): they are killed, by one that still is in the group when the keeper is gone.
# The shell is there before the program is to start: it takes 1 ms until it runs, in which its owner has things to do.
_KEEPER = """
read -r word || exit 1
[ "$word" = start ] || ulimit -c "$(ulimit -H -c)"
exec 3<&0 </dev/null
trap 'ended=1; [ -z "$child" ] || kill -TERM "$child"' TERM
"$@" 3<&- &
child=$!
# Of its own it has nothing to say: bash tells of every program that a signal ends.
exec 2>/dev/null
# The parent of prefork sends it to all of its group when it is to read its configuration again.
trap '' HUP
# It stays until it is killed below, also where prefork's parent, which ends, sends SIGTERM to its group: before, its id
# must not become another's. Where somebody has killed the keeper, it does what that would have done.
(
    trap '' TERM
    read -r word <&3
    if kill -TERM $$; then (trap - TERM; exec sleep 6); else kill -TERM 0; sleep 0.2; fi
    kill -KILL 0
) &
watcher=$!
exec 3<&-
status=127
[ -n "$ended" ] || { wait "$child"; status=$?; }
if [ -n "$ended" ]; then
    # A signal has ended the wait, or was there before it. One that has not come as far as its program loses a first
    # signal, as does an httpd between two generations.
    while kill -TERM "$child"; do sleep 0.02; done
    wait "$child"
    again=$?
    # Of a program whose status it has told already bash knows none any more.
    [ "$again" -eq 127 ] || status=$again
fi
kill -KILL "$watcher"
wait "$watcher"
trap '' TERM
kill -TERM 0
if [ "$status" -gt 128 ]; then (sleep 0.2; kill -KILL 0) & fi
exit "$status"
"""
# That of the system; tests have others in its place.
_SHELL = ("/bin/sh",)


class Process:
    """A program with its keeper: its start, its exit status, and its end. It ends when this process dies.

    The keeper, whose id `pid` is, leads a session and a group of its own (prefork's parent signals its whole group when
    it stops), to which all belongs that the program starts. The program's standard input is empty; its output goes to
    the files `stdout` and `stderr` of its folder.

    Args:
        command: program and arguments.
        folder: working folder, in which the files `stdout` and `stderr` are made.
        environment: the whole environment of the process.

    Raises:
        OSError: when there cannot be one more process.
    """

    def __init__(self, command: Sequence[str], folder: Path, *, environment: Mapping[str, str]) -> None:
        with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
            self._keeper = subprocess.Popen(
                [*_SHELL, "-c", _KEEPER, "keeper", *command],
                bufsize=0,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        self.pid = self._keeper.pid
        close_in_forked(self._pipe)

    def start(self, *, cores: bool = False) -> None:
        """Starts the program.

        Args:
            cores: whether a crash may leave a core. A shell begins with a limit of 0 for them in most places; up to the
                hard limit everybody may raise it.
        """
        with contextlib.suppress(BrokenPipeError):  # somebody has killed the keeper: its exit status tells
            self._pipe.write(b"start with cores\n" if cores else b"start\n")

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._keeper.stdin is not None
        return self._keeper.stdin

    @property
    def exit_status(self) -> int | None:
        """Exit status of the program, negative for a signal; `None` while it runs."""
        status = self._keeper.poll()
        if status is None:
            return None
        self._pipe.close()
        # A shell tells the signal that ended a program by a status above 128.
        return 128 - status if status > 128 else status

    def terminate(self) -> None:
        """Asks the program to end, again and again until it does (SIGTERM)."""
        if self.exit_status is None:
            os.kill(self.pid, signal.SIGTERM)

    def finish(self, *, seconds: float) -> None:
        """Waits until all of the session has ended; after `seconds` kills it."""
        try:
            until(lambda: self.exit_status is not None and _has_ended(self.pid), seconds=seconds, what="")
        except WaitTimeoutError:
            self.kill()

    def kill(self) -> None:
        """Kills the program, its keeper and all else in their session at once."""
        kill_session(self.pid)
        self._keeper.wait()
        self._pipe.close()
        with contextlib.suppress(WaitTimeoutError):
            until(lambda: not _members(self.pid), seconds=2, what="the session to be gone")


def start(command: Sequence[str], folder: Path, *, environment: Mapping[str, str]) -> Process:
    """A process whose program is started at once; arguments and errors as for `Process`."""
    process = Process(command, folder, environment=environment)
    process.start()
    return process


def children(pid: int) -> list[str]:
    """Process ids of a process's children; OSError where it is gone, and elsewhere than on Linux."""
    return _read(f"/proc/{pid}/task/{pid}/children").split()


def is_gone(pid: int) -> bool:
    """Whether a process has ended or is ending; elsewhere than on Linux it is never known, and so `False`."""
    stat = stat_of(str(pid))
    return ending_in(stat) or (not stat and bool(stat_of("self")))


def stat_of(pid: str) -> str:
    """The text of /proc/PID/stat (proc_pid_stat(5)); empty of a process that is gone, and elsewhere than on Linux."""
    try:
        return _read(f"/proc/{pid}/stat")
    except OSError:
        return ""


def _read(path: str) -> str:
    """A file that the kernel writes as it is read. For each test some are: `open` as text takes twice the time."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, _PIECE), b"")).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def ending_in(stats: str) -> bool:
    """Whether a process is ending, or has ended and waits until its parent asks how.

    Args:
        stats: the text of one or several files /proc/PID/stat, with any white space between the fields.
    """
    return any(state in "ZX" or int(flags) & _PF_EXITING for state, flags in _STAT.findall(stats))


def cpu_seconds_in(stats: str, program: str) -> float:
    """Seconds of CPU that all processes of a program have spent, with those of their children that have ended.

    Args:
        stats: as for `ending_in`.
        program: its file name.
    """
    mine = (found["ticks"] for found in _TIMES.finditer(stats) if found["name"] == program[:_NAME_LENGTH])
    return sum(int(one) for ticks in mine for one in ticks.split()) / os.sysconf("SC_CLK_TCK")


def kill_session(leader: int) -> None:
    """Kills all processes of a session and, first and at once, the group of the process that leads it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
    # gdb gives what it runs a group of its own.
    for one in _members(leader):
        with contextlib.suppress(psutil.Error):
            one.kill()


def _has_ended(leader: int) -> bool:
    """Whether nobody of a session runs; those count as ended whose parent has not asked how yet, or never will."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return not _members(leader)


def _members(session: int) -> list[psutil.Process]:
    """The processes of a session that have not ended."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(pid) == session and (one := psutil.Process(pid)).status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found
