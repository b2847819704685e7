"""A report as one HTML file, which asks no other host for anything and works without its script too."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import jinja2

from pytest_modssl.matrix.results import TITLES
from pytest_modssl.report.whole.pictures import dots, graph
from pytest_modssl.tls.names import cipher_suite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.report.whole.value.host import Host
    from pytest_modssl.report.whole.value.run import Outcome, Report, Server, Test

_FOLDER = Path(__file__).parent / "page"
_ORDER: tuple[Outcome, ...] = ("failed", "error", "xpassed", "passed", "xfailed", "skipped")
_PLOTTED = 24
_MATRIX_ROWS = 500
_LEVELS = {"emerg": "bad", "alert": "bad", "crit": "bad", "error": "bad", "warn": "odd"}


def as_html(report: Report) -> str:
    """The report as the text of an HTML file."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(ms=_ms, level=_level, title=_title, rest=_rest)
    environment.globals.update(graph=graph, suites=_suites, groups=_groups, median=median, suite=cipher_suite)
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return environment.get_template("report.html.j2").render(
        report=report,
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        tests=sorted(report.tests, key=lambda one: _ORDER.index(one.outcome)),
        counts=_counts(report.tests),
        bad=sum(TITLES[one.outcome] == "failed" for one in report.tests),
        titles=TITLES,
        numbers={one.id: number for number, one in enumerate(report.servers)},
        matrix=_matrix(report)[:_MATRIX_ROWS] if len(report.targets) > 1 else [],
        handshakes=dots(_handshake_times(report.servers)),
        starts=dots([(f"{one.title} ({one.target})", one.starts) for one in report.servers if one.starts][:_PLOTTED]),
    )


def _hash(text: str) -> str:
    """What the policy of the page allows in it (CSP level 3, 2.3.1): nothing else runs, whatever stands there."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _counts(tests: Sequence[Test]) -> dict[str, int]:
    found = Counter(one.outcome for one in tests)
    return {outcome: found[outcome] for outcome in _ORDER if found[outcome]}


def _matrix(report: Report) -> list[tuple[str, list[Test | None]]]:
    """For each test its result on each target; those that differ first."""
    by_test: dict[str, dict[str, Test]] = {}
    for one in report.tests:
        if one.target:
            by_test.setdefault(one.test, {})[one.target] = one
    rows = [(test, [found.get(target.name) for target in report.targets]) for test, found in by_test.items()]
    return sorted(rows, key=lambda row: len({one.outcome if one else "" for one in row[1]}) == 1)


def _handshake_times(servers: Sequence[Server]) -> list[tuple[str, tuple[float, ...]]]:
    """The slowest hosts first."""
    found = [
        (host.name_and_port, tuple(second for shake in host.shakes for second in shake.seconds))
        for server in servers
        for host in server.hosts
    ]
    return sorted((one for one in found if one[1]), key=lambda one: -median(one[1]))[:_PLOTTED]


def _groups(server: Server) -> list[list[Host]]:
    """Hosts with equal settings together, as far as they were seen."""
    found: dict[object, list[Host]] = {}
    for one in server.hosts:
        accepted = None if one.accepted is None else (one.accepted.protocols, one.accepted.dh_bits)
        deviating = tuple((verdict.policy, verdict.deviations) for verdict in one.verdicts)
        key = accepted, deviating, one.demands, one.client_cas, bool(one.chains), one.hsts
        found.setdefault(key, []).append(one)
    return sorted(found.values(), key=len)


def _suites(host: Host) -> list[str]:
    """Every suite that is accepted, each once, those of the newest protocol first."""
    protocols = () if host.accepted is None else host.accepted.protocols
    return list(dict.fromkeys(suite for protocol in protocols for suite in protocol.suites))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def _level(line: str) -> str:
    """How grave a line of a log is, by the level that httpd names."""
    return next((kind for level, kind in _LEVELS.items() if f":{level}]" in line), "")


def _title(message: str) -> str:
    return message.partition(" ")[0]


def _rest(message: str) -> str:
    return message.partition(" ")[2]
