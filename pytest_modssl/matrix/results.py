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
    name, bracket, parameters = test.partition("[")
    parameters = parameters.removesuffix("]")
    kept = re.sub(rf"(?:^|(?<=-)){re.escape(target)}(?:-|$)", "", parameters, count=1).rstrip("-")
    return f"{name}[{kept}]" if bracket and kept else name


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
    """The results of a run, in the order in which its tests ended.

    Args:
        targets: names of the run's targets, in order.
    """

    targets: Sequence[str]
    _found: dict[Place, Result] = field(default_factory=dict)

    def add(self, report: Report, phase: str, outcome: Outcome, seconds: float) -> None:
        """Takes what one phase of a test says.

        Args:
            report: what it says.
            phase: "setup", "call" or "teardown".
            outcome: of this phase alone; a failed teardown counts more than what came before it.
            seconds: that the phase took.
        """
        known = self._found.get(report.place, Result(report.place))
        if outcome != "passed" or phase == "call":
            known = replace(known, outcome=outcome)
        self._found[report.place] = replace(
            known,
            unmet=report.unmet or known.unmet,
            seen=report.seen or known.seen,
            seconds=known.seconds + seconds,
        )

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
