"""Tests that no target was capable of: a matrix that skips them everywhere tests less than it seems to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modssl.matrix.results import Results


def never_run(results: Results) -> dict[str, dict[str, str]]:
    """The tests that were skipped by capability on all targets of the run: by test the reasons by target.

    A test that this job saw on some targets only (the others are in other parts of a sharded run) is not among them.
    """
    return {
        test: {target: result.unmet for target, result in by_target.items()}
        for test, by_target in results.by_test().items()
        if len(by_target) == len(results.targets) and all(result.unmet for result in by_target.values())
    }


def undecided(results: Results) -> list[str]:
    """The tests that were skipped by capability on all targets that this job saw, but others are elsewhere."""
    return [
        test
        for test, by_target in results.by_test().items()
        if len(by_target) < len(results.targets) and all(result.unmet for result in by_target.values())
    ]


def describe(results: Results) -> list[str]:
    """Lines that name the tests that never ran, with the reasons, and those that this job cannot judge."""
    lines = []
    for test, reasons in never_run(results).items():
        lines.append(test)
        lines += [f"  {target}: {reason}" for target, reason in reasons.items()]
    if elsewhere := undecided(results):
        lines.append(f"not judged, as their other targets are not of this job's part: {', '.join(elsewhere)}")
    return lines
