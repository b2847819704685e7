"""The parts of all tests, from wherever they ran, as one report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_modssl.report.whole.merge import merged_server
from pytest_modssl.report.whole.plain import unplain
from pytest_modssl.report.whole.value import Failure, Outcome, Part, Report, Server, Target, Test

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a reader can take in, and a browser shows at once. Tests that failed go first.
_TESTS = 5_000
_FAILURES = 200
_SERVERS = 300
_HOSTS = 2_000


@dataclass
class Gathering:
    """Takes parts in the order in which they come."""

    _tests: dict[str, Test] = field(default_factory=dict)
    _servers: dict[str, Server] = field(default_factory=dict)

    def add(self, data: Any, *, test: str, target: str, outcome: Outcome, seconds: float) -> None:
        """Takes what one phase of a test says.

        Args:
            data: as `Watch.part` gave it.
            test: the test without its target.
            target: name of that.
            outcome: of this phase alone; a failed teardown counts more than what came before it.
            seconds: that the phase took.
        """
        part = unplain(Part, data)
        known = self._tests.get(part.id, Test(id=part.id, test=test, target=target))
        counts = outcome != "passed" or part.phase == "call"
        self._tests[part.id] = replace(
            known,
            outcome=outcome if counts else known.outcome,
            seconds=round(known.seconds + seconds, 4),
            reason=part.reason or known.reason,
            place=known.place or part.place,
            servers=tuple(dict.fromkeys((*known.servers, *(one.id for one in part.servers)))),
            failures=known.failures if part.failure is None else (*known.failures, part.failure),
        )
        for one in part.servers:
            self._servers[one.id] = merged_server(self._servers[one.id], one) if one.id in self._servers else one

    def add_collection(self, name: str, failure: Failure) -> None:
        """Takes note of tests that could not be collected."""
        self._tests[name] = Test(id=name, test=name, outcome="error", failures=(failure,), place=failure.place)

    def report(self, *, began: str, seconds: float, program: str, root: str, targets: Sequence[Target]) -> Report:
        """All of it, as much as a reader can take in; arguments as of `Report`."""
        left_out: list[str] = []
        tests = sorted(self._tests.values(), key=lambda one: not one.failures)[:_TESTS]
        if len(tests) < len(self._tests):
            left_out.append(f"{len(self._tests) - len(tests)} tests")
        failed = [one for one in tests if one.failures]
        shortened = {one.id for one in failed[_FAILURES:]}
        if shortened:
            left_out.append(f"logs, excerpts and connections of {len(shortened)} failed tests")
        tests = [
            replace(one, failures=tuple(map(_short, one.failures))) if one.id in shortened else one for one in tests
        ]
        used_by_failed = {server for one in failed for server in one.servers}
        servers = sorted(self._servers.values(), key=lambda one: one.id not in used_by_failed)[:_SERVERS]
        if len(servers) < len(self._servers):
            left_out.append(f"{len(self._servers) - len(servers)} servers")
        hosts, rest = 0, 0
        for number, one in enumerate(servers):
            room = max(0, _HOSTS - hosts)
            hosts += len(one.hosts)
            rest += max(0, len(one.hosts) - room)
            servers[number] = replace(one, hosts=one.hosts[:room])
        if rest:
            left_out.append(f"{rest} virtual hosts")
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
    return replace(one, traceback="", excerpts=(), log=(), seen=(), conversations=())
