"""One running container: its files, its ports, its output, and the stream that it lives on.

Process 1 is a small shell (`container_keeper.sh`) that does what its owner writes to its standard input, and ends when
that stream does. The owner's end of the stream is a connection to the engine, which the kernel closes with the owner:
no side-car, no engine socket inside, and the same over a remote engine. What httpd and the shell write comes back on
the attached output, in the order in which it was written.
"""

from __future__ import annotations

import contextlib
import io
import secrets
import socket
import stat
import tarfile
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import docker.errors
from docker.utils.socket import frames_iter_no_tty

from pytest_modssl.errors import EngineError, WaitTimeoutError
from pytest_modssl.forks import close_in_forked
from pytest_modssl.process import cpu_seconds_in, ending_in
from pytest_modssl.targets.connections import connections_in
from pytest_modssl.targets.engine_errors import container_ended, engine_error, engine_errors
from pytest_modssl.wait import limited, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from docker import APIClient

    from pytest_modssl.targets.engine import Engine
    from pytest_modssl.targets.last_will import LastWill

ROOT = "/modssl"
# The keeper answers within milliseconds; a loaded engine gets a lot more.
_ANSWER_SECONDS = 20.0
_GONE_SECONDS = 10.0
# How long an engine may take to say what became of a container that is lost.
_REASON_SECONDS = 5
# Commands in a container end themselves by `timeout` before that.
_RUN_SECONDS = 30.0
_STDOUT, _STDERR = 1, 2
_LAST_LINES = 10

# What httpd's parent needs as root: to bind 80 and 443, to become the children's user, to signal them, to give them a
# mutex or a socket, and to open what belongs to them then: without DAC_OVERRIDE it logs AH00811 about a DBM cache that
# it has made itself (measured on httpd 2.4.71). All other capabilities are dropped.
_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
_MEMORY = "1g"
_PIDS = 1024


