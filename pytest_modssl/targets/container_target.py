"""httpd in containers: every configuration as a fresh process with files of its own, in a container that is used again.

Between two configurations the container's keeper kills every process and removes the files, those in /tmp and /dev/shm
too, so nothing of one reaches the next: no session cache, no log, no file, no daemon of CGI. That takes no longer than
SIGHUP with a check of the generation would (measured: a new process is ready in 20 ms), and is right for another MPM or
after a crash too. What stays is what costs 300 ms to make: namespaces, network and published ports.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from filelock import FileLock

from pytest_modssl.errors import ConfigError, EngineError, MissingProgramError, WaitTimeoutError
from pytest_modssl.httpd.errorlog import LogCursor
from pytest_modssl.httpd.render import ACCESS_LOG, ERROR_LOG, PIPE_MODE, Place
from pytest_modssl.targets.base import Prepared
from pytest_modssl.targets.connections import ESTABLISHED
from pytest_modssl.targets.container import ROOT, Container, remove
from pytest_modssl.targets.container_probe import probe_image, runner
from pytest_modssl.targets.engine_errors import engine_errors
from pytest_modssl.targets.registry import is_dead, remove_folder
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.errors import StartError
    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.crashes import Backtrace
    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.render import Rendered
    from pytest_modssl.targets.engine import Engine
    from pytest_modssl.targets.registry import Owner
    from pytest_modssl.targets.server import Server

_LABEL = "org.pytest-modssl"
_KEEPER = Path(__file__).with_name("container_keeper.sh")
# Almost every configuration listens on these; one container serves them all.
_USUAL_PORTS = frozenset({80, 443})
_READY = "resuming normal operations"
_RELOAD_SECONDS = 10.0
# The engine's proxy hands the end of a connection on within a millisecond or two; what is open after this long is
# meant to be.
_SETTLE_SECONDS = 0.03
_CLOSE_SECONDS = 10
_REAP_SECONDS = 20.0
_KILLED = -9


class ContainerTarget:
    """Servers in containers of one image.

    Args:
        engine: where the containers run.
        image: id or tag of the image.
        owner: where the servers' folders on this machine are registered.
        start_seconds: how long a server may take until it is ready.
        backtrace: as for `LocalTarget`.

    Raises:
        MissingProgramError: when gdb is to run the servers.
        HttpdNotFoundError: when the image has no httpd.
        EngineError: when the engine cannot run it.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        owner: Owner,
        *,
        start_seconds: float,
        backtrace: Backtrace | None = None,
    ) -> None:
        if backtrace == "gdb":
            raise MissingProgramError(
                "--modssl-backtrace gdb runs servers of this machine only, not in containers: take --modssl-backtrace "
                "core, or --modssl-target local"
            )
        self._cores = backtrace == "core"
        self._engine = engine
        self._image = image
        self._owner = owner
        self._start_seconds = start_seconds
        self._abandoned = False
        self._idle: list[Container] = []
        self._all: list[Container] = []
        # To wait for it once is enough: a run of a thousand tests is to end all the same.
        self._failure: EngineError | None = None
        try:
            self.installation = probe_image(engine, image, owner.base, self.any_container)
        except BaseException:
            with contextlib.suppress(EngineError):  # what is on its way says more
                self.close()
            raise

    @property
    def id(self) -> str:
        """`docker-httpd2.4.71-openssl3.0.22`: that of the installation, told apart from a local one."""
        return f"docker-{self.installation.id}"

    @property
    def description(self) -> str:
        """The image and the engine."""
        return f"image {self._image} on {self._engine.description}"

    @property
    def idle(self) -> int:
        """None: a server that nobody holds gives its container to the next configuration."""
        return 0

    def check(self, config: Configuration) -> None:
        """Returns when httpd accepts the configuration's syntax; see `Target.check`."""
        instance = self._instance(config)
        try:
            instance.run("-t")
            with contextlib.suppress(WaitTimeoutError):
                until(lambda: instance.exit_status is not None, seconds=self._start_seconds, what="httpd -t to end")
            if instance.exit_status != 0:
                raise instance.refused(config)
        finally:
            instance.begin_stop()
            instance.finish_stop()

    @contextlib.contextmanager
    def prepared(self, config: Configuration) -> Iterator[Prepared]:
        """The configuration written out; see `Target.prepared`."""
        instance = self._instance(config)
        try:
            yield Prepared(config, instance.installation, instance.rendered)
        finally:
            instance.begin_stop()
            instance.finish_stop()

    def launch(self, config: Configuration, *, single_process: bool = False) -> Server:
        """A running server; see `Target.launch`."""
        __tracebackhide__ = True
        from pytest_modssl.targets.server import Server

        instance = self._instance(config)
        try:
            instance.run("-X" if single_process else "-DFOREGROUND")
            instance.wait_until_ready(config)
        except BaseException:
            instance.begin_stop()
            instance.finish_stop()
            raise
        return Server(config, instance.installation, instance)

    def _instance(self, config: Configuration) -> ContainerInstance:
        folder = self._owner.new_folder()
        try:
            rendered = self.render(config, folder.name)
            container = self._take(frozenset(config.ports), rendered)
            try:
                return ContainerInstance(
                    self, container, folder, rendered, ports=config.ports, start_seconds=self._start_seconds
                )
            except BaseException:
                self.give_back(container)
                raise
        except BaseException:
            remove_folder(folder)
            raise

    def render(self, config: Configuration, folder: str) -> Rendered:
        """The files of a configuration as they are in the container."""
        user, group = self.installation.user, self.installation.group
        if user is None or group is None:
            raise ConfigError(f"image {self._image} has no account that httpd's children could run as (www-data, ...)")
        place = Place(
            root=f"{ROOT}/{folder}",
            address="0.0.0.0",  # noqa: S104 - in the container's own network; published where `Engine.publish` says
            ports={port: port for port in config.ports},
            identity=(user, group),
            # Both come out by the container's output, in the order in which they are written.
            error_log="/proc/self/fd/2",
            access_log="/proc/self/fd/1",
            cores=self._cores,
        )
        return config.render(self.installation, place)

    # Containers

    def any_container(self) -> Container:
        """A container to run a command in; it stays for the first server."""
        if not self._idle:
            self._idle.append(self._new(frozenset()))
        return self._idle[-1]

    def _take(self, ports: frozenset[int], rendered: Rendered) -> Container:
        if rendered.outside:
            return self._new(ports, writable=True, shared=rendered.shared)
        self._idle = [one for one in self._idle if not one.ended]
        fitting = next((one for one in self._idle if one.ports >= ports), None)
        if fitting is None:
            return self._new(ports)
        self._idle.remove(fitting)
        return fitting

    def _new(self, ports: frozenset[int], *, writable: bool = False, shared: Sequence[str] = ()) -> Container:
        keeper = _KEEPER.read_text(encoding="utf-8")
        labels = {f"{_LABEL}.host": socket.gethostname(), f"{_LABEL}.owner": str(self._owner.folder)}
        # A rootless engine can give one port to two containers that start at once.
        lock = FileLock(self._owner.base / "containers.lock") if self._engine.rootless else contextlib.nullcontext()
        for failure in (self._failure, *(one.failure for one in self._all)):
            if failure is not None and failure.reason == "silent":
                raise EngineError(f"{failure} Since then nothing more is started on it in this run.", reason="silent")
        try:
            with lock:
                container = Container(
                    self._engine,
                    self._image,
                    keeper=keeper,
                    ports=ports | _USUAL_PORTS,
                    labels=labels,
                    will=self._owner.will,
                    writable=writable,
                    shared=shared,
                )
        except EngineError as error:
            self._failure = error
            raise
        self._all.append(container)
        if self._abandoned:  # in this order: `abandon` ends those that it finds
            container.hang_up()
        return container

    def give_back(self, container: Container) -> None:
        """Makes a container free for another server; one whose file system was written to ends."""
        if container.writable:
            container.hang_up()
        elif not container.ended:
            self._idle.append(container)

    def close(self) -> None:
        """Ends every container of this target and returns when the engine has removed them; see `Target.close`."""
        containers, self._all, self._idle = self._all, [], []
        for container in containers:
            container.close()
        try:
            with self._engine.patience(_CLOSE_SECONDS):
                for container in containers:
                    container.wait_until_gone()
        finally:
            self._owner.will.settle()

    def abandon(self) -> None:
        """See `Target.abandon`."""
        self._abandoned = True
        for container in tuple(self._all):
            container.hang_up()

    def clean_up(self, run: str | None) -> None:
        """Removes containers of dead owners of this machine's user; see `Target.clean_up`."""
        with engine_errors("look for containers that are left", answered=True), self._engine.patience(_CLOSE_SECONDS):
            api = self._engine.client.api
            mine = {"label": [f"{_LABEL}.host={socket.gethostname()}"]}
            for found in api.containers(all=True, filters=mine):
                owner = Path(found["Labels"].get(f"{_LABEL}.owner", ""))
                ours = owner.parent == self._owner.base and owner.name.startswith(f"{run}-" if run else "")
                if ours and owner != self._owner.folder and is_dead(owner):
                    remove(api, found["Id"])


