"""Hooks for what the terminal shows: work that takes long, servers of tests, the summary, GitHub's annotations.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.plugin import is_check, run_of, settings_of, worker_input
from pytest_modssl.plugin_report import failed_at

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable
    from contextlib import AbstractContextManager

    from pytest_modssl.plugin_matrix import Collector
    from pytest_modssl.progress import Live, Say
    from pytest_modssl.report.terminal.annotations import Annotation
    from pytest_modssl.report.terminal.figures import Ledger, Life
    from pytest_modssl.run import Run

_LIFE = "modssl_life"
_SHARED = "modssl_shared"
_WORDS = {"started": "started", "refused": "did not start", "reloaded": "reloaded"}

_ledger_key: pytest.StashKey[Ledger] = pytest.StashKey()
_live_key: pytest.StashKey[Live] = pytest.StashKey()


# Work that takes long


def say_of(config: pytest.Config) -> Say:
    """Who is told of work that takes long: the terminal, but not under -q."""
    from pytest_modssl.progress import Live, in_lines, silent
    from pytest_modssl.text import printable

    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.get_verbosity() < 0:
        return silent
    capture = config.pluginmanager.get_plugin("capturemanager")

    def shown() -> AbstractContextManager[None]:
        # What is written while tests are collected would be captured as theirs.
        return nullcontext() if capture is None else capture.global_and_fixture_disabled()

    writer = config.get_terminal_writer()
    live = reporter.isatty and os.environ.get("TERM") != "dumb"

    def write(text: str) -> None:
        with shown():
            if not live and writer.width_of_current_line:  # "collecting ... " of -v
                writer.line()
            reporter.write_line(f"modssl: {printable(text)}")

    def rewrite(text: str) -> None:
        with shown():
            reporter.rewrite(f"modssl: {printable(text)}" if text else "", erase=True)
            if not text:
                reporter.rewrite("")
            reporter.flush()

    if not live:
        return in_lines(write)
    told = Live(rewrite, write, lambda: writer.fullwidth - len("modssl: "))
    config.stash[_live_key] = told
    return told


def long_work(config: pytest.Config) -> AbstractContextManager[None]:
    """A block in which nothing else writes to the terminal, so that seconds may be counted there."""
    live = config.stash.get(_live_key, None)
    return nullcontext() if live is None else live.ticking()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Lets seconds be counted while a configuration of a repository is made ready, which is done as it is collected."""
    if (
        not isinstance(collector, pytest.File)
        or _live_key not in collector.config.stash
        or collector.path.suffix == ".py"
    ):
        return (yield)
    capture = collector.config.pluginmanager.get_plugin("capturemanager")
    with nullcontext() if capture is None else capture.global_and_fixture_disabled(), long_work(collector.config):
        return (yield)


# What each process notes


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begins to note what becomes of servers, and to gather it where it is told."""
    config = session.config
    run = run_of(config)
    if run is None:
        return
    from pytest_modssl.report.terminal.figures import Ledger

    ledger = Ledger(run.name_of, _by, partial(_place, config), str(worker_input(config).get("workerid", "")))
    config.stash[_ledger_key] = ledger
    run.note(ledger.note)
    if not worker_input(config):
        config.pluginmanager.register(Teller(config, ledger), "modssl-teller")


def _by(holder: Hashable) -> str:
    """On whose behalf a server was asked for."""
    if isinstance(holder, pytest.FixtureDef):
        return f"fixture {holder.argname}"
    return holder.nodeid if isinstance(holder, pytest.Item) else ""


def _place(config: pytest.Config, file: str, line: int) -> str:
    path = Path(file)
    shown = path.relative_to(config.rootpath) if path.is_relative_to(config.rootpath) else path
    return f"{shown}:{line}"


def _annotates(config: pytest.Config) -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true" and settings_of(config).annotations.value


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Gives the report what is new of servers and hosts, and of a failure what GitHub shows."""
    report = yield
    config = item.config
    run, ledger = run_of(config), config.stash.get(_ledger_key, None)
    if run is None or ledger is None:
        return report
    told = report.__dict__
    if new := ledger.take():
        told[_LIFE] = new
    if call.when == "call":
        if is_check(item):
            seen = getattr(item, "seen", None)
            if seen is not None:
                told["modssl_seen"] = tuple(seen())
        elif config.get_verbosity() > 0:
            keys = (ledger.key_of(server.config.digest) for server in run.servers if server.used)
            told["modssl_used"] = [list(key) for key in keys if key is not None]
    if report.failed and call.excinfo is not None and _annotates(config):
        told["modssl_annotations"] = [one.pack() for one in _annotations(item, call, report, run)]
        _silence(report)
    return report


