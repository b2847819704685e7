"""What is told at the end of a run: a line for each target and configuration, failed hosts; on demand all of it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl.matrix.results import TITLES
from pytest_modssl.text import cut, in_columns, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_modssl.matrix.results import Result, Results
    from pytest_modssl.repo.hosts import Seen
    from pytest_modssl.report.terminal.figures import Figures, ServerFigures

# Hosts with failures that are told one by one; what they have in common stands in their failures.
_FAILED_HOSTS = 10
_NAME_WIDTH = 46
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the summary, and whether it tells of a failure."""

    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class HostRow:
    """A virtual host of a repository as a table has it.

    Attributes:
        seen: what has been seen of it.
        counts: of its checks, by title: passed, failed, skipped.
        policy: what became of the check of its policy; empty where there was none, or nothing to look at.
    """

    seen: Seen
    counts: Counter[str]
    policy: str

    @property
    def cells(self) -> tuple[str, ...]:
        """Name and port, checks, protocols, policy, days that its certificate lasts."""
        ends = self.seen.ends
        checks = "/".join(str(self.counts[title]) for title in ("passed", "failed", "skipped"))
        versions = " ".join(one.removeprefix("TLSv") for one in self.seen.protocols)
        days = "" if ends is None else f"{(ends - time.time()) / _DAY:.0f} days"
        policy = f"{self.seen.policy} {self.policy}".strip() if self.policy else ""
        return cut(self.seen.host, _NAME_WIDTH), checks, versions, policy, days


def summary(figures: Figures, results: Results, *, verbose: bool) -> list[Row]:
    """The lines.

    Args:
        figures: of the servers and hosts.
        results: of the tests.
        verbose: whether every host and server is told.
    """
    rows = [row for target in results.targets for row in _target(target, figures, results)]
    rows += [row for name in configurations(figures) for row in _configuration(name, figures, results, verbose=verbose)]
    if verbose and figures.servers:
        rows += [
            Row(""),
            *map(Row, table(_SERVER_COLUMNS, [_server(target, one) for (target, _), one in figures.servers.items()])),
        ]
    return [Row(printable(row.text).rstrip(), row.bad) for row in rows]


def configurations(figures: Figures) -> list[tuple[str, str]]:
    """The configurations of repositories: name and target."""
    return list(dict.fromkeys((file, target) for file, _, target in figures.hosts))


def host_rows(name: tuple[str, str], figures: Figures, results: Results) -> list[HostRow]:
    """The hosts of a configuration on a target, in the order in which they were first looked at."""
    file, target = name
    counts: dict[str, Counter[str]] = {}
    policies: dict[str, str] = {}
    for result in results:
        host, check = _host_and_check(result, file, target)
        if host:
            counts.setdefault(host, Counter())[TITLES[result.outcome]] += 1
            if check == "policy":
                policies[host] = {"passed": "kept", "failed": "not kept"}.get(result.outcome, "")
    return [
        # Where nobody could look, a failure says nothing of the policy.
        HostRow(one, counts.get(one.host, Counter()), policies.get(one.host, "") if one.protocols else "")
        for (its_file, _, its_target), one in figures.hosts.items()
        if (its_file, its_target) == name
    ]


def counted(results: Iterable[Result]) -> str:
    """What became of tests: "12 passed, 1 failed"; empty for none."""
    counts = Counter(TITLES[one.outcome] for one in results)
    return ", ".join(f"{counts[title]} {title}" for title in ("passed", "failed", "skipped") if counts[title])


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, each column as wide as it has to be; columns with nothing in them are left out."""
    every = list(rows)
    kept = [at for at in range(len(columns)) if any(row[at] for row in every)]
    return in_columns([printable(row[at]) for at in kept] for row in (columns, *every))


HOST_COLUMNS = ("host", "passed/failed/skipped", "TLS", "policy", "certificate ends in")
_SERVER_COLUMNS = ("server", "configuration", "target", "started", "shared", "reloaded", "slowest start")


def _target(target: str, figures: Figures, results: Results) -> Iterator[Row]:
    servers = [one for (where, _), one in figures.servers.items() if where == target]
    starts = [life for one in servers for life in one.starts]
    refused = sum(life.kind == "refused" for one in servers for life in one.lives)
    tests = [one for one in results if one.place.target == target]
    if not starts and not tests and not refused:
        return
    seconds = sum(one.seconds for one in starts)
    told = f"{many(len(starts), 'server')} started in {seconds:.2f} s" if starts else "no server started"
    told += f", {refused} did not start" if refused else ""
    shared = sum(one.shared for one in servers)
    told += f", shared {many(shared, 'time')}" if shared else ""
    outcome = counted(tests)
    yield Row(f"{target}: {told}; {many(len(tests), 'test')}{': ' if outcome else ''}{outcome}", _bad(tests))


def _configuration(name: tuple[str, str], figures: Figures, results: Results, *, verbose: bool) -> Iterator[Row]:
    file, target = name
    hosts = host_rows(name, figures, results)
    on = f" on {target}" if len(results.targets) > 1 else ""
    failed = [one for one in hosts if one.counts["failed"]]
    yield Row(f"{file}{on}: {many(len(hosts), 'virtual host')}, {_hosts_told(hosts, failed)}", bool(failed))
    shown = hosts if verbose else failed[:_FAILED_HOSTS]
    if shown:
        first, *lines = table(HOST_COLUMNS, [one.cells for one in shown])
        yield Row(f"  {first}")
        yield from (Row(f"  {line}", bool(one.counts["failed"])) for line, one in zip(lines, shown, strict=True))
    if len(failed) > len(shown):
        yield Row(f"  and {len(failed) - len(shown)} more with failures (-v shows every host)", bad=True)


def _hosts_told(hosts: Sequence[HostRow], failed: Sequence[HostRow]) -> str:
    told = [f"{len(failed)} with failures" if failed else "none with failures"]
    dated = [(one.seen.ends, one.seen.host) for one in hosts if one.seen.ends is not None]
    if dated:
        ends, host = min(dated)
        told.append(f"the certificate of {host} ends first, in {(ends - time.time()) / _DAY:.0f} days")
    return "; ".join(told)


def _server(target: str, one: ServerFigures) -> tuple[str, ...]:
    reloads = sum(life.kind == "reloaded" for life in one.lives)
    slowest = max((life.seconds for life in one.starts), default=None)
    return (
        str(one.number),
        one.named,
        target,
        str(len(one.starts)) if one.starts else "did not start",
        str(one.shared or ""),
        str(reloads or ""),
        "" if slowest is None else f"{slowest:.2f} s",
    )


def _host_and_check(result: Result, file: str, target: str) -> tuple[str, str]:
    """The host that a check is about, and its name; empty for any other test."""
    parts = result.place.test.split("::")
    return (parts[1], parts[2]) if parts[0] == file and len(parts) == 3 and result.place.target == target else ("", "")


def _bad(results: Iterable[Result]) -> bool:
    return any(TITLES[one.outcome] == "failed" for one in results)


def many(count: int, word: str) -> str:
    """A number of things: "1 server", "2 servers"."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
