"""Hooks for repositories of configuration: their settings, and what is collected of them.

PYTEST_DONT_REWRITE: see `_unrewritten`.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

import pytest

from pytest_modssl.errors import IdleSettingWarning
from pytest_modssl.plugin import declare, run_of, sources_of
from pytest_modssl.repo import settings as _settings
from pytest_modssl.repo.likely import may_be_ours
from pytest_modssl.settings import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_modssl.repo.repositories import Repositories

_settings_key = pytest.StashKey[_settings.RepoSettings]()
_session_key = pytest.StashKey[pytest.Session]()
_repositories_key: pytest.StashKey[Repositories] = pytest.StashKey()


_NOTHING: Final = (
    "there is nothing to test: no tests, and no file is configuration of httpd by its name (*.conf), its folder "
    "(sites-enabled, vhosts.d) or what it says. --modssl-config PATH, or modssl_config, names a file or folder"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares the settings."""
    declare(parser, _settings.ALL)


def pytest_configure(config: pytest.Config) -> None:
    """Reads the settings."""
    try:
        config.stash[_settings_key] = _settings.resolve(sources_of(config, _settings.ALL))
    except SettingError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Lets pytest come to the configurations that settings name, where the plugin is switched on."""
    config = session.config
    if run_of(config) is not None:
        config.stash[_session_key] = session
        if config.stash[_settings_key].described():
            repositories_of(config)


def repositories_of(config: pytest.Config) -> Repositories | None:
    """The configurations of a session; `None` where the plugin is not switched on.

    What is needed for them loads with the first file that could be one, which takes longer than a server (0.5 s).
    """
    run = run_of(config)
    if run is None or _session_key not in config.stash:
        return None
    if _repositories_key not in config.stash:
        from pytest_modssl.repo import protocol
        from pytest_modssl.repo.repositories import Repositories

        config.pluginmanager.register(protocol)
        repositories = Repositories(config.stash[_session_key], run, config.stash[_settings_key])
        config.stash[_repositories_key] = repositories
        repositories.add_arguments()
    return config.stash[_repositories_key]


def pytest_report_header(config: pytest.Config) -> str | None:
    """What was said of configurations."""
    said = config.stash[_settings_key].described() if run_of(config) is not None else []
    return f"modssl: {', '.join(said)}" if said else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out a link to a folder on the way to itself, in which pytest would go round without end."""
    if run_of(config) is None or not collection_path.is_symlink():
        return None
    target = collection_path.resolve()
    return True if any(one.resolve().is_relative_to(target) for one in collection_path.parents) else None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The checks of the configuration that a file begins, or the rows of a table of URLs."""
    # Beside what its arguments name, pytest asks about every file on the way there.
    meant = any(file_path.is_relative_to(one) for one in parent.session._initialpaths)  # noqa: SLF001 - no other way
    repositories = repositories_of(parent.config) if meant and may_be_ours(file_path) else None
    if repositories is None:
        return None
    return repositories.collector(file_path, parent) or repositories.table(file_path, parent)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config) -> None:
    """Warns of settings that speak of what there is not."""
    repositories = config.stash.get(_repositories_key, None)
    for word, idle in () if repositories is None else repositories.idle_settings():
        told = f"{idle}. What to do: mend or remove the line"
        try:
            warnings.warn_explicit(told, IdleSettingWarning, *_line_of(word, config))
        except IdleSettingWarning as error:  # where warnings are errors
            session.shouldfail = session.shouldfail or str(error)


def _line_of(word: str, config: pytest.Config) -> tuple[str, int]:
    """Where a word stands in the configuration file, outside of which there are no tables."""
    file = config.inipath
    lines = [] if file is None else file.read_text(encoding="utf-8").splitlines()
    return str(file), next((number for number, line in enumerate(lines, 1) if word in line), 1)


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Which configurations were taken; with -v also what was passed over, and what stands in for something.

    Where nothing at all is to be tested, what was passed over is told in any case, and what can be done.
    """
    repositories = config.stash.get(_repositories_key, None)
    told = [] if repositories is None else repositories.told(verbose=config.get_verbosity() > 0)
    if run_of(config) is None or items:
        return told
    return [*(told or ["modssl: configurations: none"]), f"modssl: {_NOTHING}"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What clients see otherwise than of another revision, once, wherever it was found out; a failure tells it too."""
    if _repositories_key not in config.stash:
        return
    from pytest_modssl.repo.items import CHANGED

    reports = (one for kind, some in terminalreporter.stats.items() if kind != "failed" for one in some)
    told = sorted(
        (one.nodeid, text)
        for one in reports
        if getattr(one, "when", "") == "call"
        for name, text in one.user_properties
        if name == CHANGED
    )
    if told:
        terminalreporter.write_sep("=", "modssl: what clients see otherwise")
    for test, text in told:
        terminalreporter.write_line(f"{test}: {text}")
