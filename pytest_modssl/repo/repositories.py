"""The configurations that a session of pytest finds, each below the argument that leads to it."""

from __future__ import annotations

import fnmatch
import os
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import ConfigError, ModsslError, StartError
from pytest_modssl.repo import settings as _settings
from pytest_modssl.repo.base import Base
from pytest_modssl.repo.discover import discover
from pytest_modssl.repo.found import Discovery, PassedOver
from pytest_modssl.repo.items import ConfigFile, Since, first_file
from pytest_modssl.repo.rows import Checker
from pytest_modssl.repo.table_items import TableFile
from pytest_modssl.repo.tables import is_table
from pytest_modssl.repo.wanted import STARTS, Wanted, options_of
from pytest_modssl.settings import SettingError
from pytest_modssl.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.settings import RepoSettings
    from pytest_modssl.run import Run
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server

# Files that are named in a message.
_SHOWN = 8


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
        self._bases: dict[Path, Base] = {}
        self._files: list[ConfigFile] = []
        self._left: list[PassedOver] = []
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
        argument = self._argument(path)
        if argument is None:
            return None
        discovery = self._discovery(path, argument)
        found = next((one for one in discovery.found if first_file(one) == path), None)
        if found is None:
            return None
        file: ConfigFile = ConfigFile.from_parent(
            parent,
            path=path,
            found=found,
            run=self._run,
            wanted=self._wanted,
            options=self._options,
            since=self._since(found, discovery),
        )
        self._files.append(file)
        return file

    def table(self, path: Path, parent: pytest.Collector) -> TableFile | None:
        """The rows of a table of URLs, held against the configuration that is nearest; `None` for any other file."""
        argument = self._argument(path)
        if argument is None or not is_table(path):
            return None
        found = max(
            self._discovery(path, argument).found,
            key=lambda one: len(Path(os.path.commonpath([first_file(one), path])).parts),
            default=None,
        )
        if found is None:
            self._left.append(PassedOver(path, "a table of URLs, and no configuration that it could be about"))
            return None
        several = len(self._run.targets) > 1
        holder = object()
        checkers = {
            target.id if several else "": Checker(partial(self._launch, target, found, holder))
            for target in self._run.targets
        }
        table: TableFile = TableFile.from_parent(
            parent, path=path, checkers=checkers, done=lambda _: self._run.release(holder)
        )
        return table

    def _launch(self, target: Target, found: Found, holder: object, directives: str) -> Server:
        """The running server of a configuration, with directives added to it.

        Raises:
            ModsslError: httpd refuses it.
        """
        study = self._run.study(target, found)
        try:
            if study.refused is not None:
                raise study.refused
            return self._run.serve(target, study, holder, directives=directives)
        except StartError as error:
            whole = f"{os.path.relpath(first_file(found), self._config.rootpath)}::{STARTS}"
            raise ModsslError(f"httpd does not start, see {whole}: {str(error).partition(chr(10))[0]}") from None

    def configuration(self, title: str) -> Found:
        """The configuration of a title below rootdir, or that settings name; without a title the only one.

        Raises:
            ConfigError: when there is none, or are several.
        """
        root = self._config.rootpath
        discovery = self._named if self._configs else self._discovered.setdefault(root, self._discover(root))
        fit = [one for one in discovery.found if title in {"", one.title}]
        if len(fit) == 1:
            return fit[0]
        known = [one.title for one in discovery.found]
        if not known:
            why = "".join(f"\n{one.path}: {one.reason}" for one in discovery.passed_over[:_SHOWN])
            raise ConfigError(
                f"{root} holds no configuration of httpd that could be run; name one by modssl_config in pytest's "
                f"configuration file, or by --modssl-config{why}"
            )
        if title:
            raise ConfigError(f"{root} holds no configuration {title}; there are {', '.join(known)}")
        raise ConfigError(
            f"{root} holds {len(known)} configurations: {', '.join(known)}. Choose one: in pytest's configuration file "
            f'modssl_config = {known[0]}, or a fixture modssl_repo that returns modssl_repo_factory("{known[0]}")'
        )

    def told(self, *, verbose: bool) -> list[str]:
        """Lines about what was taken and what was passed over."""
        every = (one for each in self._discovered.values() for one in each.passed_over)
        passed_over = {one.path: one.reason for one in (*every, *self._left)}
        if not self._files and not passed_over:
            return []
        taken = ", ".join(f"{one.found.title} ({one.found.layout.name})" for one in self._files)
        lines = [printable(f"modssl: configurations: {taken or 'none'}")]
        hostless = [
            f"modssl: {one.found.title}: httpd reads no <VirtualHost> of it, so no host is checked"
            for one in self._files
            if self._has_no_host(one)
        ]
        if not verbose and self._files:
            more = f"; passed over {len(passed_over)} (-v tells why)" if passed_over else ""
            return [f"{lines[0]}{more}", *map(printable, hostless)]
        lines += hostless
        lines += [f"modssl: passed over {path}: {reason}" for path, reason in passed_over.items()]
        lines += [f"modssl: {one.found.title}: {what}" for one in self._files for what in one.substitutions]
        return [printable(one) for one in lines]

    def _has_no_host(self, file: ConfigFile) -> bool:
        """Whether httpd takes a configuration and has no virtual host of it, on any target."""
        try:
            studies = [file.study(target) for target in self._run.targets]
        except (ModsslError, OSError):  # told where the configuration is collected
            return False
        return not any(one.refused is not None or one.hosts for one in studies)

    def idle_settings(self) -> list[tuple[str, str]]:
        """Where settings speak of virtual hosts and checks that no configuration has; see `Wanted.idle`.

        Nothing where files are named to be tested, as settings speak of others too, or where httpd refuses one.
        """
        targets = self._run.targets
        if self._config.args_source is pytest.Config.ArgsSource.ARGS or self._named_on_command_line:
            return []
        try:
            if any(one.study(target).refused is not None for one in self._files for target in targets):
                return []
        except (ModsslError, OSError):  # told where the configuration is collected
            return []
        hosts = [host for one in self._files for target in targets for host in one.hosts(target)]
        return list(self._wanted.idle(hosts, [test for one in self._files for test in one.possible()]))

    def _argument(self, path: Path) -> Path | None:
        """The argument that led to a file; `None` for one that is only on the way to what arguments name."""
        arguments = [one for one in self._session._initialpaths if path.is_relative_to(one)]  # noqa: SLF001 - no other way
        return max(arguments, key=lambda one: len(one.parts), default=None) if path.suffix != ".py" else None

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
        try:
            return self._below(root, self._configs)
        except ConfigError as error:
            raise pytest.UsageError(f"{self._settings.configs.source}: {error}") from None

    def _below(self, root: Path, configs: Sequence[Path]) -> Discovery:
        settings = self._settings
        return discover(root, configs=configs, defines=settings.defines.value, variables=dict(settings.variables.value))

    def _since(self, found: Found, discovery: Discovery) -> Since | None:
        """What a configuration is compared with, where settings name a revision."""
        base = self._settings.base.value
        if not base:
            return None
        root = found.root
        if root not in self._bases:
            self._bases[root] = Base(
                root,
                base,
                tuple(one for one in discovery.found if one.root == root),
                run=self._run,
                discover=partial(self._discover_there, root),
                start=self._config.invocation_params.dir,
            )
        return Since(self._bases[root], unchanged=self._settings.unchanged.value)

    def _discover_there(self, root: Path, folder: Path) -> Discovery:
        """What there is in a folder that a revision of the repository was written into."""
        named = [folder / one.relative_to(root) for one in self._configs if one.is_relative_to(root)]
        there = [one for one in named if one.exists()]
        try:
            return self._below(folder, there) if there or not self._configs else Discovery((), ())
        except ConfigError:  # what is named is no configuration yet
            return Discovery((), ())


def _reaches(config: pytest.Config, argument: str, path: Path) -> bool:
    """Whether pytest comes to a file by one of its arguments."""
    start = config.invocation_params.dir / argument.partition("::")[0]
    if not path.is_relative_to(start):
        return False
    between = path.relative_to(start).parts[:-1]
    return not any(fnmatch.fnmatch(part, pattern) for part in between for pattern in config.getini("norecursedirs"))
