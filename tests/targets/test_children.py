"""Children of a process: which are there, which end, and how they ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.process import children, is_gone, stat_of
from pytest_modssl.targets.children import Children
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing else tells of children that have ended")


@pytest.fixture
def parent_of_one(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A shell with one child, which it leaves as the parameter says: their process ids."""
    command = ["sh", "-c", f"sleep 1000 & echo $!; {request.param}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            yield parent.pid, int(parent.stdout.readline())
        finally:
            parent.kill()


@pytest.mark.parametrize("parent_of_one", ["exec sleep 1000"], indirect=True)
def test_a_child_that_has_ended_is_seen_as_long_as_its_parent_does_not_ask_how(parent_of_one: tuple[int, int]) -> None:
    parent, child = parent_of_one
    _await_programs(parent, child)
    seen = Children()
    seen.look(parent)
    assert not seen.ending
    os.kill(child, signal.SIGKILL)
    until(lambda: _lost(seen, parent), seconds=10, what="its end")
    for _ in range(2):
        seen.look(parent)
        assert seen.ending
        assert seen.lost == [f"child {child} of httpd was ended by signal 9 (SIGKILL)"]


@pytest.mark.parametrize("parent_of_one", ["exec sleep 1000"], indirect=True)
@pytest.mark.parametrize(("number", "told"), [(signal.SIGSEGV, True), (signal.SIGTERM, False)])
def test_of_which_children_httpd_logs_how_they_ended_is_known(
    parent_of_one: tuple[int, int], number: signal.Signals, *, told: bool
) -> None:
    parent, child = parent_of_one
    _await_programs(parent, child)
    seen = Children()
    seen.look(parent)
    os.kill(child, number)
    until(lambda: _lost(seen, parent), seconds=10, what="its end")
    assert seen.crashed == ({str(child)} if told else set())


@pytest.mark.parametrize("parent_of_one", ["wait; exec sleep 1000"], indirect=True)
def test_a_child_whose_end_its_parent_has_asked_for_is_lost_once(parent_of_one: tuple[int, int]) -> None:
    parent, child = parent_of_one
    seen = Children()
    seen.look(parent)
    assert not seen.ending
    os.kill(child, signal.SIGKILL)
    until(lambda: _lost(seen, parent) and not children(parent), seconds=10, what="that its parent asks")
    seen.look(parent)
    assert not seen.ending
    assert len(seen.lost) == 1


def _await_programs(*pids: int) -> None:
    """A shell may ask between two commands, and loses signals; the programs in its place do neither."""
    until(lambda: all("(sleep)" in stat_of(str(one)) for one in pids), seconds=10, what="programs in place of shells")


def _lost(seen: Children, parent: int) -> list[str]:
    seen.look(parent)
    return seen.lost


def test_a_process_that_is_gone_has_no_child() -> None:
    with subprocess.Popen(["true"]) as process:
        until(lambda: is_gone(process.pid), seconds=10, what="its end")
    assert is_gone(process.pid)
    assert not is_gone(os.getpid())
    seen = Children()
    seen.look(process.pid)
    assert not seen.ending
    assert not seen.lost
    assert not stat_of(str(process.pid))


def test_what_the_kernel_tells_in_pieces_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_modssl.process._PIECE", 4)
    with (
        subprocess.Popen(["sh", "-c", "read line"], stdin=subprocess.PIPE) as one,
        subprocess.Popen(["sh", "-c", "read line"], stdin=subprocess.PIPE) as other,
    ):
        assert {str(one.pid), str(other.pid)} <= set(children(os.getpid()))


def test_a_name_like_the_end_of_a_process_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stat = "7 (a) Z 0) S 1 7 7 0 -1 4194560 100 200 0 0 1 2 3 4 20 0 1 0 500 1000 200 18446744073709551615 9\n"
    monkeypatch.setattr("pytest_modssl.targets.children.children", lambda _pid: ["7"])
    monkeypatch.setattr("pytest_modssl.targets.children.stat_of", lambda _pid: stat)
    seen = Children()
    seen.look(1)
    assert not seen.lost
