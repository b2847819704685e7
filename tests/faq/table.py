"""The diagnosis table: seeded faults by the diagnosis given, and healthy servers by false alarms.

`make diagnosis-table`, or `python -m tests.faq.table [TARGET]`. Exit status 0 where every fault got its own diagnosis
first and no other that is not true of it, its remedy got none, and no healthy server got any; else 1.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl.faq.demos import DEMONSTRATIONS, Demonstration, Scene, play
from pytest_modssl.pki import CA
from pytest_modssl.run import Run
from pytest_modssl.settings import TARGET, resolve
from pytest_modssl.targets.registry import new_run
from tests.faq.healthy import HEALTHY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.targets.base import Target


@dataclass(frozen=True)
class Row:
    """One server and what was said of it.

    Attributes:
        name: of the demonstration or the healthy configuration.
        wanted: ids of the diagnoses that are true, the first of which must be told first; empty for a healthy server.
        given: ids of the diagnoses that were given.
        fault: what else is wrong: the check passed on the problem, or failed on the remedy.
    """

    name: str
    wanted: tuple[str, ...]
    given: tuple[str, ...]
    fault: str = ""

    @property
    def right(self) -> bool:
        """Whether all that is true was told, the main thing first, and nothing else."""
        return self.given[:1] == self.wanted[:1] and set(self.given) == set(self.wanted) and not self.fault

    def __str__(self) -> str:
        verdict = "right" if self.right else "WRONG"
        return f"{verdict}  {self.name}  ->  {', '.join(self.given) or 'none'}{self.fault and f'  ({self.fault})'}"


def seeded(target: Target, scene: Scene, demonstration: Demonstration) -> Iterator[Row]:
    """The rows of a demonstration: its problem, and its remedy as one more healthy server."""
    problem = play(target, demonstration.problem(scene), demonstration.check)
    fault = "" if problem.error is not None else "the check passed"
    wanted = (demonstration.entry, *demonstration.also)
    yield Row(str(demonstration), wanted, tuple(one.entry.id for one in problem.diagnoses), fault)
    remedy = play(target, demonstration.remedy(scene), demonstration.cure or demonstration.check)
    fault = "" if remedy.error is None else f"the remedy fails: {str(remedy.error).splitlines()[0]}"
    yield Row(f"remedy of {demonstration}", (), tuple(one.entry.id for one in remedy.diagnoses), fault)


def table(target: Target) -> list[Row]:
    """Every row, for the demonstrations that this httpd can show and every healthy server."""
    scene = Scene(ca=CA(), installation=target.installation)
    rows = [row for one in DEMONSTRATIONS if one.available(target.installation) for row in seeded(target, scene, one)]
    for healthy in HEALTHY:
        played = play(target, healthy.config(scene), healthy.look)
        fault = "" if played.error is None else str(played.error).splitlines()[0]
        rows.append(Row(healthy.name, (), tuple(one.entry.id for one in played.diagnoses), fault))
    return rows


def main(arguments: Sequence[str]) -> int:
    """Prints the table for a target; exit status 1 where a row is wrong."""
    run = Run(resolve({TARGET.ini: arguments or ["local"]}, os.environ, {}), new_run())
    try:
        (target,) = run.targets
        rows = table(target)
    finally:
        run.close()
        run.end()
    faults = [one for one in rows if one.wanted]
    healthy = [one for one in rows if not one.wanted]
    for title, part in (("Seeded faults, by diagnosis given", faults), ("Healthy servers, by false alarm", healthy)):
        sys.stdout.write(f"{title} ({target.id})\n" + "".join(f"  {one}\n" for one in part) + "\n")
    wrong = [one for one in rows if not one.right]
    sys.stdout.write(
        f"{sum(one.right for one in faults)} of {len(faults)} faults right, "
        f"{sum(bool(one.given) for one in healthy)} false alarms over {len(healthy)} healthy servers\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
