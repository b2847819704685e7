"""Waiting for a condition, with a short back-off and a deadline; never for a fixed time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from pytest_modssl.errors import WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

# A pause that is a fixed part of the time already waited never loses more than that part; 10 ms keeps long waits cheap.
_SHORTEST = 0.0005
_LONGEST = 0.010
_PART = 0.05


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
