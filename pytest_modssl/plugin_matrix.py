"""Hooks for runs over several targets and jobs: what tests require, their parts, what is told at the end.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.marker import REQUIRES, MarkerError, read_requirements
from pytest_modssl.plugin import is_check, refuse, run_of, settings_of, worker_input

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from pytest_modssl.httpd.requirements import Requirement
    from pytest_modssl.matrix.results import Outcome, Place, Results
    from pytest_modssl.targets.base import Target

_place_key = pytest.StashKey["Place"]()
# How many tests there were before this job took its part of them; workers send it to the controller.
_ALL_TESTS = "modssl_all_tests"
_all_tests_key = pytest.StashKey[int]()


class IncapableError(pytest.skip.Exception):  # type: ignore[name-defined, misc]
    """Skips a test that its target is not capable of; told apart from other skips, also where a fixture raised it."""


def pytest_configure(config: pytest.Config) -> None:
    """Declares the marker."""
    config.addinivalue_line(
        "markers",
        f"{REQUIRES}(*, httpd='', openssl='', module=(), feature=(), mpm=(), target=(), program=()): skips the "
        "test on targets that lack one of these; versions as '>=2.4.66', the others a name or several.",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begins the collection of results, where this process tells them."""
    config = session.config
    run, settings = run_of(config), settings_of(config)
    if run is not None and settings.compare.value and len(run.targets) < 2:
        raise pytest.UsageError(
            f"{settings.compare.source}: there is nothing to compare on one target; name several by --modssl-target"
        )
    if settings.shard.value and not worker_input(config):
        _durations(config)  # here, as pytest-xdist does not tell what a worker ends with
    if not worker_input(config) and (run is not None or settings.record.value or settings.shard.value):
        from pytest_modssl.matrix.results import Results

        results = Results([] if run is None else [choice.name for choice in run.choices])
        config.pluginmanager.register(Collector(config, results), "modssl-collector")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Checks what tests require, notes where each belongs, and leaves out what is not of this job's part."""
    run, settings = run_of(config), settings_of(config)
    for item in items:
        try:
            _check(item)
        except MarkerError as error:
            refuse(item, error)
    if run is not None or settings.record.value or settings.shard.value:
        for item in items:
            item.stash[_place_key] = _place(item)
    if settings.shard.value is not None:
        _take_part(config, items, settings.shard.value)


def _check(item: pytest.Item) -> None:
    read_requirements(item)
    # On a class or a module it is about those tests that use a server; on a test alone it is a mistake.
    own = any(mark.name == REQUIRES for mark in item.own_markers)
    if own and "modssl_target" not in getattr(item, "fixturenames", ()):
        raise MarkerError(f"{item.nodeid}: @pytest.mark.{REQUIRES}: the test uses no server; let it use modssl_target")


def _target_of(item: pytest.Item) -> Target | None:
    """The target of a test; `None` for one that uses no server."""
    if is_check(item):
        return item.target  # type: ignore[attr-defined, no-any-return]
    run = run_of(item.config)
    if run is None or "modssl_target" not in getattr(item, "fixturenames", ()):
        return None
    params = getattr(getattr(item, "callspec", None), "params", {})
    target: Target = params.get("modssl_target", run.targets[0])
    return target


def _place(item: pytest.Item) -> Place:
    from pytest_modssl.matrix.results import Place, without_target

    run, target = run_of(item.config), _target_of(item)
    if run is None or target is None:
        return Place(item.nodeid)
    several = len(run.targets) > 1
    return Place(without_target(item.nodeid, target.id) if several else item.nodeid, run.name_of(target))


def place_of(item: pytest.Item) -> Place | None:
    """Which test an item is, and where it runs; `None` where nobody asked for that when it was collected."""
    return item.stash.get(_place_key, None)


def _durations(config: pytest.Config) -> Mapping[str, float]:
    from pytest_modssl.errors import DurationsError
    from pytest_modssl.matrix.durations import read_durations

    try:
        return read_durations(settings_of(config).durations.value)
    except DurationsError as error:
        raise pytest.UsageError(str(error)) from None


