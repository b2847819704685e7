"""What waits for ever is ended when its time is over, and by no more threads than one."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from pytest_modssl.wait import limited, until


def watching() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "modssl limits"]


def test_a_block_that_takes_too_long_is_ended_and_no_sooner() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, limited(0.4, lambda: ours.shutdown(socket.SHUT_RDWR)):
        began = time.monotonic()
        assert ours.recv(1) == b""
        assert time.monotonic() - began >= 0.4


def test_one_thread_looks_after_all_blocks_and_goes_when_none_is_left() -> None:
    ended = threading.Event()
    with limited(60, ended.set), limited(60, ended.set):
        assert len(watching()) == 1
        with limited(0, ended.set):
            assert ended.wait(30)
        ended.clear()
    until(lambda: not watching(), seconds=30, what="the thread to go")
    assert not ended.is_set()


def test_a_block_that_is_late_and_cannot_be_ended_does_no_harm_to_the_others() -> None:
    tried, ended = threading.Event(), threading.Event()

    def gone() -> None:
        tried.set()
        raise OSError("the socket is closed")

    with limited(0, gone):
        assert tried.wait(30)
        with limited(0, ended.set):
            assert ended.wait(30)


def test_what_a_block_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError), limited(60, lambda: None):
        _ = 1 / 0
