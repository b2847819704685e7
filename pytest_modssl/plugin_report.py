"""Hooks for the report of a run (`--modssl-report`): what each process saw goes with the reports of its tests.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _pytest
import pytest

from pytest_modssl.plugin import run_of, settings_of, worker_input
from pytest_modssl.plugin_matrix import outcome_of, place_of, seconds_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.report.whole.gather import Gathering
    from pytest_modssl.report.whole.watch import Watch
    from pytest_modssl.run import Run

_NOT_THE_USERS = (Path(_pytest.__file__).parent, Path(__file__).parent)

_watch_key: pytest.StashKey[Watch] = pytest.StashKey()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begins to watch servers where a report is asked for, and to gather what is seen where it is written."""
    config = session.config
    run, files = run_of(config), settings_of(config).reports.value
    if run is None or not files or config.option.collectonly:
        return
    from pytest_modssl.report.whole.watch import Watch

    def name_of(installation: Installation) -> str:
        names = (run.name_of(target) for target in run.targets if target.installation == installation)
        return next(names, installation.id)

    watch = Watch(config.rootpath, name_of)
    config.stash[_watch_key] = watch
    run.listen(watch.note)
    if not worker_input(config):
        from pytest_modssl.report.whole.gather import Gathering

        folder = config.invocation_params.dir
        writer = Writer(config, run, [folder / file for file in files], Gathering())
        config.pluginmanager.register(writer, "modssl-report")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Gives the report what was seen in this phase."""
    report = yield
    run, watch = run_of(item.config), item.config.stash.get(_watch_key, None)
    if run is None or watch is None:
        return report
    place, where = (item.location[0], (item.location[1] or 0) + 1), place_of(item)
    error = None if call.excinfo is None or not report.failed else call.excinfo.value
    try:
        report.modssl_part = watch.part(  # type: ignore[attr-defined]
            item.nodeid,
            call.when,
            run.servers,
            name=item.nodeid if where is None else where.test,
            target="" if where is None else where.target,
            place=place,
            reason=_reason(report),
            error=error,
            traceback="" if error is None else report.longreprtext,
            failed_at=None if error is None else failed_at(report) or place,
        )
    except Exception as failed:
        if error is None:
            raise
        # The error is the user's, and may do anything when it is looked at: then pytest's own words tell of it.
        told = f"the report has pytest's words alone of this failure: {type(failed).__name__}: {failed}"
        report.sections.append(("Captured modssl: report", told))
    return report


def failed_at(report: pytest.TestReport) -> tuple[str, int] | None:
    """File and line where a test failed; `None` where that is not in the user's own files."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None or any(Path(crash.path).is_relative_to(folder) for folder in _NOT_THE_USERS):
        return None
    return str(crash.path), int(crash.lineno)


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, or was expected to fail."""
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""


class Writer:
    """Gathers what all processes saw, and writes it at the end.

    Args:
        config: of the session.
        run: of this process.
        files: where the report goes.
        gathering: what is gathered.
    """

    def __init__(self, config: pytest.Config, run: Run, files: list[Path], gathering: Gathering) -> None:
        self._config = config
        self._files = files
        self._gathering = gathering
        self._told: list[tuple[str, bool]] = []
        self._began = datetime.now(timezone.utc)
        self._clock = time.perf_counter()
        # The targets are closed before the report is written.
        from pytest_modssl.report.whole.value.run import Target

        self._targets = [
            Target(name=choice.name, id=target.id, description=target.description, reason=choice.reason)
            for target, choice in zip(run.targets, run.choices, strict=True)
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes what a phase of a test says, wherever it ran."""
        from pytest_modssl.report.whole.fail import part_told
        from pytest_modssl.report.whole.plain import unplain
        from pytest_modssl.report.whole.value.run import Part

        data: Any = getattr(report, "modssl_part", None)
        if data is not None:
            part = unplain(Part, data)
        elif report.failed:  # its worker died
            part = part_told(report.nodeid, "call", report.longreprtext)
        else:
            return
        self._gathering.add(report.nodeid, part, outcome=outcome_of(report), seconds=seconds_of(report))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Takes note of what could not be collected."""
        if report.failed:
            from pytest_modssl.report.whole.fail import part_told

            part = part_told(report.nodeid, "collect", report.longreprtext)
            self._gathering.add(report.nodeid, part, outcome="error", seconds=0.0)

    def pytest_sessionfinish(self) -> None:
        """Writes the report, whether there is a terminal or not."""
        from pytest_modssl.errors import ReportError
        from pytest_modssl.report.whole.write import program, write

        report = self._gathering.report(
            began=self._began.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - self._clock,
            program=f"{program()}, pytest {pytest.__version__}",
            root=str(self._config.rootpath),
            targets=self._targets,
        )
        for file in self._files:
            try:
                write(report, file)
            except ReportError as error:
                self._told.append((f"modssl: {error}", True))
                if not self._config.pluginmanager.has_plugin("terminalreporter"):  # -p no:terminal
                    sys.stderr.write(f"modssl: {error}\n")
            else:
                self._told.append((f"modssl: report: {file}", False))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tells where it is."""
        for line, bad in self._told:
            terminalreporter.write_line(line, red=bad)
