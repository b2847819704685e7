"""What a repository of configuration costs as it grows, and whether that stays linear."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from bench import repositories
from bench.figures import children_seconds, seconds
from bench.page import Section
from bench.suites import run_pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench.place import Bench

_HOSTS = (1, 10, 50, 100, 500, 1000)
_ROWS = (1, 100, 1000, 5000, 10_000)
_WORKERS = (0, 1, 2, 4)
_SPREAD_HOSTS = 500
_SPREAD_ROWS = 5000

# A run of a second is measured so often, a longer one once.
_ROUNDS = 5
_SECONDS_A_SIZE = 5.0


class _Taken(NamedTuple):
    """What a run of pytest took: by the clock, and of processors, httpd's included, both in seconds."""

    clock: float
    processors: float


def compare(bench: Bench) -> Iterator[Section]:
    for warm, repository in (("warm-hosts", repositories.hosts), ("warm-rows", repositories.table)):
        run_pytest(repository(bench, warm, 1))  # compiles modules
    yield _growing(bench, "hosts", repositories.hosts, _HOSTS, "Ten tests a host: ten checks of what is seen of it.")
    yield _growing(bench, "rows", repositories.table, _ROWS, "A table of redirects over TLS on one host, a test a row.")
    suites = {
        f"{_SPREAD_HOSTS} hosts": repositories.hosts(bench, "spread-hosts", _SPREAD_HOSTS),
        f"{_SPREAD_ROWS} rows": repositories.table(bench, "spread-rows", _SPREAD_ROWS),
        "5000 tests of nothing, without us": repositories.nothing(bench, "spread-nothing"),
    }
    rows = []
    for name, suite in suites.items():
        taken = [_median(suite, workers).clock for workers in _WORKERS]
        rows.append((name, *(f"{seconds(one)} ({taken[0] / one:.2f} x)" for one in taken)))
    yield Section(
        title="As workers grow",
        how="`-n 0` is a single process. Every worker asks httpd about the configuration and starts a server of its "
        "own, and all reports go through the one controller. What that costs in pytest-xdist itself, tests of nothing "
        "show. In brackets how many times as fast as `-n 0`.",
        columns=("repository", *(f"-n {workers}" for workers in _WORKERS)),
        rows=tuple(rows),
    )


def _growing(
    bench: Bench, what: str, repository: Callable[[Bench, str, int], Path], sizes: Sequence[int], how: str
) -> Section:
    """The fixed part is a repository of one; what each further one costs must not depend on how many there are."""
    taken = {size: _median(repository(bench, f"{what}-{size}", size)) for size in sizes}
    fixed = taken[sizes[0]]
    each = {
        size: _Taken(*((all_ - one) / (size - sizes[0]) for all_, one in zip(taken[size], fixed, strict=True)))
        for size in sizes[1:]
    }
    least, most = each[sizes[1]], each[sizes[-1]]
    return Section(
        title=f"As {what} grow",
        how=f"{how} One process, whole run of pytest. Each of {sizes[-1]:,} costs {most.clock / least.clock:.2f} times "
        f"what each of {sizes[1]:,} does, the run with one alone ({seconds(fixed.clock)}) taken off; of processors, "
        f"httpd's included, {most.processors / least.processors:.2f} times.",
        columns=(what, "run", "each further one", f"against each of {sizes[1]:,}", "processors, each further one"),
        rows=tuple(
            (
                f"{size:,}",
                seconds(taken[size].clock),
                seconds(each[size].clock),
                f"{each[size].clock / least.clock:.2f}",
                seconds(each[size].processors),
            )
            for size in sizes[1:]
        ),
    )


def _median(suite: Path, workers: int = 0) -> _Taken:
    """The medians of as many runs as fit into some seconds."""
    taken = [_run(suite, workers)]
    while len(taken) < _ROUNDS and sum(one.clock for one in taken) < _SECONDS_A_SIZE:
        taken.append(_run(suite, workers))
    return _Taken(*map(statistics.median, zip(*taken, strict=True)))


def _run(suite: Path, workers: int) -> _Taken:
    before = children_seconds()
    clock = run_pytest(suite, "-n", str(workers))
    return _Taken(clock, children_seconds() - before)
