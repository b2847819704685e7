"""The table at the end of a run on several targets: for each file of tests, what became of them on each target.

Its last line has the seconds that the tests of each target took, one after the other: what one costs beside another.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_modssl.matrix.results import TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_modssl.matrix.results import Results

_COLUMNS = ("passed", "failed", "skipped")
_TOTAL = "all"
_SECONDS = "seconds"
_GAP = "  "
# What is longer is cut at its beginning, as paths and images tell themselves apart at their ends.
_FILE_WIDTH = 34
_NAME_WIDTH = 20


def summary(results: Results, *, width: int) -> list[str]:
    """Lines of a table of files by targets; `passed/failed/skipped` in each cell.

    Args:
        results: of the run.
        width: columns of the terminal; targets that do not fit beside each other come in another table below.
    """
    counts: dict[tuple[str, str], Counter[str]] = {}
    seconds = dict.fromkeys(results.targets, 0.0)
    for result in results:
        if result.place.target:
            seconds[result.place.target] += result.seconds
            for group in (result.place.group, _TOTAL):
                counts.setdefault((group, result.place.target), Counter())[TITLES[result.outcome]] += 1
    groups = [*dict.fromkeys(group for group, _ in counts if group != _TOTAL)]
    if not groups:
        return []
    labels = {target: _end(target, _NAME_WIDTH) for target in results.targets}
    if len(set(labels.values())) < len(labels):
        labels = {target: target for target in results.targets}
    cells = {(_SECONDS, target): f"{taken:.1f}" for target, taken in seconds.items()}
    cells |= {place: "/".join(str(count[title]) for title in _COLUMNS) for place, count in counts.items()}
    cell_width = max(map(len, [*labels.values(), *cells.values()]))
    first = max(len(_SECONDS), *(min(len(group), _FILE_WIDTH) for group in groups))
    beside = max(1, (width - first) // (cell_width + len(_GAP)))
    lines = [f"{'/'.join(_COLUMNS)} by file and target"]
    for start in range(0, len(results.targets), beside):
        targets = results.targets[start : start + beside]
        lines += ["", *_table(groups, targets, labels, cells, widths=(first, cell_width))]
    return lines


def _table(
    groups: Sequence[str],
    targets: Sequence[str],
    labels: Mapping[str, str],
    cells: Mapping[tuple[str, str], str],
    *,
    widths: tuple[int, int],
) -> Iterator[str]:
    first, width = widths
    yield _GAP.join(["".ljust(first), *(labels[target].rjust(width) for target in targets)])
    for group in (*sorted(groups), _TOTAL, _SECONDS):
        row = [cells.get((group, target), "-").rjust(width) for target in targets]
        yield _GAP.join([_end(group, first).ljust(first), *row])


def _end(text: str, width: int) -> str:
    return text if len(text) <= width else "..." + text[3 - width :]
