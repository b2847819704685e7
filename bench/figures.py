"""Measuring in rounds, and the table that tells what came of it."""

from __future__ import annotations

import resource
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.page import markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_COLUMNS = ("what", "ours", "bare", "ratio", "bar", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    Args:
        what: was measured.
        ours: by us.
        bare: by the peer, in the same rounds.
        ratio: of both, as the bar has it.
        bar: to reach.
        reached: whether it was.
    """

    what: str
    ours: str
    bare: str
    ratio: str
    bar: str
    reached: bool

    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        verdict = "reached" if self.reached else "MISSED"
        return (self.what, self.ours, self.bare, self.ratio, self.bar, verdict)

    def __str__(self) -> str:
        _, *named, verdict = zip(_COLUMNS, self.cells(), strict=True)
        return ", ".join([self.what, *(f"{head} {cell}" for head, cell in named if cell), verdict[1]])


def on_two_workers(what: str, one: float, two: float, *, bar: float) -> Figure:
    """How many times faster two workers are than one process.

    Args:
        what: was run.
        one: seconds in one process.
        two: seconds on two workers.
        bar: the least factor.
    """
    return Figure(
        what=what,
        ours=seconds(two),
        bare=seconds(one),
        ratio=f"{one / two:.2f} x",
        bar=f">= {bar:g} x",
        reached=one / two >= bar,
    )


def medians(*measures: Callable[[], float], rounds: int) -> list[float]:
    """The median of each measure in seconds; see `medians_of_all`."""
    return [
        one
        for (one,) in medians_of_all(*((lambda measure=measure: (measure(),)) for measure in measures), rounds=rounds)
    ]


def medians_of_all(*measures: Callable[[], Sequence[float]], rounds: int) -> list[list[float]]:
    """The medians of each measure in seconds; all are taken once a round, in turns from first to last and back.

    So what the machine does beside the measurement is shared by all of them.
    """
    taken: list[list[Sequence[float]]] = [[] for _ in measures]
    order = list(zip(measures, taken, strict=True))
    for _ in range(rounds):
        for measure, values in order:
            values.append(measure())
        order.reverse()
    return [[statistics.median(column) for column in zip(*values, strict=True)] for values in taken]


def timed(work: Callable[[], object]) -> float:
    """How many seconds the work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def seconds(value: float) -> str:
    """A time in the unit that suits it: µs, ms or s."""
    for unit, factor in (("µs", 1e6), ("ms", 1e3)):
        if abs(value) * factor < 1000:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.2f} s"


def table(figures: Iterable[Figure]) -> str:
    """The figures in Markdown."""
    return markdown(_COLUMNS, [one.cells() for one in figures])


def children_seconds() -> float:
    """Seconds of processors that the processes which this one has started, and awaited, have taken, httpd's included.

    Our own httpd is awaited by its keeper, and that by its owner (getrusage(2), RUSAGE_CHILDREN).
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
