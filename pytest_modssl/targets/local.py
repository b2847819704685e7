"""httpd as a process on this machine: one foreground process per distinct configuration."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from pytest_modssl.environment import environment
from pytest_modssl.errors import ConfigError, MissingProgramError, StartError, WaitTimeoutError
from pytest_modssl.httpd.crashes import DEBUGGED, UNDER_GDB, wants_cores
from pytest_modssl.httpd.errorlog import LogCursor
from pytest_modssl.httpd.render import ERROR_LOG, MAIN, PID_FILE, PIPE_MODE, Place, Rendered
from pytest_modssl.process import Process, is_gone
from pytest_modssl.targets.addresses import Listening, allocate
from pytest_modssl.targets.base import Prepared
from pytest_modssl.targets.children import Children
from pytest_modssl.targets.connections import CLOSE_WAIT, ESTABLISHED, Watch
from pytest_modssl.targets.registry import Owner, ProcessEntry, end_servers, remove_folder
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.crashes import Backtrace
    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.server import Server

# A port may be taken between our look at it and httpd's bind; three tries lose to nothing but a full machine.
_TRIES = 3
_ADDRESS_IN_USE = "AH00072"
# httpd ends 30 ms after SIGTERM (measured on 2.4.71). What has not after the first time is asked again and again; what
# has not by then hangs.
_HEED_SECONDS = 0.1
_STOP_SECONDS = 5.0
_RELOAD_SECONDS = 5.0
_SETTLE_SECONDS = 0.5
# httpd's parent asks once a second which children have ended, and logs how (SCOREBOARD_MAINTENANCE_INTERVAL in
# include/mpm_common.h). A loaded machine gets more, also for a core that is still being written.
_REAP_SECONDS = 20.0
# Of a child whose end went unseen httpd may have nothing to log.
_WORDS_SECONDS = 0.2
_READY = "resuming normal operations"


class LocalTarget:
    """Servers as processes of this machine.

    Args:
        installation: the httpd to run.
        owner: where the servers' folders are registered.
        start_seconds: how long a server may take until it is ready.
        name: what tells it from others with an httpd of the same versions, for example `"debian-trixie"`.
        backtrace: how servers are run so that a crash leaves a backtrace; `None` runs them as ever.

    Raises:
        MissingProgramError: when gdb is to run them, and is not there.
    """

    def __init__(
        self,
        installation: Installation,
        owner: Owner,
        *,
        start_seconds: float,
        name: str = "",
        backtrace: Backtrace | None = None,
    ) -> None:
        if backtrace == "gdb" and shutil.which("gdb") is None:
            raise MissingProgramError("--modssl-backtrace gdb needs gdb on this machine: apt-get install gdb")
        self.installation = installation
        self._name = name
        self._backtrace = backtrace
        self._owner = owner
        self._start_seconds = start_seconds
        self._abandoned = False

    @property
    def id(self) -> str:
        """`httpd2.4.71-openssl3.0.22`, or `debian-trixie-httpd2.4.71-openssl3.5.9`."""
        return "-".join(filter(None, (self._name, self.installation.id)))

    @property
    def description(self) -> str:
        """The program's path."""
        return f"{self._name or 'local'} {self.installation.binary}"

    @property
    def idle(self) -> int:
        """Eight: each costs 4 processes and 10 MB."""
        return 8

    def check(self, config: Configuration) -> None:
        """Returns when httpd accepts the configuration's syntax; see `Target.check`."""
        folder = self._owner.new_folder()
        try:
            rendered = self._prepare(config, folder, allocate(config.ports))
            process = self._process(folder, "-t")
            self._start(process, folder)
            with contextlib.suppress(WaitTimeoutError):
                until(lambda: process.exit_status is not None, seconds=self._start_seconds, what="httpd -t to end")
            process.finish(seconds=0)
            if process.exit_status != 0:
                raise self._refused(config, rendered, folder, process.exit_status)
        finally:
            remove_folder(folder)

    @contextlib.contextmanager
    def prepared(self, config: Configuration) -> Iterator[Prepared]:
        """The configuration written out; see `Target.prepared`."""
        folder = self._owner.new_folder()
        try:
            yield Prepared(config, self.installation, self._prepare(config, folder, allocate(config.ports)))
        finally:
            remove_folder(folder)

    def launch(self, config: Configuration, *, single_process: bool = False) -> Server:
        """A running server; see `Target.launch`."""
        __tracebackhide__ = True
        from pytest_modssl.targets.server import Server

        for tries_left in reversed(range(_TRIES)):
            folder = self._owner.new_folder()
            try:
                return Server(config, self.installation, self._attempt(config, folder, single_process=single_process))
            except StartError as error:
                remove_folder(folder)
                if not tries_left or _ADDRESS_IN_USE not in str(error):
                    raise
            except BaseException:
                remove_folder(folder)
                raise
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Nothing is left to do once the servers are stopped."""

    def abandon(self) -> None:
        """See `Target.abandon`."""
        self._abandoned = True
        end_servers(self._owner.folder)

    def clean_up(self, run: str | None) -> None:
        """Nothing is left of a process once its folder is removed (see `registry`)."""

    def _attempt(self, config: Configuration, folder: Path, *, single_process: bool) -> LocalInstance:
        __tracebackhide__ = True
        # Reading the configuration is the first thing httpd does, by the same code as for `-t` (server/main.c): a
        # check before the start would only cost its 15 ms again.
        debugged = self._backtrace == "gdb"
        mode = "-X" if single_process or debugged else "-DFOREGROUND"
        process = self._process(folder, mode, _debugger(folder) if debugged else ())
        try:
            listening = allocate(config.ports)
            rendered = self._prepare(config, folder, listening)
            self._start(process, folder, cores=not debugged and wants_cores(rendered.text))
            instance = LocalInstance(self, folder, listening, rendered, process)
            instance.wait_until_ready(config, self._start_seconds)
        except BaseException:
            process.kill()
            raise
        return instance

    def _prepare(self, config: Configuration, folder: Path, listening: Listening) -> Rendered:
        __tracebackhide__ = True
        place = Place(
            root=str(folder),
            address=listening.address,
            ports=listening.ports,
            identity=self._identity(),
            cores=self._backtrace == "core",
            machine=str(folder / "fs"),
        )
        rendered = config.render(self.installation, place)
        write(rendered, folder, place.identity)
        return rendered

    def rewrite(self, config: Configuration, folder: Path, listening: Listening) -> Rendered:
        """Writes another configuration into the folder of a running server."""
        missing = set(config.ports) ^ set(listening.ports)
        if missing:
            raise ConfigError(f"a reload keeps the ports; {sorted(missing)} differ: start another server instead")
        for name in ("sites", "tls", "pki"):
            shutil.rmtree(folder / name, ignore_errors=True)
        return self._prepare(config, folder, listening)

    def refused(self, config: Configuration, instance: LocalInstance) -> StartError:
        """The error that tells why a server is not there."""
        return self._refused(config, instance.rendered, instance.folder, instance.exit_status)

    def _refused(self, config: Configuration, rendered: Rendered, folder: Path, status: int | None) -> StartError:
        from pytest_modssl.targets.start_failure import start_error

        dump = functools.partial(self.dump, rendered)
        seconds = self._start_seconds
        return start_error(config, self.installation, rendered, folder, dump, status=status, seconds=seconds)

    def dump(self, rendered: Rendered) -> tuple[DumpedDirective, ...]:
        """What httpd makes of files of this machine; errors as for `effective_config`."""
        from pytest_modssl.httpd.dumps import effective_config

        return effective_config(self.installation, rendered.main)

    def _identity(self) -> tuple[str, str] | None:
        if os.geteuid() != 0:
            return None
        if self.installation.user is None or self.installation.group is None:
            raise ConfigError(
                f"{self.installation.binary} is started by root and needs an account for its children, but none of the "
                "usual ones exists (www-data, apache, daemon, nobody): add one, or run the tests as an ordinary user"
            )
        return self.installation.user, self.installation.group

    def _process(self, folder: Path, mode: str, before: Sequence[str] = ()) -> Process:
        command = [*before, *self.installation.command, "-d", str(folder), "-f", str(folder / MAIN), mode]
        # Whatever else is in the environment must not change what a configuration does.
        return Process(command, folder, environment={**environment(), **self.installation.environment})

    def _start(self, process: Process, folder: Path, *, cores: bool = False) -> None:
        with contextlib.suppress(psutil.Error):
            ProcessEntry(process.pid, psutil.Process(process.pid).create_time()).write(folder)
        if self._abandoned:  # in this order: `abandon` ends what has an entry
            process.kill()
        else:
            process.start(cores=cores)


class LocalInstance:
    """A process of this machine; see `Instance`."""

    def __init__(
        self, target: LocalTarget, folder: Path, listening: Listening, rendered: Rendered, process: Process
    ) -> None:
        self.folder = folder
        self.rendered = rendered
        self.process = process
        self._target = target
        self._listening = listening
        self._connections = Watch(listening.address, listening.ports.values())
        self._log = LogCursor(folder / ERROR_LOG)
        self._children = Children()
        self._generation = 1
        self._logged = 0

    @property
    def exit_status(self) -> int | None:
        """See `Instance`."""
        return self.process.exit_status

    @functools.cached_property
    def pid(self) -> int:
        """Process id of httpd's parent process, as its pid file tells it: the same from its start to its end."""
        return int((self.folder / PID_FILE).read_text())

    def address(self, port: int) -> tuple[str, int] | None:
        """See `Instance`."""
        actual = self._listening.ports.get(port)
        return None if actual is None else (self._listening.address, actual)

    def dump(self) -> tuple[DumpedDirective, ...]:
        """See `Instance`."""
        return self._target.dump(self.rendered)

    def wait_until_ready(self, config: Configuration, seconds: float) -> None:
        """Returns when the server is ready on every port.

        httpd writes its pid file when every module has accepted the configuration and every `Listen` is bound
        (server/mpm/event/event.c, event_run), and the kernel queues connections from then on. A probe by connecting
        would leave a line in the log.

        Raises:
            StartError: when it ended, or was not ready in time.
        """
        __tracebackhide__ = True

        def written() -> bool:
            # An old httpd makes the file first and writes into it later (seen on 2.4.27).
            return pid_file.exists() and pid_file.stat().st_size > 0

        pid_file = self.folder / PID_FILE
        with contextlib.suppress(WaitTimeoutError):
            until(lambda: written() or self.exit_status is not None, seconds=seconds, what="")
        if self.exit_status is not None or not written():
            raise self._target.refused(config, self)
        self._connections.begin(self.pid)

    def mode(self, path: str) -> int | None:
        """See `Instance`."""
        try:
            return os.stat(path).st_mode  # noqa: PTH116 - of a name that a configuration has
        except OSError:
            return None

    def content(self, path: str) -> bytes | None:
        """See `Instance`."""
        try:
            return Path(path).read_bytes()
        except OSError:
            return None

    def cpu_seconds(self) -> float | None:
        """See `Instance`: of its parent process, its children, and those of them that have ended."""
        try:
            parent = psutil.Process(self.pid)
            times = [one.cpu_times() for one in (parent, *parent.children(recursive=True))]
        except (psutil.Error, OSError):
            return None
        return sum(one.user + one.system + one.children_user + one.children_system for one in times)

    def settle(self) -> frozenset[str] | None:
        """See `Instance`: a connection that the client has closed and the server has not is in state CLOSE_WAIT.

        A child that has crashed is in the log when its parent has noticed.
        """
        parent = self.pid

        def none_ending() -> bool:
            self._children.look(parent)
            return not self._children.ending

        with contextlib.suppress(WaitTimeoutError):
            until(none_ending, seconds=_REAP_SECONDS, what="")
            self._hear_of_crashes()
            if is_gone(parent):  # what runs it, a shell or gdb, ends right after
                until(lambda: self.exit_status is not None, seconds=_REAP_SECONDS, what="")
        if sys.platform != "linux":
            return None
        states: dict[str, int] = {}

        def dealt_with() -> bool:
            states.clear()
            states.update(self._connections.open_connections(parent))
            return CLOSE_WAIT not in states.values()

        with contextlib.suppress(WaitTimeoutError):
            until(dealt_with, seconds=_SETTLE_SECONDS, what="")
        return frozenset(peer for peer, state in states.items() if state == ESTABLISHED)

    def _hear_of_crashes(self) -> None:
        """Waits until httpd has logged how children ended: it does so a moment after it has asked for that."""
        while self._children.crashed:
            words = f"child pid {self._children.crashed.pop()} exit signal ".encode()
            with contextlib.suppress(WaitTimeoutError):
                until(lambda: words in (self.folder / ERROR_LOG).read_bytes(), seconds=_WORDS_SECONDS, what="")  # noqa: B023

    @property
    def lost(self) -> Sequence[str]:
        """See `Instance`."""
        return self._children.lost

    def reload(self, config: Configuration) -> None:
        """See `Instance`.

        After SIGHUP the children of the old generation have ended before httpd logs that it goes on.
        """
        self._wait_for_generation(self._generation)
        self.rendered = self._target.rewrite(config, self.folder, self._listening)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGHUP)
        self._generation += 1
        self._children.forget()
        self._wait_for_generation(self._generation)
        if self.exit_status is not None or self._logged < self._generation:
            raise self._target.refused(config, self)

    def _wait_for_generation(self, number: int) -> None:
        """Waits until httpd has logged for the n-th time that it is ready, or has ended."""

        def answered() -> bool:
            self._logged += sum(_READY in one.message for one in self._log.read())
            return self.exit_status is not None or self._logged >= number

        with contextlib.suppress(WaitTimeoutError):
            until(answered, seconds=_RELOAD_SECONDS, what="")

    def begin_stop(self) -> None:
        """See `Instance`.

        httpd itself is asked, not its keeper, which looks only now and then whether httpd has ended.

        A child with a thread that waits for somebody to write into a pipe does not end on SIGTERM; its parent kills it
        after 6 s (measured on httpd 2.4.71, event MPM). So somebody writes.
        """
        if self.exit_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        for name in self.rendered.pipes:
            with contextlib.suppress(OSError):  # ENXIO: nobody waits
                os.close(os.open(self.folder / name, os.O_WRONLY | os.O_NONBLOCK))

    def finish_stop(self) -> None:
        """See `Instance`.

        httpd does not heed a SIGTERM that comes between two generations; one that comes before it has come to wait for
        its children it heeds a second later (measured on 2.4.71).
        """
        with contextlib.suppress(WaitTimeoutError):
            until(lambda: self.exit_status is not None, seconds=_HEED_SECONDS, what="")
        self.process.terminate()
        self.process.finish(seconds=_STOP_SECONDS)
        remove_folder(self.folder)


def _debugger(folder: Path) -> Sequence[str]:
    """How a command line begins that gdb runs."""
    commands = folder / "gdb.commands"
    commands.write_text(DEBUGGED, encoding="ascii")
    return ["/bin/sh", "-c", UNDER_GDB, "gdb", "-batch", "-nx", "-x", str(commands), "--args"]


def write(rendered: Rendered, folder: Path, identity: tuple[str, str] | None) -> None:
    """Writes a server's files with the permissions that they are to have, whatever the umask."""
    for name in rendered.folders:
        path = folder / name
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    for name in rendered.writable:
        if identity is not None:
            shutil.chown(folder / name, *identity)
    for name in rendered.pipes:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(folder / name)
        (folder / name).chmod(PIPE_MODE)
    # The inner ones first: what they are in may then be closed to us.
    for name, mode in sorted(rendered.modes.items(), reverse=True):
        (folder / name).chmod(mode)
    for name, (content, mode) in rendered.files.items():
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
