"""Waiting for a condition, with a short back-off and a deadline, never for a fixed time; and an end to what waits."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, TypeVar

from pytest_modssl.errors import WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")

# A pause that is a fixed part of the time already waited never loses more than that part; 10 ms keeps long waits cheap.
_SHORTEST = 0.0005
_LONGEST = 0.010
_PART = 0.02

_LOOK_SECONDS = 0.25


def until(condition: Callable[[], _T | None], *, seconds: float, what: str) -> _T:
    """What `condition` returned as soon as that was neither `None` nor false.

    Args:
        condition: asked at once, then again after pauses that grow with the time waited, from 0.5 ms to 10 ms.
        seconds: deadline, counted from the call.
        what: what is awaited, for the message.

    Raises:
        WaitTimeoutError: when the deadline passes.
    """
    started = time.monotonic()
    while True:
        result = condition()
        if result:
            return result
        waited = time.monotonic() - started
        if waited >= seconds:
            raise WaitTimeoutError(f"waited {seconds:g} s for {what}, in vain")
        time.sleep(min(max(waited * _PART, _SHORTEST), _LONGEST))


@contextlib.contextmanager
def limited(seconds: float, end: Callable[[], object]) -> Iterator[None]:
    """A block that waits for what has no deadline of its own: `end` is called when the block takes too long.

    One thread looks after all blocks of a process, as a thread for each would cost what a fast one takes.

    Args:
        seconds: how long the block may take; up to a quarter of a second more has passed when `end` is called.
        end: makes the block end. It is called once at most, in another thread; an OSError of it is passed over, as it
            tells that there is nothing more to end.
    """
    place = _GUARD.begin(time.monotonic() + seconds, end)
    try:
        yield
    finally:
        _GUARD.done(place)


class _Guard:
    """The blocks that go on, and the thread that ends those that are late; there is none while no block goes on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: dict[object, tuple[float, Callable[[], object]]] = {}
        self._thread: threading.Thread | None = None

    def begin(self, deadline: float, end: Callable[[], object]) -> object:
        place = object()
        with self._lock:
            self._blocks[place] = (deadline, end)
            # It is not alive in a process that was forked meanwhile.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="modssl limits", daemon=True)
                self._thread.start()
        return place

    def done(self, place: object) -> None:
        with self._lock:
            self._blocks.pop(place, None)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            with self._lock:
                if not self._blocks:
                    self._thread = None
                    return
                late = [place for place, (deadline, _) in self._blocks.items() if deadline <= now]
                ends = [self._blocks.pop(place)[1] for place in late]
            for end in ends:
                with contextlib.suppress(OSError):
                    end()


_GUARD = _Guard()
