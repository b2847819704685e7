"""Searches for the patterns of a table, which come to an end: some patterns take longer than anybody lives."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import TableError

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

SECONDS: Final = 5.0
"""Of a processor, for one search; an ordinary one in a page of a megabyte takes a hundredth of one."""


def search(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a pattern is found in a text.

    Raises:
        TableError: when the search takes too long.
    """
    try:
        with _limited():
            return pattern.search(text) is not None
    except TimeoutError:
        raise TableError(
            f"the pattern {pattern.pattern!r} was not done with {len(text)} characters in {SECONDS:g} s: what is "
            "repeated in it is repeated again (as in (a+)+): write it so that a text fits in one way alone"
        ) from None


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raises `TimeoutError` in a search that lasts: `re` looks for signals, which only the main thread gets.

    The timer counts the time of the processor, and is none that pytest-timeout uses (setitimer(2), ITIMER_VIRTUAL).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_signal: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, over)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
