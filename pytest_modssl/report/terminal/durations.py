"""The slowest starts, reloads and ends of servers, and why servers were started more than once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_modssl.report.terminal.summary import many
from pytest_modssl.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.report.terminal.figures import Figures, ServerFigures

_WORDS = {"started": "start", "refused": "refused", "reloaded": "reload", "stopped": "stop"}


def durations(figures: Figures, *, most: int, shortest: float) -> list[str]:
    """Lines, the slowest first, then a line for each server that was started more than once.

    Args:
        figures: of the servers.
        most: how many; 0 for all.
        shortest: seconds below which none is told.
    """
    lives = sorted(
        ((life, one) for one in figures.servers.values() for life in one.lives), key=lambda one: -one[0].seconds
    )
    kept = [one for one in lives if one[0].seconds >= shortest]
    shown = kept[: most or None]
    lines = [
        f"{life.seconds:.2f}s {_WORDS[life.kind]:<8} server {one.number}: {one.named}"
        f"{f' on {life.target}' if len({key[0] for key in figures.servers}) > 1 else ''}"
        f"{f', in {life.by}' if life.by else ''}"
        for life, one in shown
    ]
    hidden = len(lives) - len(kept)
    if hidden and len(kept) == len(shown):
        lines.append(f"({hidden} durations < {shortest:g}s hidden.)")
    return [printable(line) for line in (*lines, *_often(figures))]


def _often(figures: Figures) -> Iterator[str]:
    for one in figures.servers.values():
        starts = one.starts
        if len(starts) > 1:
            shared = f", shared {many(one.shared, 'time')}" if one.shared else ""
            yield f"server {one.number} was started {len(starts)} times{shared}: {_why(one)}"


def _why(one: ServerFigures) -> str:
    reasons = Counter(life.why for life in one.starts)
    first = reasons.pop("", 0)
    told = [f"{why} ({count})" if count > 1 else why for why, count in reasons.most_common()]
    workers = len({life.worker for life in one.starts})
    if first > 1:
        told.insert(
            0, f"each of {workers} workers has its own" if workers > 1 else "with another certificate each time"
        )
    return "; ".join(told)
