"""Pipes and sockets that tell of this process's end, and so must not be held by others.

A program that this process executes gets none of them: they are closed on exec. A process that is forked and executes
nothing (of multiprocessing, or a live server of another plugin) has a copy of each, and whoever waits for the end of
this process would wait for that one's too.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Held(Protocol):
    """A pipe without a buffer, or a socket."""

    def close(self) -> object:
        """Lets it go."""


_HELD: weakref.WeakSet[Held] = weakref.WeakSet()


def close_in_forked(held: Held) -> None:
    """Has every process that is forked from this one close its copy."""
    _HELD.add(held)


def _close_all() -> None:
    for held in _HELD:
        held.close()


os.register_at_fork(after_in_child=_close_all)
