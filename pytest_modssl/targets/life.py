"""What becomes of servers in a run: each start, reload and end with its seconds, and each time that one was shared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.targets.base import Target

Kind = Literal["started", "refused", "shared", "reloaded", "stopped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a server.

    Attributes:
        kind: "started", "refused" (it did not start), "shared" (it was running), "reloaded" or "stopped".
        likeness: the same for servers that were started with configurations that are alike; see `Rendered.likeness`.
        config: what it serves now.
        target: where that is.
        seconds: that the run waited for it.
        why: of a start, why no running server could serve; empty where there was none of this configuration before.
        holder: on whose behalf; `None` where nobody in particular asked.
    """

    kind: Kind
    likeness: str
    config: Configuration
    target: Target
    seconds: float = 0.0
    why: str = ""
    holder: Hashable = None


Note: TypeAlias = "Callable[[Event], None]"
"""Is told of each event, when it has happened."""
