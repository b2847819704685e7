"""Work that takes seconds, told while it goes on: as lines, or as one line of a terminal that is written anew."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_modssl.text import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How often a line is written anew in which nothing but the seconds has changed.
_TICK_SECONDS = 1.0
# How often work is looked at that does not tell how far it is.
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Step:
    """What is being done, and how far that is.

    Attributes:
        what: in a few words; a step is the same as long as they are.
        done: how much of it is done, where that is known.
        total: how much it is in all, where that is known.
        unit: of both, for example "MB"; empty for things that are counted.
    """

    what: str
    done: float | None = None
    total: float | None = None
    unit: str = ""

    @property
    def count(self) -> str:
        """As "3/7" or "3.2/8.1 MB"; empty where nothing is known."""
        known = [one for one in (self.done or None, self.total) if one is not None]
        shown = "/".join(f"{one:.1f}" if self.unit else f"{one:g}" for one in known)
        return f"{shown} {self.unit}".strip() if shown else ""

    def __str__(self) -> str:
        return f"{self.what} ({self.count})" if self.count else self.what


Say: TypeAlias = "Callable[[Step | str], None]"
"""Is told of each step, as often as it has come further, and in a plain text of what is to be read: how it ended."""


def silent(_told: Step | str) -> None:
    """Tells nobody."""


def in_lines(write: Callable[[str], None]) -> Say:
    """Tells each step once, when it begins.

    Args:
        write: takes a line, without its end.
    """
    last = ""

    def say(told: Step | str) -> None:
        nonlocal last
        what = told.what if isinstance(told, Step) else ""
        if not what or what != last:
            write(str(told))
        last = what

    return say


class Live:
    """Tells each step in one line that is written anew, with the seconds that it has taken.

    Args:
        rewrite: puts a text in place of the line where the cursor is, which it does not end.
        write: puts a text there that stays, and ends the line.
        width: gives the columns of the terminal.
    """

    def __init__(self, rewrite: Callable[[str], None], write: Callable[[str], None], width: Callable[[], int]) -> None:
        self._rewrite = rewrite
        self._write = write
        self._width = width
        self._lock = threading.Lock()
        self._step: Step | None = None
        self._began = 0.0
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def __call__(self, told: Step | str) -> None:
        """Takes what is told; see `Say`."""
        with self._lock:
            if isinstance(told, str):
                self._clear()
                self._write(told)
                return
            if self._step is None or self._step.what != told.what:
                self._began = time.monotonic()
            self._step = told
            self._draw()

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Counts the seconds of a step also while it tells nothing, until the block ends; the line is empty then."""
        self._over.clear()
        self._ticker = threading.Thread(target=self._tick, name="modssl progress", daemon=True)
        self._ticker.start()
        try:
            yield
        finally:
            self._over.set()
            self._ticker.join()
            self.clear()

    def clear(self) -> None:
        """Leaves an empty line where a step was told."""
        with self._lock:
            self._clear()

    def _clear(self) -> None:
        if self._step is not None:
            self._rewrite("")
        self._step = None

    def _tick(self) -> None:
        while not self._over.wait(_TICK_SECONDS):
            with self._lock:
                if self._step is not None:
                    self._draw()

    def _draw(self) -> None:
        assert self._step is not None
        count = f"  {self._step.count}" if self._step.count else ""
        end = f"{count}  {time.monotonic() - self._began:.0f} s"
        # The last column stays free: a terminal would go to the next line.
        room = max(0, self._width() - len(end) - 1)
        self._rewrite(f"{cut(self._step.what, room)}{end}")


@contextmanager
def looking(say: Say, step: Callable[[], Step]) -> Iterator[None]:
    """Tells how far work is that does not tell it, while the block does it.

    Args:
        say: is told.
        step: looks how far it is.
    """
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            say(step())

    say(step())
    watcher = threading.Thread(target=look, name="modssl progress of work", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
