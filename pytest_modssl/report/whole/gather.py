"""The parts of all tests, from wherever they ran, as one report."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from pytest_modssl.matrix.results import became
from pytest_modssl.report.whole.merge import merged_server
from pytest_modssl.report.whole.plain import plain
from pytest_modssl.report.whole.value.failure import Failure
from pytest_modssl.report.whole.value.run import Report, Server, Target, Test

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_modssl.report.whole.value.run import Outcome, Part

T = TypeVar("T")

# What a reader can take in, and a browser shows at once. What a failed test is about goes first.
_TESTS = 5_000
_SERVERS = 300
_HOSTS = 2_000
# Characters of all failures together, of all configurations, of all logs.
_FAILURE_TEXT = 6_000_000
_CONFIGURATION_TEXT = 2_000_000
_LOG_TEXT = 2_000_000
_SHORT = 500


@dataclass
class Gathering:
    """Takes parts in the order in which they come."""

    _tests: dict[str, Test] = field(default_factory=dict)
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _servers: dict[str, Server] = field(default_factory=dict)

    def add(self, test: str, part: Part, *, outcome: Outcome | None, seconds: float) -> None:
        """Takes what one phase of a test says.

        Args:
            test: its node id; that of the part has no secrets, so that several tests may have the same.
            part: what it says.
            outcome: see `became`.
            seconds: that the phase took.
        """
        known = self._tests.get(test, Test(id=part.id, test=part.test, target=part.target))
        self._tests[test] = replace(
            known,
            seconds=round(known.seconds + seconds, 4),
            reason=part.reason or known.reason,
            place=known.place or part.place,
            servers=tuple(dict.fromkeys((*known.servers, *(one.id for one in part.servers)))),
            failures=known.failures if part.failure is None or outcome is None else (*known.failures, part.failure),
        )
        now = became(self._outcomes.get(test), outcome, part.phase)
        if now is not None:
            self._outcomes[test] = now
        for one in part.servers:
            self._servers[one.id] = merged_server(self._servers[one.id], one) if one.id in self._servers else one

    def report(self, *, began: str, seconds: float, program: str, root: str, targets: Sequence[Target]) -> Report:
        """All of it, as much as a reader can take in; arguments as of `Report`."""
        ended = [replace(self._tests[test], outcome=outcome) for test, outcome in self._outcomes.items()]
        tests: Sequence[Test] = sorted(ended, key=lambda one: not one.failures)
        blamed = {server for one in tests if one.failures for server in one.servers}
        servers: Sequence[Server] = sorted(self._servers.values(), key=lambda one: one.id not in blamed)
        left_out: list[str] = []
        tests = _first(tests, _TESTS, "tests", left_out)
        servers = _first(servers, _SERVERS, "servers", left_out)
        tests = _bounded(
            tests,
            _FAILURE_TEXT,
            size=lambda one: _size(one.failures),
            short=lambda one: replace(one, failures=tuple(map(_short, one.failures))),
            what="the details of {} failed tests",
            left_out=left_out,
        )
        servers = _bounded(
            servers,
            _CONFIGURATION_TEXT,
            size=lambda one: _size(one.configuration),
            short=lambda one: replace(one, configuration=()),
            what="the configurations of {} servers",
            left_out=left_out,
        )
        servers = _bounded(
            servers,
            _LOG_TEXT,
            size=lambda one: _size(one.log),
            short=lambda one: replace(one, log=()),
            what="the logs of {} servers",
            left_out=left_out,
        )
        servers = _bounded(
            servers,
            _HOSTS,
            size=lambda one: len(one.hosts),
            short=lambda one: replace(one, hosts=one.hosts[:1]),
            what="the virtual hosts, but for the first, of {} servers",
            left_out=left_out,
        )
        return Report(
            began=began,
            seconds=round(seconds, 3),
            program=program,
            root=root,
            targets=tuple(targets),
            tests=tuple(tests),
            servers=tuple(servers),
            left_out=tuple(left_out),
        )


def _short(one: Failure) -> Failure:
    return Failure(
        phase=one.phase,
        headline=one.headline[:_SHORT],
        message=one.message[:_SHORT],
        place=one.place,
        problems=one.problems[:1],
    )


def _size(value: object) -> int:
    return len(json.dumps(plain(value)))


def _first(some: Sequence[T], most: int, what: str, left_out: list[str]) -> Sequence[T]:
    if len(some) > most:
        left_out.append(f"{len(some) - most} {what}")
    return some[:most]


def _bounded(
    some: Sequence[T],
    room: int,
    *,
    size: Callable[[T], int],
    short: Callable[[T], T],
    what: str,
    left_out: list[str],
) -> Sequence[T]:
    """All of them, those whole for which there is room, the others short."""
    kept: list[T] = []
    shortened = 0
    for one in some:
        needed = size(one)
        fits = needed <= room
        room -= needed if fits else 0
        shortened += not fits
        kept.append(one if fits else short(one))
    if shortened:
        left_out.append(what.format(shortened))
    return kept