class Container:
    """A container that runs one httpd at a time.

    Args:
        engine: where it runs.
        image: id or tag of its image.
        keeper: text of the shell program that is its process 1.
        ports: ports of the container that are published.
        labels: by which it is found again.
        will: removes it where this process dies before it runs.
        writable: whether files may be put anywhere in it, and not only below `ROOT`.
        shared: folders of this machine that it sees at the same path.

    Raises:
        EngineError: when the engine cannot make or start it.
    """

    def __init__(
        self,
        engine: Engine,
        image: str,
        *,
        keeper: str,
        ports: Iterable[int],
        labels: Mapping[str, str],
        will: LastWill,
        writable: bool = False,
        shared: Sequence[str] = (),
    ) -> None:
        self.ports = frozenset(ports)
        self.writable = writable
        self._engine = engine
        self._api = engine.client.api
        self._token = f"modssl-{secrets.token_hex(8)}"
        self._token_bytes = self._token.encode()
        self._said: dict[tuple[str, ...], list[str]] = {}
        self._logs: dict[int, io.FileIO] = {}
        self._writing = threading.Lock()
        self._partial = b""
        self._last: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._published: dict[int, int] = {}
        self._image = image
        self._failure: EngineError | None = None
        self.ended = False
        refused = docker.errors.APIError
        with engine_errors(f"start a container of {image}", answered=True), will.names(self._token, refused=refused):
            try:
                self.id = self._create(image, [keeper, self._token, ROOT], labels, shared)
                self._stream = self._attach()
                self._socket = _socket_of(self._stream)
                self._socket.settimeout(None)
                close_in_forked(self._stream)
                close_in_forked(self._socket)
                self._reader = threading.Thread(target=self._read, name=f"modssl {self.id[:12]}", daemon=True)
                self._reader.start()
                self._api.start(self.id)
            except refused:
                self._remove()
                raise
        self.answer("keeper", "here")

    def _create(self, image: str, command: list[str], labels: Mapping[str, str], shared: Sequence[str]) -> str:
        host = self._api.create_host_config(
            auto_remove=True,
            # Read-only keeps them from the keeper's cleaning, and nobody from a socket that he may write to.
            binds=[f"{folder}:{folder}:ro" for folder in shared],
            cap_add=list(_CAPABILITIES),
            cap_drop=["ALL"],
            mem_limit=_MEMORY,
            pids_limit=_PIDS,
            port_bindings={f"{port}/tcp": (self._engine.publish, None) for port in self.ports},
            read_only=not self.writable,
            security_opt=["no-new-privileges"],
            tmpfs={"/tmp": "mode=1777,size=64m"},  # noqa: S108 - inside the container
        )
        created = self._api.create_container(
            image,
            command=command,
            entrypoint=["/bin/sh", "-c"],
            detach=False,  # with stdin_open: standard input ends when its one attached client does
            stdin_open=True,
            host_config=host,
            labels=dict(labels),
            name=self._token,
            ports=[(port, "tcp") for port in self.ports],
            user="0",
            volumes=[ROOT],  # writable though the rest is not, filled by put_archive, removed with the container
            working_dir="/",
        )
        return str(created["Id"])

    def _attach(self) -> Any:
        return self._api.attach_socket(self.id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Tells the engine's errors, after which the container is not used any more."""
        try:
            with engine_errors(what, answered=True):
                yield
        except EngineError as error:
            self._failure = self._failure or error
            self.close()
            raise

    # Its output

    def follow(self, error_log: Path, access_log: Path) -> None:
        """Writes what httpd logs from now on to these files."""
        new = {_STDERR: error_log.open("ab", buffering=0), _STDOUT: access_log.open("ab", buffering=0)}
        with self._writing:
            old, self._logs = self._logs, new
        for log in old.values():
            log.close()

    def _log(self, stream: int, data: bytes) -> None:
        with self._writing:
            if stream in self._logs:
                self._logs[stream].write(data)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            frames: Iterator[tuple[int, bytes]] = frames_iter_no_tty(self._stream)  # type: ignore[assignment] # stub
            for stream, data in frames:
                if stream == _STDERR:
                    self._sort(data)
                else:
                    self._log(stream, data)
        self.ended = True
        self._stream.close()
        self._socket.close()
        with self._writing:
            for log in self._logs.values():
                log.close()
            self._logs = {}

    def _sort(self, data: bytes) -> None:
        """Parts the keeper's own lines from those of httpd."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        others = []
        for line in lines:
            before, mark, after = line.partition(self._token_bytes)
            if mark:
                words = after.decode().split()
                self._said[tuple(words[:2])] = words[2:]
            if before or not mark:
                others.append(before + b"\n")
        self._last.extend(others)
        if others:
            self._log(_STDERR, b"".join(others))

    def said(self, *words: str) -> list[str] | None:
        """What the keeper said after these first two words; `None` where it did not say them (yet)."""
        return self._said.get(words)

    def answer(self, *words: str) -> list[str]:
        """Waits for the keeper to say something that begins with these two words, and returns the rest of it.

        Raises:
            EngineError: when the container ends, or the keeper does not answer.
        """
        with contextlib.suppress(WaitTimeoutError):
            until(lambda: self.ended or self.said(*words) is not None, seconds=_ANSWER_SECONDS, what="")
        rest = self._said.pop(words, None)
        if rest is None:
            raise self.lost()
        return rest

    @property
    def failure(self) -> EngineError | None:
        """Why the container is no use any more, as `lost` found it."""
        return self._failure

    def lost(self) -> EngineError:
        """The error that tells why nothing can be had of the container; it ends now, if it has not."""
        if self._failure is None:
            with self._engine.patience(_REASON_SECONDS):
                self._failure = self._why_lost()
            self.close()
        # A new one each time: an exception that is raised again grows by every traceback.
        return EngineError(str(self._failure), reason=self._failure.reason)

    def _why_lost(self) -> EngineError:
        what = f"use container {self.id[:12]} of {self._image}"
        try:
            with engine_errors(what, answered=True):
                self._api.ping()
        except EngineError as error:
            return error
        last = b"".join([*self._last, self._partial]).decode(errors="replace").strip()
        if self.ended:
            return container_ended(self._api, self.id, what, last)
        return EngineError(
            f"cannot {what}: it did not answer within {_ANSWER_SECONDS:g} s, though the engine does. What to do: look "
            f"whether the machine is overloaded.\n  It said last: {last or 'nothing'}",
            reason="container",
        )

    # What it is told

    def tell(self, command: str) -> None:
        """Gives the keeper a command; see its program.

        Raises:
            EngineError: when the container has ended.
        """
        try:
            self._socket.sendall(f"{command}\n".encode())
        except OSError:
            self.ended = True
            raise self.lost() from None

    def look(self) -> tuple[dict[str, int], bool]:
        """State by peer of every open connection (see `open_connections`), and whether a process is ending.

        All that httpd logged before is in the followed files then: both come through one stream.

        Raises:
            EngineError: when the container has ended.
        """
        processes, connections = self._look()
        return connections_in(connections), ending_in(processes)

    def cpu_seconds(self, program: str) -> float:
        """Seconds of CPU that all processes of a program have spent (see `process.cpu_seconds_in`).

        Raises:
            EngineError: when the container has ended.
        """
        processes, _ = self._look()
        return cpu_seconds_in(processes, program)

    def _look(self) -> tuple[str, str]:
        """The kernel's text about the processes, and that about the connections."""
        ticket = secrets.token_hex(4)
        self.tell(f"look - {ticket}")
        processes = " ".join(self.answer("processes", ticket))
        return processes, " ".join(self.answer("connections", ticket))

    def put(
        self,
        files: Mapping[str, tuple[bytes, int]],
        folders: Mapping[str, int],
        pipes: Mapping[str, int],
        *,
        at: str = ROOT,
    ) -> None:
        """Writes files, owned by root.

        Args:
            files: content and permission bits by path from `at`.
            folders: permission bits by path likewise, the outer ones first.
            pipes: permission bits of named pipes likewise.
            at: the folder that all of them are below.
        """
        with self._asking("copy files into a container"):
            self._api.put_archive(self.id, at, _tar(files, folders, pipes))

    def run(self, argv: list[str], environment: Mapping[str, str], *, user: str = "0") -> tuple[int, bytes, bytes]:
        """Exit status, output and error output of a command in the container, run as `user` or `user:group`."""
        with self._asking("run a command in a container"):
            ran = self._api.exec_create(self.id, argv, environment=dict(environment), user=user)["Id"]
            stream = self._api.exec_start(ran, socket=True)
            # Reading from the stream has no time limit of its own.
            connection = _socket_of(stream)
            try:
                with limited(_RUN_SECONDS, lambda: connection.shutdown(socket.SHUT_RDWR)):
                    output: list[tuple[int, bytes]] = list(frames_iter_no_tty(stream))  # type: ignore[arg-type] # stub
            finally:
                stream.close()
                connection.close()
            status = self._api.exec_inspect(ran)["ExitCode"]
        if status is None:
            raise EngineError(f"{argv} did not end within {_RUN_SECONDS:g} s in a container", reason="container")
        out, err = (b"".join(data for one, data in output if one == wanted) for wanted in (_STDOUT, _STDERR))
        return status, out, err

    def mode(self, path: str) -> int | None:
        """Type and permission bits of a file, links followed; `None` where there is none.

        Raises:
            EngineError: when the container does not answer.
        """
        status, out, _ = self.run(["ls", "-ldL", "--", path], {})
        return mode_of(out.decode(errors="replace").partition(" ")[0]) if status == 0 else None

    def content(self, path: str) -> bytes | None:
        """Content of a file; `None` where there is none; errors as for `mode`."""
        status, out, _ = self.run(["cat", "--", path], {})
        return out if status == 0 else None

    def address(self, port: int) -> tuple[str, int]:
        """Where a published port is reached from this machine; read again until the engine has bound it."""
        if port not in self._published:
            with self._asking("read the published ports of a container"):
                self._published = until(self._bindings, seconds=_ANSWER_SECONDS, what="the engine to publish ports")
        return self._engine.host, self._published[port]

    def _bindings(self) -> dict[int, int] | None:
        published = self._api.inspect_container(self.id)["NetworkSettings"]["Ports"] or {}
        found = {int(name.partition("/")[0]): int(to[0]["HostPort"]) for name, to in published.items() if to}
        return found if found.keys() >= self.ports else None

    # Its end

    def hang_up(self) -> None:
        """Ends the container by ending its stream; the engine removes it. Does not wait; any thread may do so."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """The same, and returns when all that came from the container has been read."""
        self.hang_up()
        self._reader.join()

    def wait_until_gone(self) -> None:
        """Returns when the engine has removed the container; removes it by force after ten seconds.

        Raises:
            EngineError: when the engine does not tell.
        """
        deadline = time.monotonic() + _GONE_SECONDS
        pause = 0.01
        with engine_errors(f"remove container {self.id[:12]}", answered=True):
            while self._exists():
                if time.monotonic() > deadline:
                    self._remove()
                    return
                time.sleep(pause)
                pause = min(2 * pause, 0.1)

    def _exists(self) -> bool:
        try:
            self._api.inspect_container(self.id)
        except docker.errors.APIError as error:
            if not _is_gone(error):
                raise
            return False
        return True

    def _remove(self) -> None:
        with contextlib.suppress(docker.errors.APIError, OSError):
            remove(self._api, self._token)


def mode_of(text: str) -> int:
    """`st_mode` by the first column of `ls -l` (POSIX, ls, "STDOUT"): "-rw-r-----"."""
    kinds = {"-": stat.S_IFREG, "d": stat.S_IFDIR, "p": stat.S_IFIFO, "s": stat.S_IFSOCK, "c": stat.S_IFCHR}
    bits = sum(0o400 >> index for index, one in enumerate(text[1:10]) if one not in "-ST")
    return kinds.get(text[:1], 0) | bits


def remove(api: APIClient, identity: str) -> None:
    """Removes a container by force; one that is gone, or is just being removed, is no error."""
    try:
        api.remove_container(identity, force=True, v=True)
    except docker.errors.APIError as error:
        if error.status_code != 409 and not _is_gone(error):
            raise


def _is_gone(error: docker.errors.APIError) -> bool:
    """Whether an engine says that a container is not there; podman, while it removes one, by 500 and a text."""
    return error.status_code == 404 or engine_error(error, "").reason == "container"


def _socket_of(stream: Any) -> Any:
    """The socket below a stream of the client library: a local engine's wraps one; one over ssh is all there is."""
    return getattr(stream, "_sock", stream)


def _tar(files: Mapping[str, tuple[bytes, int]], folders: Mapping[str, int], pipes: Mapping[str, int]) -> bytes:
    buffer = io.BytesIO()
    now = time.time()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in _members(files, folders, pipes):
            member.mtime = now
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _members(
    files: Mapping[str, tuple[bytes, int]], folders: Mapping[str, int], pipes: Mapping[str, int]
) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for kind, empty in ((tarfile.DIRTYPE, folders), (tarfile.FIFOTYPE, pipes)):
        for name, mode in empty.items():
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, mode
            yield member, b""
    for name, (content, mode) in files.items():
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), mode
        yield member, content
