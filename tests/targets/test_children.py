"""Children of a process: which are there, which end, and how they ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pytest_modssl.process import children, is_gone, stat_of
from pytest_modssl.targets.children import Children
from pytest_modssl.wait import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing else tells of children that have ended")


@pytest.mark.parametrize("then", ["exec sleep 1000", "wait; exec sleep 1000"])
def test_a_child_that_has_ended_is_seen_until_its_parent_asks_how(then: str) -> None:
    seen = Children()
    command = ["sh", "-c", f"sleep 1000 & echo $!; {then}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())

        def look() -> Children:
            seen.look(parent.pid)
            return seen

        assert not look().ending
        os.kill(child, signal.SIGKILL)
        until(lambda: look().lost, seconds=10, what="its end")
        assert len(seen.lost) == 1
        if then.startswith("wait"):
            until(lambda: not children(parent.pid), seconds=10, what="that its parent asks")
            assert not look().ending
        else:
            assert look().ending
            assert seen.lost == [f"child {child} of httpd was ended by signal 9 (SIGKILL)"]
        assert len(seen.lost) == 1
        parent.kill()


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
