"""Hooks for what is kept of tests (`--modssl-artifacts`), and for links to it in the reports of other plugins.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.plugin import is_check, run_of, settings_of, worker_input

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from pytest_modssl.run import Run
    from pytest_modssl.targets.server import Server

PROPERTY = "modssl_artifacts"
"""The property of a test in a JUnit file that names its folder."""


def pytest_sessionstart(session: pytest.Session) -> None:
    """Sees to it that something is kept, where settings say so; else nothing of this runs."""
    config = session.config
    run, settings = run_of(config), settings_of(config)
    if run is not None and settings.keeps_artifacts:
        folder = config.invocation_params.dir / settings.artifacts.value
        keeper = Keeper(config, run, folder, all_tests=settings.artifacts_mode.value == "on")
        config.pluginmanager.register(keeper, "modssl-artifacts")


class Keeper:
    """Keeps a folder for each test that fails, or for each that uses a server.

    Args:
        config: of the session.
        run: of this process.
        base: folder for all tests.
        all_tests: whether those that pass are kept too.
    """

    def __init__(self, config: pytest.Config, run: Run, base: Path, *, all_tests: bool) -> None:
        from pytest_modssl.report.artifacts import MOST_OF_RUN, Budget

        self._run = run
        self._base = base
        self._all = all_tests
        self._budget = Budget(MOST_OF_RUN // int(worker_input(config).get("workercount", 1)))
        self._links = [link for asked, link in _LINKS if config.getoption(asked, None)]
        self._used: Sequence[Server] = ()
        self._linked = False

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keeps what there is, once it is known what became of the test; forgets what an earlier run has kept."""
        if call.when == "setup":
            from pytest_modssl.report.artifacts import forget

            forget(item.nodeid, self._base)
            item.user_properties[:] = [one for one in item.user_properties if one[0] != PROPERTY]
            self._linked = False
            self._used = ()
        report = yield
        # A server of the test alone has ended by the end of its teardown.
        self._used = tuple(dict.fromkeys([*self._used, *_servers_of(item, self._run)]))
        if report.failed or (self._all and call.when == "call"):
            told = self._keep(item, call, report)
            if report.failed:
                report.sections.append((f"Captured modssl: artifacts {call.when}", told))
        return report

    def _keep(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
        """What to tell of the artifacts of a test."""
        from pytest_modssl.errors import ModsslError
        from pytest_modssl.report.artifacts import Subject, gather, keep

        error = None if call.excinfo is None or not report.failed else call.excinfo.value
        test = Subject(id=item.nodeid, outcome=report.outcome, error=error, names=getattr(item, "modssl_names", ()))
        try:
            recorded = gather(test, self._used)
            if not recorded:
                return "no server had part in this failure, so there is no bug report"
            folder = keep(test, self._base, recorded, self._budget)
        except (OSError, ModsslError) as failed:  # also where httpd can no longer be asked, as its engine has ended
            return f"the bug report cannot be written: {failed}"
        if not self._linked:
            self._linked = True
            for link in self._links:
                link(item, report, folder)
        beside = sorted({path.name for path in folder.iterdir()} - {"bug-report.txt"})
        return f"bug report: {folder / 'bug-report.txt'}\nbeside it: {', '.join(beside)}"


def in_junit(item: pytest.Item, report: pytest.TestReport, folder: Path) -> None:
    """Names the folder as a property, from where pytest was started: the workspace of a job in CI."""
    named = (PROPERTY, os.path.relpath(folder, item.config.invocation_params.dir))
    item.user_properties.append(named)  # for the reports of later phases
    report.user_properties.append(named)


def in_html(item: pytest.Item, report: pytest.TestReport, folder: Path) -> None:
    """Links the files from the report of pytest-html, relative to that."""
    from pytest_html import extras

    written = item.config.invocation_params.dir / item.config.getoption("htmlpath")
    links = [extras.url(os.path.relpath(path, written.parent), name=path.name) for path in _files(folder)]
    report.extras = [*getattr(report, "extras", []), *links]  # type: ignore[attr-defined]


def in_allure(_item: pytest.Item, _report: pytest.TestReport, folder: Path) -> None:
    """Attaches the files to the result of allure-pytest."""
    import allure

    for path in _files(folder):
        allure.attach.file(  # type: ignore[no-untyped-call]
            str(path), name=path.name, extension=path.suffix.removeprefix(".")
        )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


_LINKS: Sequence[tuple[str, Callable[[pytest.Item, pytest.TestReport, Path], None]]] = (
    ("xmlpath", in_junit),
    ("htmlpath", in_html),
    ("allure_report_dir", in_allure),
)
"""What names the folder where, by the option that asks for it."""


def _servers_of(item: pytest.Item, run: Run) -> Sequence[Server]:
    """The servers that a test may have used: of a check those of its configuration alone."""
    if not is_check(item):
        return run.servers
    from pytest_modssl.repo.items import ConfigFile

    file = item.getparent(ConfigFile)
    return run.servers if file is None else file.servers
