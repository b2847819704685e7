"""Hooks of the pytest plugin. They wire; the work is done in the modules that they call, which load when first used.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_modssl import _unrewritten  # noqa: F401 - first: it decides how all others are loaded
from pytest_modssl import settings as _settings
from pytest_modssl.marker import MarkerError, read_markers

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from pytest_modssl.run import Run
    from pytest_modssl.targets.log import Wanted

pytest_plugins = (
    "pytest_modssl.fixtures",
    "pytest_modssl.fixtures_repo",
    "pytest_modssl.plugin_artifacts",
    "pytest_modssl.plugin_matrix",
    "pytest_modssl.plugin_repo",
    "pytest_modssl.plugin_report",
    "pytest_modssl.plugin_terminal",
)

SKIP_REASON = "needs a real httpd: run pytest with --modssl"

_settings_key = pytest.StashKey[_settings.Settings]()
_run_key = pytest.StashKey["Run"]()
_refused_key = pytest.StashKey[str]()
_in_body_key = pytest.StashKey[bool]()
# Whether the fixture `modssl_server` has done what the markers of a test say of a configuration.
taken_up_key = pytest.StashKey[bool]()
_holders_key: pytest.StashKey[list[pytest.FixtureDef[Any] | pytest.Item]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares every setting as an option and an ini key."""
    declare(parser, _settings.ALL)


