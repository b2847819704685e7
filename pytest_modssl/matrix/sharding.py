"""Splits tests into parts of equal length, one for each job: every test is in exactly one part.

Tests of one file on one target stay together, as they share servers and fixtures, until the parts would differ by more
than a tenth; then the longest group of the fullest part is cut in two. Nothing but the tests' names and their durations
decides, so that jobs which collect in another order, on other machines, agree.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_modssl.matrix.results import Place

    Piece = Sequence[str]

_TOLERANCE = 1.1
# What takes no time at all is dealt out too, and not heaped up on one part.
_LEAST_SECONDS = 0.001


def split(tests: Collection[Place], durations: Mapping[str, float], parts: int) -> list[set[str]]:
    """The keys of the tests of each part.

    They are dealt by the rule of the longest processing time first, by which no part is longer than an equal share and
    the longest piece together (R. L. Graham, Bounds on multiprocessing timing anomalies, 1969).

    Args:
        tests: all tests, in any order.
        durations: seconds by `Place.key`; a test without one counts as the median of those that are known.
        parts: how many, at least one. Parts stay empty where there are fewer tests.
    """
    # In one order everywhere: sums of floats depend on it.
    by_key = sorted({test.key: test for test in tests}.items())
    known = [durations[key] for key, _ in by_key if key in durations]
    usual = statistics.median(known) if known else 1.0
    seconds = {key: max(durations.get(key, usual), _LEAST_SECONDS) for key, _ in by_key}
    groups: dict[tuple[str, str], list[str]] = {}
    for key, test in by_key:
        groups.setdefault((test.target, test.group), []).append(key)
    pieces: list[Piece] = list(groups.values())
    most = _TOLERANCE * sum(seconds.values()) / parts
    while True:
        dealt = _deal(pieces, seconds, parts)
        fullest = max(dealt, key=lambda part: sum(_length(piece, seconds) for piece in part))
        cuttable = [piece for piece in fullest if len(piece) > 1]
        if not cuttable or sum(_length(piece, seconds) for piece in fullest) <= most:
            return [{key for piece in part for key in piece} for part in dealt]
        longest = max(cuttable, key=lambda piece: _length(piece, seconds))
        pieces.remove(longest)
        pieces += _halves(longest, seconds)


def _length(piece: Piece, seconds: Mapping[str, float]) -> float:
    return sum(seconds[key] for key in piece)


def _deal(pieces: Sequence[Piece], seconds: Mapping[str, float], parts: int) -> list[list[Piece]]:
    dealt: list[list[Piece]] = [[] for _ in range(parts)]
    lengths = [0.0] * parts
    for piece in sorted(pieces, key=lambda piece: (-_length(piece, seconds), piece[0])):
        least = lengths.index(min(lengths))
        dealt[least].append(piece)
        lengths[least] += _length(piece, seconds)
    return dealt


def _halves(piece: Piece, seconds: Mapping[str, float]) -> list[Piece]:
    """The piece cut where its halves differ least, each with one test at least."""
    half, passed, best = _length(piece, seconds) / 2, 0.0, (float("inf"), 1)
    for at in range(1, len(piece)):
        passed += seconds[piece[at - 1]]
        best = min(best, (abs(passed - half), at))
    return [piece[: best[1]], piece[best[1] :]]
