"""Children of a process: which are there, which end, and how they ended."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_modssl.process import children, is_gone, stat_of
from pytest_modssl.targets.children import Children
from pytest_modssl.wait import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing else tells of children that have ended")


def test_a_child_that_has_ended_is_seen_until_its_parent_asks_how() -> None:
    seen = Children()

    def ending() -> bool:
        seen.look(os.getpid())
        return seen.ending

    with subprocess.Popen(["sh", "-c", "read line"], stdin=subprocess.PIPE) as child:
        assert not ending()
        assert not seen.none
        child.kill()
        until(ending, seconds=10, what="its end")
        until(lambda: ending() and seen.lost, seconds=10, what="how it ended")
        assert seen.lost == [f"child {child.pid} of httpd was ended by signal 9 (SIGKILL)"]
    assert not ending()
    assert len(seen.lost) == 1


def test_a_process_that_is_gone_has_no_child() -> None:
    with subprocess.Popen(["true"]) as process:
        until(lambda: is_gone(process.pid), seconds=10, what="its end")
    assert is_gone(process.pid)
    assert not is_gone(os.getpid())
    seen = Children()
    seen.look(process.pid)
    assert seen.none
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