def declare(parser: pytest.Parser, settings: Sequence[_settings.Declared[Any]]) -> None:
    """Declares settings as options and ini keys, those that are tables as ini keys alone."""
    group = parser.getgroup("modssl", "tests of Apache httpd configurations over real TLS (pytest-modssl)")
    for one in settings:
        kind: Literal["args", "string", "linelist"] = "args" if one.repeatable else "string"
        if one.table:
            kind = "linelist"
        else:
            help_text = one.help if one.name else f"{one.help}. {_settings.WAYS}"
            if one.flag:
                group.addoption(one.option, action="append_const", const="1", dest=one.ini, help=help_text)
            else:
                group.addoption(one.option, action="append", dest=one.ini, metavar=one.form, help=help_text)
        parser.addini(one.ini, one.help, type=kind, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the settings and declares the marker."""
    config.addinivalue_line(
        "markers",
        "modssl(directives='', *, host=None, fresh=False, errors=()): adds directives to the configuration for one "
        "test (to the server, or to the virtual hosts named host); fresh=True starts a server of its own; "
        "errors are lines of the error log that the test brings about (AH numbers or pieces of text).",
    )
    config.stash[_holders_key] = []
    config.stash[_settings_key] = read_settings(config)


def read_settings(config: pytest.Config) -> _settings.Settings:
    """The settings of a session, from its options, the environment and pytest's configuration file."""
    sources = sources_of(config, _settings.ALL)
    try:
        return _settings.resolve(sources.options, sources.environment, sources.ini)
    except _settings.SettingError as error:
        raise pytest.UsageError(str(error)) from None


def sources_of(config: pytest.Config, settings: Sequence[_settings.Declared[Any]]) -> _settings.Sources:
    """What a session's command line, environment and configuration file say of some settings."""
    values = {one.ini: config.getini(one.ini) for one in settings}
    return _settings.Sources(
        options={one.ini: config.getoption(one.ini) for one in settings if not one.table},
        environment=os.environ,
        ini={name: value if isinstance(value, list) else [str(value)] for name, value in values.items() if value},
    )


def settings_of(config: pytest.Config) -> _settings.Settings:
    """The settings of a session, as they were read when it began."""
    return config.stash[_settings_key]


def run_of(config: pytest.Config) -> Run | None:
    """The run that a session's servers belong to; `None` where the plugin is not switched on."""
    return config.stash.get(_run_key, None)


def is_check(item: pytest.Item) -> bool:
    """Whether an item is a check of a repository, which looks after servers, log and message itself (`repo.items`)."""
    return getattr(item, "modssl_check", False)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Finds the targets, so that a missing server ends the session before any test, with what to install."""
    config = session.config
    if not config.stash[_settings_key].enabled.value:
        return
    from pytest_modssl.errors import ModsslError
    from pytest_modssl.plugin_terminal import long_work, say_of
    from pytest_modssl.run import Run
    from pytest_modssl.targets.choice import Choice
    from pytest_modssl.targets.registry import new_run

    told = worker_input(config)
    choices = [Choice(*choice) for choice in told["modssl_choices"]] if told else None
    run = Run(
        config.stash[_settings_key],
        told.get("modssl_run") or new_run(),
        choices=choices,
        say=say_of(config),
        engines=_engines(config),
    )
    config.stash[_run_key] = run
    config.add_cleanup(run.close)  # for a session that is interrupted before it has begun, or while it ends
    try:
        with long_work(config):
            _ = run.targets
            if not told:
                run.begin()
        if told and told["modssl_controller"] == os.getppid():  # else on another machine, or dead already
            run.end_with(told["modssl_controller"])
    except (ModsslError, OSError) as error:  # out of descriptors, not even our modules can be read
        raise pytest.UsageError(f"--modssl: {error}") from None


def _engines(config: pytest.Config) -> tuple[str, ...]:
    """The container engine of this process first, then those that it looks after for its workers."""
    engines = config.stash[_settings_key].engines.value
    worker = worker_input(config).get("workerid")
    if worker is not None and engines:
        number = int(worker.removeprefix("gw"))
        return engines[number % len(engines) :][:1]
    return engines if config.getoption("dist", "no") != "no" else engines[:1]


def worker_input(config: pytest.Config) -> dict[str, Any]:
    """What the controller told this xdist worker; empty where this process is no worker."""
    return getattr(config, "workerinput", {})


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells an xdist worker which run it belongs to."""
    run = run_of(node.config)
    if run is not None:
        node.workerinput["modssl_run"] = run.name
        node.workerinput["modssl_controller"] = os.getpid()
        node.workerinput["modssl_choices"] = [tuple(choice) for choice in run.choices]


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Ends all servers of this process, whatever others raise; the controller also removes what workers left."""
    try:
        return (yield)
    finally:
        run = run_of(session.config)
        if run is not None:
            run.close()
            if not worker_input(session.config):
                run.end()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Which httpd will run, and why."""
    run = run_of(config)
    if run is None:
        return []
    lines = [
        f"modssl: {target.id} ({target.description}; {choice.reason})"
        for target, choice in zip(run.targets, run.choices, strict=True)
    ]
    return [*lines, f"modssl: {run.settings.describe()}"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs every test that uses a server once per target, where there are several."""
    run = run_of(metafunc.config)
    if run is not None and len(run.targets) > 1 and "modssl_target" in metafunc.fixturenames:
        ids = [target.id for target in run.targets]
        # At the scope of the session pytest runs all tests of a target before those of the next, file by file: so each
        # server is started once for its file and target, as few times as can be (measured: 3 files, 2 targets, 6).
        metafunc.parametrize("modssl_target", run.targets, ids=ids, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Checks the arguments of every marker."""
    for item in items:
        try:
            read_markers(item)
        except MarkerError as error:
            refuse(item, error)


def refuse(item: pytest.Item, error: MarkerError) -> None:
    """Ends a session, while it collects tests, for a marker that is wrong.

    What a worker ends with, pytest-xdist does not tell: there the test fails, when it is set up.
    """
    if not worker_input(item.config):
        raise pytest.UsageError(str(error)) from None
    item.stash[_refused_key] = str(error)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    """Begins a test before any hook of a user's can fail it: as a wrapper, the last after those of pytest.

    Where it came before pytest's, a test that it skips would have nothing that they could tear down.
    """
    __tracebackhide__ = True
    _begin(item)
    return (yield)


def _begin(item: pytest.Item) -> None:
    """Skips a test that needs a server where none was asked for; else begins its slice of every log."""
    refused = item.stash.get(_refused_key, None)
    if refused is not None:
        pytest.fail(refused, pytrace=False)
    run = run_of(item.config)
    if run is None:
        if "modssl_target" in getattr(item, "fixturenames", ()):
            pytest.skip(SKIP_REASON)
        return
    if is_check(item):
        return
    item.config.stash[_holders_key][:] = [item]
    run.begin_test(_expected(item))


def _expected(item: pytest.Item) -> list[Wanted]:
    """What a test makes servers log on purpose, as its markers say; errors as for `read_markers`."""
    return [wanted for marker in read_markers(item) for wanted in marker.errors]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a test whose server logged an error that it did not expect."""
    __tracebackhide__ = True
    item.stash[_in_body_key] = True
    try:
        result = yield
    finally:
        item.stash[_in_body_key] = False
    run = run_of(item.config)
    if run is not None and not is_check(item):
        from pytest_modssl.report.outcome import check_servers

        check_servers(run.servers, _expected(item))  # anew: a fixture may have added a marker
        _check_taken_up(item)
    return result


def _check_taken_up(item: pytest.Item) -> None:
    """Fails a test that has a marker of its own for another configuration, and never had a server with that."""
    idle = [
        mark for mark in item.own_markers if mark.name == "modssl" and (mark.args or mark.kwargs.keys() - {"errors"})
    ]
    if idle and not item.stash.get(taken_up_key, False):
        given = ", ".join(
            [*(["directives"] if idle[0].args else []), *(one for one in idle[0].kwargs if one != "errors")]
        )
        pytest.fail(
            f"@pytest.mark.modssl({given}) had no effect: this test did not use modssl_server, or another fixture of "
            "that name. What to do: take the marker off, or have the fixture start config.extended(directives)",
            pytrace=False,
        )


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Tells more of a failure: what the servers logged, what was seen of them, the configuration that httpd refused.

    No wrapper: it comes before pytest's own, which makes the report, and after that of pytest which finds out what a
    test of unittest failed with.
    """
    run = run_of(item.config)
    if run is None or is_check(item):
        return
    if call.when == "call":  # what was told of a subtest, pytest would tell of all later ones
        told = item._report_sections  # noqa: SLF001 - there is no other way to take them off
        told[:] = [one for one in told if one[0] != "call" or not one[1].startswith("modssl")]
    if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        # A subtest fails while its test goes on.
        for title, text in _explained(call.excinfo.value, run, over=not item.stash.get(_in_body_key, False)):
            item.add_report_section(call.when, title, text)


def _explained(error: BaseException, run: Run, *, over: bool) -> Sequence[tuple[str, str]]:
    """What to tell of the servers beside a failure."""
    try:
        from pytest_modssl.report.failure import explain

        # pytest shows no notes of a failure that is to have no traceback.
        shows_notes = not isinstance(error, pytest.fail.Exception) or error.pytrace
        return explain(error, run.servers, over=over, shows_notes=shows_notes)
    # Out of descriptors, even modules and libraries cannot be read; an error is the user's, and may do anything when it
    # is looked at. The failure itself is still told.
    except Exception as failed:  # noqa: BLE001
        return [("modssl", f"nothing more can be told of the servers: {type(failed).__name__}: {failed}")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a test of which a server crashes now; releases the servers that its own body asked for."""
    __tracebackhide__ = True
    run = run_of(item.config)
    try:
        result = yield
        if run is not None and not is_check(item):
            from pytest_modssl.report.outcome import check_teardown

            check_teardown(run.late_crashes())
    finally:
        if run is not None and not is_check(item):
            run.end_test(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Remembers which fixture is being set up: a server lives as long as the fixture that asked for it."""
    __tracebackhide__ = True
    holders = request.config.stash[_holders_key]
    holders.append(fixturedef)
    try:
        return (yield)
    finally:
        holders.pop()


def holder_of(config: pytest.Config) -> pytest.FixtureDef[Any] | pytest.Item:
    """On whose behalf code runs at this moment: the innermost fixture that is being set up, else the test itself."""
    return config.stash[_holders_key][-1]
