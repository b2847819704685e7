"""Patterns of tables that never end."""

from __future__ import annotations

import re
import signal

import pytest

from pytest_modssl.errors import TableError
from pytest_modssl.repo import patterns


def test_a_pattern_that_never_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    with pytest.raises(TableError, match=r"the pattern '\(a\+\)\+b' was not done with 50 characters in 0.05 s"):
        patterns.search(re.compile("(a+)+b"), "a" * 50)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_others_are_found_or_not() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    assert patterns.search(re.compile("b$"), "ab")
    assert not patterns.search(re.compile("^b"), "ab")
    assert signal.getsignal(signal.SIGVTALRM) == before
