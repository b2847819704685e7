"""The configurations that a session of pytest finds, each below the argument that leads to it."""

from __future__ import annotations

import fnmatch
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import ConfigError
from pytest_modssl.repo import settings as _settings
from pytest_modssl.repo.discover import discover
from pytest_modssl.repo.items import ConfigFile, first_file
from pytest_modssl.repo.wanted import Wanted, options_of
from pytest_modssl.settings import SettingError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.repo.found import Discovery
    from pytest_modssl.repo.settings import RepoSettings
    from pytest_modssl.run import Run


class Repositories:
    """The configurations of a session.

    Args:
        session: the session.
        run: its servers.
        settings: what the user says of configurations and checks.

    Raises:
        pytest.UsageError: a setting names what there is not.
    """

    def __init__(self, session: pytest.Session, run: Run, settings: RepoSettings) -> None:
        self._session = session
        self._config = session.config
        self._run = run
        self._settings = settings
        self._discovered: dict[Path, Discovery] = {}
        self._files: list[ConfigFile] = []
        try:
            self._options = options_of(settings)
            self._wanted = Wanted(settings)
        except SettingError as error:
            raise pytest.UsageError(str(error)) from None

    def add_arguments(self) -> None:
        """Lets pytest come to the configurations that settings name, also where its arguments do not lead there.

        Whoever names files to test means these, and no configuration that the configuration file names.
        """
        arguments = self._config.args
        if not self._configs or (
            self._config.args_source is pytest.Config.ArgsSource.ARGS and not self._named_on_command_line
        ):
            return
        for found in self._named.found:
            file = first_file(found)
            if not any(_reaches(self._config, argument, file) for argument in arguments):
                arguments.append(str(file))

    def collector(self, path: Path, parent: pytest.Collector) -> ConfigFile | None:
        """The checks of the configuration that begins with a file; `None` for any other file."""
        # Beside what its arguments name, pytest asks about every file on the way there.
        arguments = [one for one in self._session._initialpaths if path.is_relative_to(one)]  # noqa: SLF001 - no other way
        if path.suffix == ".py" or not arguments:
            return None
        argument = max(arguments, key=lambda one: len(one.parts))
        found = next((one for one in self._discovery(path, argument).found if first_file(one) == path), None)
        if found is None:
            return None
        file: ConfigFile = ConfigFile.from_parent(
            parent, path=path, found=found, run=self._run, wanted=self._wanted, options=self._options
        )
        self._files.append(file)
        return file

    def told(self, *, verbose: bool) -> list[str]:
        """Lines about what was taken and what was passed over."""
        passed_over = {one.path: one.reason for each in self._discovered.values() for one in each.passed_over}
        if not self._files and not passed_over:
            return []
        taken = ", ".join(f"{one.found.title} ({one.found.layout.name})" for one in self._files)
        lines = [f"modssl: configurations: {taken or 'none'}"]
        if not verbose:
            return [f"{lines[0]}; passed over {len(passed_over)} (-v tells why)"] if passed_over else lines
        lines += [f"modssl: passed over {path}: {reason}" for path, reason in passed_over.items()]
        lines += [f"modssl: {one.found.title}: {what}" for one in self._files for what in one.substitutions]
        return lines

    @property
    def _named_on_command_line(self) -> bool:
        return self._settings.configs.source == _settings.CONFIG.option

    @property
    def _configs(self) -> tuple[Path, ...]:
        """What settings name: on the command line from where that was given, else from rootdir."""
        base = self._config.invocation_params.dir if self._named_on_command_line else self._config.rootpath
        return tuple(base / one for one in self._settings.configs.value)

    @cached_property
    def _named(self) -> Discovery:
        return self._discover(self._config.rootpath)

    def _discovery(self, path: Path, argument: Path) -> Discovery:
        """What there is below the argument that led to a file."""
        root = self._config.rootpath
        if self._configs:
            self._discovered[root] = self._named
            return self._named
        if argument == path:
            argument = root if path.is_relative_to(root) else path.parent
        if argument not in self._discovered:
            self._discovered[argument] = self._discover(argument)
        return self._discovered[argument]

    def _discover(self, root: Path) -> Discovery:
        settings = self._settings
        variables = dict(settings.variables.value)
        try:
            return discover(root, configs=self._configs, defines=settings.defines.value, variables=variables)
        except ConfigError as error:
            raise pytest.UsageError(f"{settings.configs.source}: {error}") from None


def _reaches(config: pytest.Config, argument: str, path: Path) -> bool:
    """Whether pytest comes to a file by one of its arguments."""
    start = config.invocation_params.dir / argument.partition("::")[0]
    if not path.is_relative_to(start):
        return False
    between = path.relative_to(start).parts[:-1]
    return not any(fnmatch.fnmatch(part, pattern) for part in between for pattern in config.getini("norecursedirs"))