def _annotations(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, run: Run
) -> list[Annotation]:
    from pytest_modssl.report.failure import secrets_of
    from pytest_modssl.report.terminal.annotations import of_failure
    from pytest_modssl.report.whole.clean import Cleaner
    from pytest_modssl.report.whole.fail import failure_of, line_of

    assert call.excinfo is not None
    error, root = call.excinfo.value, item.config.rootpath
    used = [server for server in run.servers if server.used]
    place = line_of(str(item.location[0]), (item.location[1] or 0) + 1, root)
    failure = failure_of(
        error,
        phase=call.when,
        traceback="",
        place=failed_at(report),
        root=root,
        servers=used,
        observations=(),
        log=(),
    )
    failure = Cleaner(secrets_of(error, used)).clean(failure)
    workspace = os.environ.get("GITHUB_WORKSPACE", "")
    return of_failure(item.nodeid, failure, place, root=root, workspace=workspace)


def _silence(report: pytest.TestReport) -> None:
    """Leaves no command in the message that pytest's summary has whole in CI: a server's text may stand in it."""
    from pytest_modssl.report.terminal.annotations import no_commands

    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = no_commands(crash.message)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Tells the controller what a worker's servers did at the end, when they have been ended."""
    try:
        return (yield)
    finally:
        output = getattr(session.config, "workeroutput", None)
        ledger = session.config.stash.get(_ledger_key, None)
        if output is not None and ledger is not None:
            output[_LIFE] = ledger.take()
            output[_SHARED] = [[*key, times] for key, times in ledger.shared.items()]


# What is told