def _take_part(config: pytest.Config, items: list[pytest.Item], shard: tuple[int, int]) -> None:
    from pytest_modssl.matrix.sharding import split

    index, count = shard
    durations = _durations(config)
    places = [item.stash[_place_key] for item in items]
    mine = split(places, durations, count)[index - 1]
    config.stash[_all_tests_key] = len(items)
    config.hook.pytest_deselected(
        items=[item for item, place in zip(items, places, strict=True) if place.key not in mine]
    )
    items[:] = [item for item, place in zip(items, places, strict=True) if place.key in mine]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips a test that its target is not capable of, before any fixture is set up."""
    target = _target_of(item)
    if target is not None:
        skip_unless(read_requirements(item), target, item.config)


def skip_unless(needs: Sequence[Requirement], target: Target, config: pytest.Config) -> None:
    """Skips the running test unless its target meets all that is needed; the reason names what is not met."""
    __tracebackhide__ = True
    if not needs:
        return
    from pytest_modssl.httpd.requirements import unmet

    run = run_of(config)
    name = "" if run is None else run.name_of(target)
    reasons = [reason for one in needs for reason in unmet(one, target.installation, name)]
    if reasons:
        raise IncapableError(f"{name}: {'; '.join(reasons)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Gives the report what the controller tells at the end."""
    report = yield
    place = place_of(item)
    if place is None:
        return report
    from pytest_modssl.matrix.results import Report

    lacks = ""
    seen: tuple[tuple[str, str, str], ...] = ()
    if call.excinfo is not None and call.excinfo.errisinstance(IncapableError):
        lacks = str(call.excinfo.value).removeprefix(f"{place.target}: ")
        file, line, _ = item.location
        report.longrepr = (file, (line or 0) + 1, f"Skipped: {call.excinfo.value}")
    run = run_of(item.config)
    if run is not None and call.when == "call" and settings_of(item.config).compare.value:
        from pytest_modssl.matrix.facts import facts_of

        seen = tuple(fact for server in run.servers if server.used for fact in facts_of(server))
    report.modssl = Report(place, lacks, seen).pack()  # type: ignore[attr-defined]
    return report


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> str | None:
    """How many tests this job's part has."""
    shard, total = settings_of(config).shard.value, config.stash.get(_all_tests_key, None)
    return (
        None if shard is None or total is None else f"modssl: part {shard[0]}/{shard[1]}: {len(items)} of {total} tests"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tells the controller how many tests a worker saw before it took its part of them."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_ALL_TESTS] = session.config.stash.get(_all_tests_key, 0)


class Collector:
    """Gathers the results of all tests in the process that tells them, and tells them at the end."""

    def __init__(self, config: pytest.Config, results: Results) -> None:
        self._config = config
        self._settings = settings_of(config)
        self._places: dict[str, Place] = {}
        self._not_recorded: list[str] = []
        self.results = results

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Takes what a phase of a test says, wherever it ran."""
        from pytest_modssl.matrix.results import Place, Report

        packed = getattr(report, "modssl", None)
        if packed is not None:
            told = Report.unpack(packed)
            self._places[report.nodeid] = told.place
        elif report.failed:  # its worker died
            told = Report(self._places.get(report.nodeid, Place(report.nodeid)))
        else:
            return
        self.results.add(told, str(report.when), outcome_of(report), seconds_of(report))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Notes how many tests there were in all."""
        total = getattr(node, "workeroutput", {}).get(_ALL_TESTS, 0)
        self._config.stash[_all_tests_key] = max(total, self._config.stash.get(_all_tests_key, 0))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fails a strict run with tests that ran nowhere; passes a part that has no tests; records durations."""
        from pytest_modssl.errors import DurationsError
        from pytest_modssl.matrix import strict
        from pytest_modssl.matrix.durations import write_durations

        nothing = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
        if nothing and self._settings.shard.value and self._config.stash.get(_all_tests_key, 0):
            session.exitstatus = pytest.ExitCode.OK
        if self._settings.strict.value and session.exitstatus == pytest.ExitCode.OK and strict.never_run(self.results):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for file in self._settings.record.value:
            try:
                write_durations(file, self.results.durations())
            except DurationsError as error:  # told with the failures of the run, not in place of them
                self._not_recorded.append(str(error))
                if session.exitstatus == pytest.ExitCode.OK:
                    session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The table of targets, the differences between them, and the tests that none of them could run."""
        from pytest_modssl.matrix import differences, strict
        from pytest_modssl.matrix.summary import summary

        results, width = self.results, self._config.get_terminal_writer().fullwidth
        sections: list[tuple[str, list[str]]] = []
        if len(results.targets) > 1 and self._config.get_verbosity() >= 0:
            sections.append(("modssl: targets", summary(results, width=width)))
        if self._settings.compare.value:
            found = differences.differences(results)
            sections.append(("modssl: differences between targets", differences.describe(found, results, width=width)))
        if self._settings.strict.value:
            sections.append(("modssl: tests that no target is capable of", strict.describe(results)))
        for title, lines in sections:
            if lines:
                terminalreporter.write_sep("=", title)
                for line in lines:
                    terminalreporter.write_line(line)
        for error in self._not_recorded:
            terminalreporter.write_line(f"modssl: {error}", red=True)


def outcome_of(report: pytest.TestReport) -> Outcome | None:
    """What became of one phase of a test; `None` where another plugin runs it again."""
    if report.outcome not in {"passed", "failed", "skipped"}:  # "rerun" of pytest-rerunfailures
        return None
    if hasattr(report, "wasxfail") and report.outcome != "failed":
        return "xfailed" if report.outcome == "skipped" else "xpassed"
    if report.outcome == "failed" and report.when in {"setup", "teardown"}:
        return "error"
    return report.outcome


def seconds_of(report: pytest.TestReport) -> float:
    """The seconds that a phase took; none of a subtest, as its test has them too."""
    return 0.0 if hasattr(report, "context") else report.duration
