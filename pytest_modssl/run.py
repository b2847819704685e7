"""One run's servers: its targets, their pools, and its place in the registry. Knows no pytest."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from threading import Thread
from typing import TYPE_CHECKING

import psutil

from pytest_modssl.errors import ConfigError, EngineError, ModsslError, ProgramWarning, StartError
from pytest_modssl.httpd.installation import find_httpd, probe_installation
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.httpds.wishes import Wishes
from pytest_modssl.progress import silent
from pytest_modssl.targets.choice import Choice, choose_automatically, container_target, unpacked_target
from pytest_modssl.targets.registry import Owner, default_base, end_run, sweep

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

    from pytest_modssl.backends import Backends
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.progress import Say
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.study import Study
    from pytest_modssl.settings import Settings
    from pytest_modssl.targets.base import Listener, Target
    from pytest_modssl.targets.life import Note
    from pytest_modssl.targets.log import Wanted
    from pytest_modssl.targets.pool import Pool
    from pytest_modssl.targets.server import Server


class Run:
    """Everything that a run started, or will start when it is asked for.

    Args:
        settings: what the run was asked to do.
        name: name of the run, shared by the controller and its workers.
        choices: the targets that the controller chose, for a worker; `None` chooses them.
        say: told of each step of work that takes seconds, such as building an image, and how it ended.
        engines: container engines (what `DOCKER_HOST` says): servers run on the first, the others are those of workers,
            to be made ready and cleaned up. Without any it is docker's own settings that name one.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        *,
        choices: Sequence[Choice] | None = None,
        say: Say = silent,
        engines: Sequence[str] = (),
    ) -> None:
        self.settings = settings
        self.name = name
        self._choices = choices
        self._say = say
        self._engines: Sequence[str | None] = engines or [None]
        self._pools: dict[str, Pool] = {}
        self._refused: dict[tuple[str, str], StartError] = {}
        self._listen: Listener | None = None
        self._note: Note | None = None
        self._expected: list[Wanted] = []
        self._studies: dict[tuple[str, Path, str], Study] = {}

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """The targets to use, each with its reason: `auto` is decided here."""
        if self._choices is not None:
            return tuple(self._choices)
        source = self.settings.targets.source
        return tuple(
            choose_automatically(self._engines[0], offline=self.settings.offline.value)
            if name == "auto"
            else Choice(name, source)
            for name in self.settings.targets.value
        )

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The targets of the run, each of which can start a server.

        Raises:
            ModsslError: when one cannot be had, with what to install.
        """
        targets: list[Target] = []
        try:
            for choice in self.choices:
                targets.append(self._another(choice, targets))
        except BaseException:
            self._close(targets)
            raise
        return tuple(targets)

    def _another(self, choice: Choice, targets: Sequence[Target]) -> Target:
        target = self._target(choice.name, self._engines[0])
        if target.id in [one.id for one in targets]:
            target.close()
            raise ModsslError(f"target {choice.name} is the same httpd as another target of this run ({target.id})")
        return target

    def name_of(self, target: Target) -> str:
        """The name of one of `targets` as `--modssl-target` takes it: `local`, `docker:IMAGE`."""
        return next(choice.name for one, choice in zip(self.targets, self.choices, strict=True) if one.id == target.id)

    @cached_property
    def _elsewhere(self) -> tuple[Target, ...]:
        """The targets of workers on other engines; there each must be the same httpd as here, as tests are named by it.

        Raises:
            ModsslError: when one cannot be had, or is another httpd.
        """
        targets = []
        for own, choice in zip(self.targets, self.choices, strict=True):
            for engine in self._engines[1:] if choice.name.partition(":")[0] == "docker" else ():
                target = self._target(choice.name, engine)
                targets.append(target)
                if target.id != own.id:
                    self._close(targets)
                    raise ModsslError(
                        f"target {choice.name} is {target.id} on the engine at {engine}, but {own.id} on that at "
                        f"{self._engines[0]}: give all engines the same image"
                    )
        return tuple(targets)

    def _target(self, name: str, engine: str | None) -> Target:
        kind, _, rest = name.partition(":")
        start_seconds = self.settings.start_timeout.value
        offline = self.settings.offline.value
        backtrace = self.settings.backtrace.value
        if kind == "docker":
            return container_target(
                rest or None,
                self._owner,
                start_seconds=start_seconds,
                say=self._say,
                offline=offline,
                engine=engine,
                backtrace=backtrace,
            )
        if kind in {"debian", "source"}:
            wishes = Wishes(
                say=self._say,
                offline=offline,
                mirrors=self.settings.debian_mirror.value,
                unsigned=self.settings.debian_unsigned.value,
            )
            return unpacked_target(name, self._owner, start_seconds=start_seconds, wishes=wishes, backtrace=backtrace)
        with ThreadPoolExecutor(1) as other:  # httpd answers while modules of ours load
            probed = other.submit(lambda: probe_installation(find_httpd(rest or None)))
            from pytest_modssl.targets.local import LocalTarget

            installation = probed.result()
        installation.require({"ssl"})
        return LocalTarget(installation, self._owner, start_seconds=start_seconds, backtrace=backtrace)

    @cached_property
    def _owner(self) -> Owner:
        return Owner(self.name)

    def pool(self, target: Target) -> Pool:
        """The running servers of a target in this process."""
        from pytest_modssl.targets.pool import Pool

        pool = Pool(
            target,
            remember_all=self.settings.compare.value,
            listen=self._listen,
            note=self._note,
            record=self.settings.keeps_artifacts,
            expected=self._expected,
        )
        return self._pools.setdefault(target.id, pool)

    def listen(self, listener: Listener) -> None:
        """Has a listener told of all that is seen of servers that start from now on; before the first of them."""
        self._listen = listener

    def note(self, note: Note) -> None:
        """Has what becomes of servers told; before the first of them."""
        self._note = note

    def study(self, target: Target, found: Found) -> Study:
        """A configuration of a repository made ready for a target, once in this process; see `repo.study.study`.

        Of programs that it has run on this machine it warns, where settings leave that open.

        Raises:
            ConfigError: when it has programs run, and settings forbid that.
        """
        from pytest_modssl.repo.study import study

        key = target.id, found.root, found.title
        if key in self._studies:
            return self._studies[key]
        one = study(target, found, lambda: self.backends, say=self._say)
        allowed = self.settings.programs.value
        if one.programs and allowed != "run":
            lines = "".join(f"\n  {named.origin}: {named.what}" for named in one.programs)
            if allowed == "refuse":
                raise ConfigError(
                    f"{found.title} has programs run on this machine, which {self.settings.programs.source} forbids. "
                    f"What to do: run it in containers (--modssl-target docker){lines}"
                )
            first = one.programs[0].origin or Origin(found.title, 1)
            warnings.warn_explicit(
                f"{found.title} has programs run on this machine, with your rights or those of httpd's children. "
                "What to do: say modssl_programs = run where you know them, else modssl_programs = refuse, or use "
                f"containers (--modssl-target docker){lines}",
                ProgramWarning,
                first.file,
                first.line,
            )
        self._studies[key] = one
        return one

    def serve(self, target: Target, study: Study, holder: Hashable, *, directives: str = "") -> Server:
        """The running server of a repository's configuration, held by `holder`.

        What a new one logs at its start belongs to no test: whether it starts as it should is a check of its own.

        Args:
            target: where it runs.
            study: of the configuration on this target.
            holder: on whose behalf; see `Pool.get`.
            directives: added to those of the repository.

        Raises:
            StartError: when httpd refuses it.
        """
        pool = self.pool(target)
        running = pool.servers
        config = study.config.extended(directives) if directives else study.config
        key = target.id, config.digest
        if key in self._refused:
            raise self._refused[key]
        try:
            server = pool.get(config, holder)
        except StartError as error:
            self._refused[key] = error  # it is not tried again for each of a thousand tests
            raise
        if server not in running:
            server.begin_test(self._expected)
        return server

    def new_folder(self) -> Path:
        """An empty folder of this process, which is removed with its servers."""
        return self._owner.new_folder()

    @cached_property
    def backends(self) -> Backends:
        """The stand-ins for the back ends that configurations of repositories name."""
        from pytest_modssl.backends import Backends
        from pytest_modssl.pki import CA

        return Backends(self.new_folder(), CA())

    @property
    def servers(self) -> Sequence[Server]:
        """Every running server of this process."""
        return [server for pool in self._pools.values() for server in pool.servers]

    def begin_test(self, expected: Sequence[Wanted]) -> None:
        """Begins a test's slice of every log.

        Args:
            expected: what the test makes servers log on purpose, also those that start during it.
        """
        self._expected[:] = expected
        for server in self.servers:
            server.begin_test(expected)

    def late_crashes(self) -> Sequence[LogRecord]:
        """Lines about children that crashed since the test ended, also of servers that have been ended since; once."""
        return [record for pool in self._pools.values() for record in pool.late_crashes()]

    def end_test(self, holder: Hashable) -> None:
        """Ends every hold that a test has on a server, and what it expected of servers and was told of them."""
        self._expected.clear()
        self.release(holder)
        for pool in self._pools.values():
            pool.forget_crashes()

    def release(self, holder: Hashable) -> None:
        """Ends every hold that `holder` has on a server."""
        for pool in self._pools.values():
            pool.release(holder)

    def end_with(self, controller: int) -> None:
        """Sees to it that the servers of a worker end when the process that it works for has died.

        A worker itself ends then as execnet has it: when its test is over, or 5 to 15 s later.
        """
        Thread(target=self._abandon_after, args=[controller], name="modssl controller", daemon=True).start()

    def _abandon_after(self, controller: int) -> None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(controller).wait()
        for target in self.targets:
            target.abandon()

    def begin(self) -> None:
        """Removes what earlier runs left that can no longer do so themselves."""
        sweep(default_base())
        for target in (*self.targets, *self._elsewhere):
            target.clean_up(None)

    def close(self) -> None:
        """Ends every server of this process and removes its files."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()
        self._studies.clear()
        if "backends" in self.__dict__:
            self.backends.close()
            del self.__dict__["backends"]
        self._close(self._made)
        if "_owner" in self.__dict__:
            self._owner.close()
            del self.__dict__["_owner"]

    def end(self) -> None:
        """Removes what workers of this run left; for the controller, when they have ended."""
        end_run(self.name, default_base())
        for target in self._made:
            with self._told():
                target.clean_up(self.name)

    @property
    def _made(self) -> Sequence[Target]:
        return (*self.__dict__.get("targets", ()), *self.__dict__.get("_elsewhere", ()))

    def _close(self, targets: Sequence[Target]) -> None:
        for target in targets:
            with self._told():
                target.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """At the end of a run, when an engine that is gone fails no test any more, its errors are told and no more."""
        try:
            yield
        except EngineError as error:
            self._say(f"{error} What is left of this run there is removed by the next one.")
