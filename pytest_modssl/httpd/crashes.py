"""Processes of httpd that a signal ended: which, where the kernel left the core, and the backtrace that gdb reads.

A core holds all that the process had in memory, private keys among it: it is read where it is, and goes nowhere else.
Backtraces are made without arguments, which may be passwords.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_modssl.httpd.syntax import directives_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.httpd.installation import Installation

Backtrace: TypeAlias = Literal["core", "gdb"]
"""How to have a backtrace: of the core that a child leaves, or of an httpd that runs as one process under gdb."""

CRASHES = frozenset({"AH00051", "AH00052"})
"""How httpd logs a child that a signal ended, with a core as the kernel says and without (server/mpm_unix.c)."""

# ap_process_child_status in server/mpm_unix.c, which names CoreDumpDirectory, or ServerRoot without it.
_LINE = re.compile(
    r"child pid (?P<pid>\d+) exit signal (?P<signal>.+ \(\d+\))(?:, possible coredump in (?P<folder>.+))?"
)
_RECEIVED = re.compile(r"received signal SIG\w+, (?P<signal>.*)\.$", re.MULTILINE)
_FRAME = re.compile(r"#(\d+) .*")
# core(5): what may stand after "%" in kernel.core_pattern.
_SPECIFIER = re.compile(r"%.")
# 0.5 s for an httpd without symbols, 2 s with them (measured with gdb 13.1); a busy machine gets a lot more.
_GDB_SECONDS = 20.0
# The stack of a request is 20 to 40 frames deep; one that recurs without an end shows its beginning.
_FRAMES = 60
# So many nameless frames in a row are none.
_LOST = 3
# No address of a server of symbols: gdb would ask it, and the network is not ours.
_QUIET = {"DEBUGINFOD_URLS": ""}
_WITHOUT_ARGUMENTS = "set print frame-arguments none"
# The hard limit, where the kernel puts cores, and whether the children may write there ($1).
_LOOK = 'ulimit -H -c; cat /proc/sys/kernel/core_pattern 2>/dev/null || echo; [ -w "$1" ] && echo writable'
_LIST = 'cd "$1" 2>/dev/null && ls -t -d -- $2 2>/dev/null'

DEBUGGED = f"""\
set confirm off
set pagination off
set startup-with-shell off
{_WITHOUT_ARGUMENTS}
handle SIGTERM SIGINT SIGHUP SIGUSR1 SIGWINCH SIGPIPE SIGCHLD nostop noprint pass
run
if $_isvoid($_exitcode)
  backtrace {_FRAMES}
  kill
  quit 139
