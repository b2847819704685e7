"""What became of each test on each target, as values that travel from workers to the controller as plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Outcome = Literal["passed", "failed", "error", "skipped", "xfailed", "xpassed"]

TITLES: Mapping[Outcome, str] = {
    "passed": "passed",
    "xfailed": "passed",
    "failed": "failed",
    "error": "failed",
    "xpassed": "failed",
    "skipped": "skipped",
}
"""Under which of three titles an outcome is counted: what went as its test says it should has passed."""


def became(known: Outcome | None, outcome: Outcome | None, phase: str) -> Outcome | None:
    """What has become of a test after one more of its phases; `None` while nobody knows.

    A test is over with its call, or with what kept it from being called. What failed stays so, whatever is heard of it
    afterwards: subtests have a call each, and other processes may run the same test.

    Args:
        known: what had become of it before.
        outcome: of this phase alone; `None` where it is going to be gone through again.
        phase: "setup", "call" or "teardown".
    """
    if outcome is None or (outcome == "passed" and phase != "call"):
        return known
    failed = known is not None and TITLES[known] == "failed"
    return known if failed and TITLES[outcome] != "failed" else outcome


@dataclass(frozen=True, slots=True)
class Place:
    """Which test ran where.

    Attributes:
        test: node id without the target, so that it is the same on all targets.
        target: the target's name as `--modssl-target` takes it; empty for a test that uses no server.
    """

    test: str
    target: str = ""

    @property
    def group(self) -> str:
        """The file of the test."""
        return self.test.partition("::")[0]

    @property
    def key(self) -> str:
        """Name of the test on this target, the same on every machine: `tests/test_a.py::test_it @ debian:trixie`."""
        return f"{self.test} @ {self.target}" if self.target else self.test


def without_target(test: str, target: str) -> str:
    """A node id without the id of a target among its parameters, which is the same for every target then.

    Args:
        test: node id, `"tests/test_a.py::test_it[httpd2.4.71-openssl3.0.22-1]"`.
        target: id of the target that it runs on.
    """
    file, colons, name = test.partition("::")
    its = re.escape(target)
    return file + colons + re.sub(rf"\[{its}\]$|(?<=[\[-]){its}-|-{its}(?=\]$)", "", name, count=1)


@dataclass(frozen=True, slots=True)
class Report:
    """What one phase of a test (setup, call, teardown) has to say; `pack` and `unpack` take it through a process.

    Attributes:
        place: which test, and where.
        unmet: why the target is not capable of it; empty where it is.
        seen: facts as (what was looked at, which fact, value), see `facts`.
    """

    place: Place
    unmet: str = ""
    seen: tuple[tuple[str, str, str], ...] = ()

    def pack(self) -> dict[str, Any]:
        """Lists, texts and nothing else."""
        place = {"test": self.place.test, "target": self.place.target}
        return {"place": place, "unmet": self.unmet, "seen": [list(fact) for fact in self.seen]}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> Report:
        """The report that was packed."""
        seen = tuple((str(subject), str(what), str(value)) for subject, what, value in packed["seen"])
        return cls(Place(**packed["place"]), packed["unmet"], seen)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test on one target, and how long it took in seconds; see `Report` for the rest."""

    place: Place
    outcome: Outcome = "passed"
    unmet: str = ""
    seen: tuple[tuple[str, str, str], ...] = ()
    seconds: float = 0.0


@dataclass
class Results:
    """The results of a run, in the order in which its tests ended; of one that was interrupted there is none.

    Args:
        targets: names of the run's targets, in order.
    """

    targets: Sequence[str]
    _found: dict[Place, Result] = field(default_factory=dict)
    _begun: dict[Place, Result] = field(default_factory=dict)

    def add(self, report: Report, phase: str, outcome: Outcome | None, seconds: float) -> None:
        """Takes what one phase of a test says.

        Args:
            report: what it says.
            phase: "setup", "call" or "teardown".
            outcome: see `became`.
            seconds: that the phase took.
        """
        ended = self._found.get(report.place)
        known = ended or self._begun.get(report.place, Result(report.place))
        known = replace(
            known,
            unmet=report.unmet or known.unmet,
            seen=report.seen or known.seen,
            seconds=known.seconds + seconds,
        )
        now = became(None if ended is None else ended.outcome, outcome, phase)
        if now is None:
            self._begun[report.place] = known
        else:
            self._found[report.place] = replace(known, outcome=now)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._found.values())

    def by_test(self) -> dict[str, dict[str, Result]]:
        """For each test that uses a server: its result by target."""
        tests: dict[str, dict[str, Result]] = {}
        for result in self._found.values():
            if result.place.target:
                tests.setdefault(result.place.test, {})[result.place.target] = result
        return tests

    def durations(self) -> dict[str, float]:
        """Seconds by `Place.key` of all that was run; what was skipped tells nothing of how long it takes."""
        ran = [result for result in self._found.values() if result.outcome != "skipped"]
        return {result.place.key: result.seconds for result in ran}