class ContainerInstance:
    """One httpd in a container; see `Instance`. Its folder on this machine holds the logs."""

    def __init__(
        self,
        target: ContainerTarget,
        container: Container,
        folder: Path,
        rendered: Rendered,
        *,
        ports: Sequence[int],
        start_seconds: float,
    ) -> None:
        self.folder = folder
        self.rendered = rendered
        # This server's own container alone has its files.
        self.installation = replace(target.installation, run=runner(lambda: container))
        self._target = target
        self._container = container
        self._ports = ports
        self._start_seconds = start_seconds
        self._stopped = False
        (folder / ERROR_LOG).parent.mkdir()
        container.follow(folder / ERROR_LOG, folder / ACCESS_LOG)
        self._put()

    def _put(self) -> None:
        """Copies the files of the configuration into the container."""
        name = self.folder.name
        folders = {name: 0o755}
        folders |= {
            f"{name}/{one}": 0o1777 if one in self.rendered.writable else self.rendered.modes.get(one, 0o755)
            for one in self.rendered.folders
        }
        pipes = {f"{name}/{one}": PIPE_MODE for one in self.rendered.pipes}
        self._container.put({f"{name}/{path}": file for path, file in self.rendered.files.items()}, folders, pipes)
        if self.rendered.outside:
            if self.rendered.cleared:
                self._container.run(["rm", "-rf", "--", *self.rendered.cleared], {})
            self._container.put(self.rendered.outside, self.rendered.outside_folders, {}, at="/")

    def run(self, mode: str) -> None:
        """Starts httpd with one more argument: `-DFOREGROUND`, `-X` or `-t`."""
        binary = self._target.installation.binary
        self._container.tell(f"start {self.folder.name} {mode} {binary}")

    def wait_until_ready(self, config: Configuration) -> None:
        """Returns when httpd has logged that it is ready, which it does after every `Listen` and every module is.

        Raises:
            StartError: when it ended, or was not ready in time.
        """
        __tracebackhide__ = True
        if not self._logs_ready(LogCursor(self.folder / ERROR_LOG), self._start_seconds):
            raise self.refused(config)

    def _logs_ready(self, cursor: LogCursor, seconds: float) -> bool:
        seen = False

        def decided() -> bool:
            nonlocal seen
            seen = any(_READY in one.message for one in cursor.read())
            return seen or self.exit_status is not None

        with contextlib.suppress(WaitTimeoutError):
            until(decided, seconds=seconds, what="")
        return seen and self.exit_status is None

    def refused(self, config: Configuration) -> StartError:
        """The error that tells why the server is not there.

        Raises:
            EngineError: when that is because the container, or the engine, is not there.
        """
        self._container.look()  # so that all that was logged is there
        from pytest_modssl.targets.start_failure import start_error

        return start_error(
            config,
            self.installation,
            self.rendered,
            self.folder,
            self.dump,
            status=self.exit_status,
            seconds=self._start_seconds,
        )

    def dump(self) -> tuple[DumpedDirective, ...]:
        """See `Instance`."""
        from pytest_modssl.httpd.dumps import effective_config

        return effective_config(self.installation, self.rendered.main)

    @property
    def exit_status(self) -> int | None:
        """See `Instance`."""
        if self._stopped:
            return 0
        said = self._container.said("ended", self.folder.name)
        if said is None:
            return _KILLED if self._container.ended else None
        status = int(said[0])
        return 128 - status if status > 128 else status

    def address(self, port: int) -> tuple[str, int] | None:
        """See `Instance`."""
        return self._container.address(port) if port in self._ports else None

    def mode(self, path: str) -> int | None:
        """See `Instance`."""
        return self._container.mode(path)

    def content(self, path: str) -> bytes | None:
        """See `Instance`."""
        return self._container.content(path)

    def cpu_seconds(self) -> float | None:
        """See `Instance`."""
        return self._container.cpu_seconds(PurePosixPath(self.installation.binary).name)

    def settle(self) -> frozenset[str] | None:
        """See `Instance`."""
        if self._container.ended and not self._stopped:
            raise self._container.lost()
        states: dict[str, int] = {}
        dying = False

        def quiet() -> bool:
            nonlocal states, dying
            states, dying = self._container.look()
            return not states and not dying

        def none_dying() -> bool:
            return quiet() or not dying

        if self.exit_status is None:
            with contextlib.suppress(WaitTimeoutError):
                until(quiet, seconds=_SETTLE_SECONDS, what="")
            # A child that has crashed is in the log when its parent has noticed, which looks once a second.
            if dying:
                with contextlib.suppress(WaitTimeoutError):
                    until(none_dying, seconds=_REAP_SECONDS, what="")
                    quiet()  # httpd logs how a child ended a moment after it has asked for that
        return frozenset(peer for peer, state in states.items() if state == ESTABLISHED)

    @property
    def lost(self) -> Sequence[str]:
        """See `Instance`: nothing is told of them from inside."""
        return ()

    def reload(self, config: Configuration) -> None:
        """See `Instance`."""
        if set(config.ports) != set(self._ports):
            differ = sorted(set(config.ports) ^ set(self._ports))
            raise ConfigError(f"a reload keeps the ports; {differ} differ: start another server instead")
        name = self.folder.name
        self.rendered = self._target.render(config, name)
        self._container.tell(f"empty {name}")
        self._container.answer("emptied", name)
        cursor = LogCursor(self.folder / ERROR_LOG)
        cursor.read()
        self._put()
        self._container.tell(f"reload {name}")
        if not self._logs_ready(cursor, _RELOAD_SECONDS):
            raise self.refused(config)

    def begin_stop(self) -> None:
        """See `Instance`; the container is free at once, as its keeper does one thing after another."""
        if not self._stopped:
            self._stopped = True
            with contextlib.suppress(EngineError):
                self._container.tell(f"clear {self.folder.name}")
            self._target.give_back(self._container)

    def finish_stop(self) -> None:
        """See `Instance`."""
        remove_folder(self.folder)