end
quit $_exitcode
"""
"""Commands of gdb that run a program, print a backtrace if a signal ends it, and end as it does."""

UNDER_GDB = """
"$0" "$@" &
gdb=$!
trap 'kill -TERM "$gdb" 2>/dev/null' TERM
wait "$gdb"
status=$?
while kill -0 "$gdb" 2>/dev/null; do wait "$gdb"; status=$?; done
for file in /proc/[0-9]*/stat; do
    read -r line 2>/dev/null <"$file" || continue
    pid=${file#/proc/}
    pid=${pid%/stat}
    set -- ${line##*) }
    if [ "$4" = "$PPID" ] && [ "$pid" != "$$" ] && [ "$pid" != "$PPID" ]; then kill -KILL "$pid" 2>/dev/null; fi
done
exit "$status"
"""
"""A script of sh(1) that runs gdb, hands SIGTERM on to it, and leaves nothing of what gdb ran.

gdb gives that a process group of its own, in which it may leave processes, such as the daemon of mod_cgid (measured
with gdb 13.1). Their session is still that of the script's parent, which leads it. Of /proc/PID/stat the fields after
the name are state, parent, group, and session (proc_pid_stat(5)).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """A process of httpd that a signal ended.

    Attributes:
        said: what told of it: the line of httpd's log with its number, or gdb's words.
        pid: of the process; `None` where that is not told.
        signal: name and number as httpd logs them: "Segmentation fault (11)".
        core: path of the core, where httpd is; empty where there is none, or none that can be found.
        backtrace: the frames, innermost first; empty where there is none.
        lacking: why there is no core, or no backtrace, and what to do about it; empty where both are there.
    """

    said: str
    pid: int | None = None
    signal: str
    core: str = ""
    backtrace: tuple[str, ...] = ()
    lacking: str = ""

    def __str__(self) -> str:
        lines = [self.said]
        lines += [f"  core: {self.core}"] if self.core else []
        lines += [f"  {one}" for one in self.backtrace]
        lines += [f"  {self.lacking}"] if self.lacking else []
        return "\n".join(lines)


def crashes_in(records: Sequence[LogRecord]) -> list[LogRecord]:
    """The lines that tell of a child that a signal ended."""
    return [one for one in records if one.ah in CRASHES]


def wants_cores(configuration: str) -> bool:
    """Whether a configuration says where cores go, so that its httpd is to be allowed to leave some."""
    return any(one.name.lower() == "coredumpdirectory" for one in directives_in(configuration))


def examine(
    installation: Installation, record: LogRecord, *, folder: str, account: tuple[str, str] | None = None
) -> Crash:
    """All that can be known of a crash, by the log's line about it; runs gdb where there is a core.

    Args:
        installation: the httpd; runs commands where it is.
        record: the line.
        folder: `CoreDumpDirectory` as configured; empty without one.
        account: that of the children, where it is another than that of their parent.
    """
    found = _LINE.search(record.message)
    pid, signal = (int(found["pid"]), found["signal"]) if found else (None, "an unknown signal")
    limit, pattern, *rest = (
        *installation.run(["sh", "-c", _LOOK, "look", folder or "/"], account=account).stdout.splitlines(),
        "",
        "",
    )[:3]
    said = f"{record.ah}: {record.message}"
    if pattern.startswith("|"):
        lacking = (
            f"no core: this kernel hands them to a program (kernel.core_pattern is {pattern}); ask that one "
            "(coredumpctl for systemd-coredump, /var/crash for apport), or run with --modssl-backtrace gdb"
        )
        return Crash(said=said, pid=pid, signal=signal, lacking=lacking)
    core = "" if found is None or not found["folder"] else _core(installation, pattern, found["folder"], pid)
    if not core:
        lacking = _why_no_core(limit, folder, written=bool(found and found["folder"]), writable="writable" in rest)
        return Crash(said=said, pid=pid, signal=signal, lacking=lacking)
    frames, lacking = _backtrace(installation, core, pid)
    return Crash(said=said, pid=pid, signal=signal, core=core, backtrace=frames, lacking=lacking)


def crash_under_gdb(output: str) -> Crash | None:
    """The crash that gdb tells of, of an httpd that it ran by `DEBUGGED`; `None` where there was none.

    Args:
        output: what gdb has printed by now.
    """
    found = _RECEIVED.search(output)
    if found is None:
        return None
    return Crash(said=f"gdb: httpd {found[0]}", signal=found["signal"], backtrace=_frames(output))


def _core(installation: Installation, pattern: str, folder: str, pid: int | None) -> str:
    """Path of the newest core that may be that of a process; empty where none is found."""
    place, name = posixpath.split(posixpath.join(folder, pattern or "core"))
    glob = _SPECIFIER.sub(lambda one: {"%p": str(pid), "%%": "%"}.get(one[0], "*"), name)
    # With kernel.core_uses_pid the number comes behind a pattern that does not have it.
    globs = [glob] if "%p" in pattern else [f"{glob}.{pid}", glob]
    for one in globs:
        listed = installation.run(["sh", "-c", _LIST, "list", place, one]).stdout.splitlines()
        if listed:
            return posixpath.join(place, listed[0])
    return ""


def _why_no_core(limit: str, folder: str, *, written: bool, writable: bool) -> str:
    if written:
        return "no core: the kernel says that it wrote one, but it is not where kernel.core_pattern says"
    if limit == "0":
        return "no core: the limit for them is 0 here (ulimit -H -c); raise it, or run with --modssl-backtrace gdb"
    if not folder:
        return (
            "no core: no CoreDumpDirectory is set; run with --modssl-backtrace core, or set one that httpd's children "
            'may write to: CoreDumpDirectory "${MODSSL_RUN}"'
        )
    if not writable:
        return f"no core: httpd's children may not write to CoreDumpDirectory {folder}; let it belong to their User"
    # A child whose stack is full runs no handler of signals, and it is such a one that changes to the folder.
    return "no core, though CoreDumpDirectory is set, as where a stack is full; run with --modssl-backtrace gdb"


def _backtrace(installation: Installation, core: str, pid: int | None) -> tuple[tuple[str, ...], str]:
    """The frames of a core; where there are none, why."""
    command = ["gdb", "-batch", "-nx", "-ex", _WITHOUT_ARGUMENTS, "-ex", f"backtrace {_FRAMES}"]
    ran = installation.run([*command, installation.command[0], core], env=_QUIET, timeout=_GDB_SECONDS)
    frames = _frames(ran.stdout)
    if frames and pid is not None and f"LWP {pid}]" not in ran.stdout:
        return (), f"no backtrace: {core} is that of another process, which crashed later"
    if frames:
        return frames, ""
    if ran.returncode in {126, 127}:
        return (), f"no backtrace: where httpd runs there is no gdb; install it, then: gdb {installation.binary} {core}"
    said = (ran.stderr or ran.stdout).strip().splitlines()
    return (), f"no backtrace: gdb read none from the core; it said last: {said[-1] if said else 'nothing'}"


def _frames(output: str) -> tuple[str, ...]:
    """The frames that gdb printed last; it prints the innermost one also when it stops.

    Where it does not know the program it takes any words of the stack for addresses, and what they are nobody knows.
    """
    frames: list[str] = []
    for line in output.splitlines():
        found = _FRAME.fullmatch(line)
        if found is not None:
            frames = [line] if found[1] == "0" else [*frames, line]
    nameless = [one.endswith(" in ?? ()") for one in frames]
    lost = next((at for at in range(len(frames)) if sum(nameless[at : at + _LOST]) == _LOST), len(frames))
    return tuple(frames[: lost + 1])
