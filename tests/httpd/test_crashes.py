"""What is told of a crash, for every way in which its core or backtrace can be missing."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.httpd.crashes import Crash, crash_under_gdb, crashes_in, examine, wants_cores
from pytest_modssl.httpd.errorlog import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_modssl.httpd.installation import Installation

DUMPED = "[core:notice] [pid 1] AH00051: child pid 77 exit signal Segmentation fault (11), possible coredump in /x"
PLAIN = "[core:notice] [pid 1:tid 1] AH00052: child pid 77 exit signal Aborted (6)"
FRAMES = "#0  raise () at x.c:1\n#0  raise () at x.c:1\n#1  0x1 in main ()\n"


def crash(
    installation: Installation,
    line: str,
    *,
    look: str = "unlimited\ncore\nwritable\n",
    cores: Sequence[str] = (),
    gdb: tuple[int, str] = (0, ""),
    folder: str = "/x",
) -> Crash:
    """The crash that a line tells of, on a machine that answers so: limit and pattern, files there are, gdb."""

    def run(
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        timeout: float = 0,
        account: tuple[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        if argv[0] == "gdb":
            return subprocess.CompletedProcess(argv, gdb[0], gdb[1], "gdb said this")
        if argv[3] == "look":
            return subprocess.CompletedProcess(argv, 0, look, "")
        wanted = f"{argv[4]}/{argv[5]}"
        return subprocess.CompletedProcess(argv, 0, f"{argv[5]}\n" if wanted in cores else "", "")

    (record,) = crashes_in(parse(f"[Wed Nov 25 22:56:00.420778 2026] {line}\n"))
    return examine(replace(installation, run=run), record, folder=folder)


@pytest.mark.parametrize(
    ("line", "machine", "lacking"),
    [
        (
            DUMPED,
            {"look": "unlimited\n|/lib/systemd-coredump %P\n"},
            "hands them to a program .*coredumpctl",
        ),
        (DUMPED, {}, "it is not where kernel.core_pattern says"),
        (PLAIN, {"look": "0\ncore\nwritable\n"}, "the limit for them is 0 here"),
        (PLAIN, {"folder": ""}, "no CoreDumpDirectory is set"),
        (PLAIN, {"look": "unlimited\ncore\n"}, "may not write to CoreDumpDirectory /x"),
        (PLAIN, {}, "though CoreDumpDirectory is set"),
        (DUMPED, {"cores": ["/x/core"], "gdb": (127, "")}, "there is no gdb; install it"),
        (DUMPED, {"cores": ["/x/core"], "gdb": (1, "")}, "it said last: gdb said this"),
        (DUMPED, {"cores": ["/x/core"], "gdb": (0, f"[New LWP 78]\n{FRAMES}")}, "is that of another process"),
    ],
)
def test_it_is_told_why_there_is_no_core_or_no_backtrace(
    local_installation: Installation, line: str, machine: dict[str, object], lacking: str
) -> None:
    found = crash(local_installation, line, **machine)  # type: ignore[arg-type] # of a table
    assert found.pid == 77
    assert found.backtrace == ()
    assert re.search(lacking, found.lacking)
    assert found.lacking in str(found)


@pytest.mark.parametrize(
    ("pattern", "core"),
    [("core", "/x/core"), ("core", "/x/core.77"), ("/var/c/%e.%p", "/var/c/*.77"), ("c%%-%s", "/x/c%-*")],
)
def test_a_core_is_found_by_the_kernels_pattern_and_read_by_gdb(
    local_installation: Installation, pattern: str, core: str
) -> None:
    look = f"unlimited\n{pattern}\nwritable\n"
    found = crash(local_installation, DUMPED, look=look, cores=[core], gdb=(0, f"[New LWP 77]\n{FRAMES}"))
    assert found.core == core
    assert found.backtrace == ("#0  raise () at x.c:1", "#1  0x1 in main ()")
    assert (found.signal, found.lacking) == ("Segmentation fault (11)", "")


def test_gdb_tells_of_a_crash_of_what_it_runs() -> None:
    assert crash_under_gdb("[New Thread 0x7f]\n") is None
    found = crash_under_gdb(f'Thread 5 "apache2" received signal SIGSEGV, Segmentation fault.\n{FRAMES}')
    assert found is not None
    assert (found.pid, found.signal, len(found.backtrace)) == (None, "Segmentation fault", 2)


def test_words_of_the_stack_are_no_frames() -> None:
    named = "#0  0x1 in a () from /x.so\n#1  0x2 in ?? ()\n#2  0x3 in ?? ()\n#3  0x4 in b ()\n"
    words = "".join(f"#{number}  0x3832343331206469 in ?? ()\n" for number in range(5, 20))
    found = crash_under_gdb(f"received signal SIGSEGV, Segmentation fault.\n{named}#4  0x5 in ?? ()\n{words}")
    assert found is not None
    assert [one.partition("  ")[0] for one in found.backtrace] == ["#0", "#1", "#2", "#3", "#4"]


def test_cores_are_allowed_where_a_configuration_says_where_they_go() -> None:
    assert wants_cores("  coredumpdirectory /x\n")
    assert not wants_cores("# CoreDumpDirectory /x\n")