class Teller:
    """Gathers what all processes noted, and tells it.

    Args:
        config: of the session.
        ledger: of this process.
    """

    def __init__(self, config: pytest.Config, ledger: Ledger) -> None:
        from pytest_modssl.report.terminal.figures import Figures

        self._config = config
        self._ledger = ledger
        self._figures = Figures()
        self._lives: dict[str, list[Life]] = {}
        self._annotations: list[Annotation] = []
        self._over = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes what a phase of a test says, wherever it ran."""
        told = report.__dict__
        if _LIFE in told:
            self._lives.setdefault(report.nodeid, []).extend(self._figures.add(told[_LIFE], test=report.nodeid))
        if "modssl_seen" in told:
            self._figures.add_host(told["modssl_seen"])
        for packed in told.get("modssl_annotations", ()) if report.failed else ():  # else it is run again
            from pytest_modssl.report.terminal.annotations import Annotation

            self._annotations.append(Annotation.unpack(packed))
        if report.failed and report.when not in {"setup", "call", "teardown"}:  # its worker died
            self._annotate(report, "call")
        if report.when == "teardown":
            self._lives.pop(report.nodeid, None)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Takes note of what could not be collected."""
        if report.failed:
            self._annotate(report, "collect")

    def _annotate(self, report: pytest.CollectReport | pytest.TestReport, phase: str) -> None:
        """Notes for GitHub a failure of which pytest alone tells, at the first line of its file."""
        if not _annotates(self._config):
            return
        from pytest_modssl.report.terminal.annotations import of_failure
        from pytest_modssl.report.whole.fail import line_of, part_told

        part, root = part_told(report.nodeid, phase, report.longreprtext), self._config.rootpath
        assert part.failure is not None
        place = line_of(report.nodeid.partition("::")[0], 1, root)
        workspace = os.environ.get("GITHUB_WORKSPACE", "")
        self._annotations += of_failure(part.id, part.failure, place, root=root, workspace=workspace)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Takes what a worker says at its end."""
        output = getattr(node, "workeroutput", {})
        self._figures.add(output.get(_LIFE, ()))
        for target, likeness, times in output.get(_SHARED, ()):
            self._figures.add_shared((target, likeness), times)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.CollectReport | pytest.TestReport) -> Generator[None, Any, Any]:
        """With -v, tells beside the outcome which servers the test used, and whether one was started for it.

        Not in pytest's summary at the end, which programs read too.
        """
        status = yield
        if self._over or self._config.get_verbosity() <= 0 or status is None:
            return status
        category, letter, word = status
        told = self._servers_of(report)
        if not word or not told:
            return status
        word = (f"{word[0]} ({told})", word[1]) if isinstance(word, tuple) else f"{word} ({told})"
        return category, letter, word

    def _servers_of(self, report: pytest.CollectReport | pytest.TestReport) -> str:
        known = self._figures.servers
        words: dict[int, list[str]] = {}
        for target, likeness in report.__dict__.get("modssl_used", ()):
            if (target, likeness) in known:
                words.setdefault(known[target, likeness].number, [])
        for life in self._lives.get(report.nodeid, ()):
            if life.kind in _WORDS:
                words.setdefault(known[life.key].number, []).append(_WORDS[life.kind])
        return ", ".join(" ".join([f"server {number}", *dict.fromkeys(told)]) for number, told in sorted(words.items()))

    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """Takes the warnings that are ours."""
        from pytest_modssl.errors import IdleSettingWarning, ProgramWarning

        one = warning_message
        if issubclass(one.category, IdleSettingWarning | ProgramWarning) and _annotates(self._config):
            from pytest_modssl.report.terminal.annotations import of_warning

            workspace = os.environ.get("GITHUB_WORKSPACE", "")
            self._annotations.append(of_warning(str(one.message), one.filename, one.lineno, workspace=workspace))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The summary of servers and hosts, durations where pytest's are asked for, what GitHub is told."""
        self._over = True
        self._figures.add(self._ledger.take())
        for key, times in self._ledger.shared.items():
            self._figures.add_shared(key, times)
        self._tell_summary(terminalreporter)
        self._tell_durations(terminalreporter)
        if _annotates(self._config):
            self._tell_github(terminalreporter)

    @property
    def _collector(self) -> Collector:
        collector = self._config.pluginmanager.get_plugin("modssl-collector")
        assert collector is not None, "it is there where there is a run"
        return collector  # type: ignore[no-any-return]

    def _tell_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from pytest_modssl.report.terminal.summary import summary

        verbosity = self._config.get_verbosity()
        rows = summary(self._figures, self._collector.results, verbose=verbosity > 0) if verbosity >= 0 else []
        if rows:
            terminalreporter.write_sep("=", "modssl: servers")
        for row in rows:
            terminalreporter.write_line(row.text, red=row.bad)

    def _tell_durations(self, terminalreporter: pytest.TerminalReporter) -> None:
        most, shortest = self._config.getoption("durations"), self._config.getoption("durations_min")
        if most is None or not self._figures.servers:
            return
        from pytest_modssl.report.terminal.durations import durations

        if shortest is None:  # as pytest has it for those of tests
            shortest = 0.005 if self._config.get_verbosity() < 2 else 0.0
        terminalreporter.write_sep("=", f"modssl: slowest{f' {most}' if most else ''} durations of servers")
        for line in durations(self._figures, most=most, shortest=shortest):
            terminalreporter.write_line(line)

    def _tell_github(self, terminalreporter: pytest.TerminalReporter) -> None:
        from pytest_modssl.report.terminal.annotations import commands, job_summary, together

        annotations = together(self._annotations)
        for line in commands(annotations):
            terminalreporter.write_line(line)
        file = os.environ.get("GITHUB_STEP_SUMMARY")
        if file:
            try:
                with open(file, "a", encoding="utf-8") as summary:  # noqa: PTH123 - as GitHub names it
                    summary.write(job_summary(annotations, self._figures, self._collector.results))
            except OSError as error:
                terminalreporter.write_line(f"modssl: no job summary: {error}", yellow=True)
