"""Tests that end in another way, or see something else, on one target than on another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_modssl.matrix.results import Result, Results

_ABSENT = "(not seen)"
# What was looked at by one target alone is one difference, and not one for each of its facts.
_NOT_LOOKED = "looked at"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs.

    Attributes:
        test: node id without the target.
        what: "outcome", or what was looked at and which fact of it.
        values: by target, in the order of the run's targets.
    """

    test: str
    what: str
    values: Mapping[str, str]


def differences(results: Results) -> list[Difference]:
    """Every difference between targets, of the tests that ran on each of them."""
    found = []
    for test, by_target in results.by_test().items():
        if len(by_target) == len(results.targets):
            ordered = {target: by_target[target] for target in results.targets}
            found += [Difference(test, what, values) for what, values in _differing(ordered)]
    return found


def incomparable(results: Results) -> list[str]:
    """Tests that did not run on every target, so that nothing is said about them."""
    return [test for test, by_target in results.by_test().items() if len(by_target) < len(results.targets)]


def _differing(by_target: Mapping[str, Result]) -> Iterator[tuple[str, dict[str, str]]]:
    outcomes = {target: _outcome(result) for target, result in by_target.items()}
    if len(set(outcomes.values())) > 1:
        yield "outcome", outcomes
        if any(result.outcome == "skipped" for result in by_target.values()):
            return  # where it was skipped nothing was seen, which the outcome says
    seen = {
        target: {(subject, what): value for subject, what, value in result.seen} for target, result in by_target.items()
    }
    subjects = {target: {subject for subject, _ in facts} for target, facts in seen.items()}
    for subject in dict.fromkeys(subject for facts in seen.values() for subject, _ in facts):
        if not all(subject in of_target for of_target in subjects.values()):
            yield (
                f"{subject}: {_NOT_LOOKED}",
                {target: "yes" if subject in of_target else "no" for target, of_target in subjects.items()},
            )
            continue
        for what in dict.fromkeys(what for facts in seen.values() for one, what in facts if one == subject):
            values = {target: facts.get((subject, what), _ABSENT) for target, facts in seen.items()}
            if len(set(values.values())) > 1:
                yield f"{subject}: {what}", values


def _outcome(result: Result) -> str:
    return f"{result.outcome}: {result.unmet}" if result.unmet else result.outcome


def describe(found: Sequence[Difference], results: Results, *, width: int) -> list[str]:
    """Lines that tell the differences, test by test, and how much was compared.

    Args:
        found: the differences.
        results: of the run.
        width: columns of the terminal, to which values are wrapped.
    """
    lines: list[str] = []
    name_width = max(map(len, results.targets))
    for test in dict.fromkeys(difference.test for difference in found):
        lines.append(test)
        for difference in (one for one in found if one.test == test):
            lines.append(f"  {difference.what}")
            for target, value in difference.values.items():
                lines += _wrapped(f"    {target.ljust(name_width)}  ", value, width)
    left_out = incomparable(results)
    compared = len(results.by_test()) - len(left_out)
    differ = len({difference.test for difference in found})
    lines.append(f"{differ} of {compared} tests differ between {len(results.targets)} targets")
    if left_out:
        lines.append(f"{len(left_out)} more did not run on every target, and were not compared")
    return lines


def _wrapped(before: str, value: str, width: int) -> Iterator[str]:
    room = max(20, width - len(before))
    words = value.split(" ")
    line = words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > room:
            yield before + line
            before, line = " " * len(before), word
        else:
            line += f" {word}"
    yield before + line
