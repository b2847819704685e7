"""Running servers, shared by digest: started when first asked for, kept while someone holds them or for the next."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_modssl.errors import StartError
from pytest_modssl.recording import Recording
from pytest_modssl.targets.life import Event
from pytest_modssl.targets.server import Server  # noqa: TC001 - loaded before the time of a start is taken

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.targets.base import Listener, Target
    from pytest_modssl.targets.life import Kind, Note
    from pytest_modssl.targets.log import Wanted

# Servers may go on ending while tests go on; beyond this number the oldest is awaited.
_ENDING = 4


@dataclass(eq=False)
class _Entry:
    server: Server
    key: object
    holders: set[Hashable] = field(default_factory=set)

    @cached_property
    def likeness(self) -> str:
        """That of its configuration at its start, by which it is told of; see `Event`."""
        return self.server.instance.rendered.likeness


class Pool:
    """The running servers of one target in one process.

    Args:
        target: where the servers run.
        remember_all: whether servers remember all that a test sees of them, and not the last of it only.
        listen: told of all that is seen of servers; see `Server.listen`.
        note: told of what becomes of servers; `None` for nobody.
        record: whether servers keep what their clients send and receive.
        expected: what the current test expects of servers that start during it, see `ServerLog.expect`; read anew.
    """

    def __init__(
        self,
        target: Target,
        *,
        remember_all: bool = False,
        listen: Listener | None = None,
        note: Note | None = None,
        record: bool = False,
        expected: Sequence[Wanted] = (),
    ) -> None:
        self.target = target
        self._remember_all = remember_all
        self._listen = listen
        self._note = note
        self._record = record
        self._expected = expected
        self._entries: list[_Entry] = []  # the least recently used first
        self._ending: list[_Entry] = []
        self._crashed: list[LogRecord] = []  # of servers that have been ended since
        self._gone: dict[object, str] = {}  # why there is no server of a key any more

    @property
    def servers(self) -> tuple[Server, ...]:
        """Every running server."""
        return tuple(entry.server for entry in self._entries)

    def get(
        self, config: Configuration, holder: Hashable, *, fresh: bool = False, single_process: bool = False
    ) -> Server:
        """A running server for the configuration, kept until `release(holder)`.

        Args:
            config: what to serve.
            holder: on whose behalf: as long as it does not release, the server stays.
            fresh: start one that no other holder has had or will get.
            single_process: see `Target.launch`; such a server is always fresh.

        Raises:
            StartError: see `Target.launch`.
        """
        __tracebackhide__ = True
        key: object = object() if fresh or single_process else config.digest
        entry = next((one for one in self._entries if one.key == key and self._usable(one)), None)
        if entry is None:
            why = "single_process=True" if single_process else "fresh=True" if fresh else self._why(key)
            self._make_room()
            began = time.perf_counter()
            try:
                entry = _Entry(self._launched(config, single_process=single_process), key)
            except StartError as error:
                self._tell("refused", config, error, seconds=time.perf_counter() - began, why=why, holder=holder)
                raise
            entry.server.seconds_to_start = time.perf_counter() - began
            self._tell("started", config, entry, seconds=entry.server.seconds_to_start, why=why, holder=holder)
        else:
            self._entries.remove(entry)
            self._tell("shared", config, entry, holder=holder)
        self._entries.append(entry)
        entry.holders.add(holder)
        return entry.server

    def _launched(self, config: Configuration, *, single_process: bool) -> Server:
        __tracebackhide__ = True
        server = self.target.launch(config, single_process=single_process)
        server.log.expect(*self._expected)
        server.listen = self._listen
        server.on_reload = self._reloaded
        if self._record:
            server.recording = Recording(server.instance.folder)
        if self._remember_all:
            server.remember_all()
        return server

    def _reloaded(self, server: Server, seconds: float) -> None:
        entry = next((one for one in self._entries if one.server is server), None)
        if entry is not None:
            self._tell("reloaded", server.config, entry, seconds=seconds)

    def _tell(self, kind: Kind, config: Configuration, of: _Entry | StartError, **more: Any) -> None:
        if self._note is None:
            return
        if isinstance(of, _Entry):
            likeness = of.likeness
        else:
            likeness = "" if of.evidence is None else of.evidence.rendered.likeness
        self._note(Event(kind=kind, likeness=likeness, config=config, target=self.target, **more))

    def _why(self, key: object) -> str:
        """Why no running server has the configuration of a key; empty where none has had it."""
        entry = next((one for one in self._entries if one.key == key), None)
        return self._gone.get(key, "") if entry is None else _unusable(entry)

    def release(self, holder: Hashable) -> None:
        """Ends the hold on every server that `holder` has; a fresh one that nobody holds any more is ended."""
        for entry in list(self._entries):
            if holder in entry.holders:
                entry.holders.remove(holder)
                changed = entry.server.config.digest != entry.key
                if not entry.holders and (changed or entry.server.exit_status is not None):
                    self._end(entry, _unusable(entry))

    def late_crashes(self) -> list[LogRecord]:
        """Lines about children that crashed since the test ended, also of servers that have been ended since."""
        return [*self._crashed, *(record for server in self.servers for record in server.late_crashes())]

    def forget_crashes(self) -> None:
        """Begins anew, for another test."""
        self._crashed.clear()

    def close(self) -> None:
        """Ends every server, held or not; returns when all have ended."""
        # Removing files takes descriptors, which a run that is out of them has in these connections.
        for entry in self._entries:
            entry.server.hang_up()
        # One that cannot be ended must not keep the others from being ended.
        with contextlib.ExitStack() as every:
            for entry in self._entries:
                entry.server.instance.begin_stop()
                every.callback(self._finish, entry)
            for entry in self._ending:
                every.callback(self._finish, entry)
            self._entries.clear()
            self._ending.clear()

    def _usable(self, entry: _Entry) -> bool:
        """Whether a server still is what its key says: not ended, and not reloaded with another configuration."""
        return entry.server.exit_status is None and entry.server.config.digest == entry.key

    def _make_room(self) -> None:
        idle = [entry for entry in self._entries if not entry.holders]
        for entry in idle[: max(0, len(idle) + 1 - max(1, self.target.idle))]:
            self._end(entry, f"it made room: {self.target.idle} that nobody used were kept")

    def _end(self, entry: _Entry, why: str) -> None:
        self._crashed += entry.server.late_crashes()
        self._entries.remove(entry)
        if isinstance(entry.key, str):  # else nobody else can have asked for it
            self._gone[entry.key] = why
        entry.server.instance.begin_stop()
        self._ending.append(entry)
        for one in [one for one in self._ending if one.server.exit_status is not None]:
            self._ending.remove(one)
            self._finish(one)
        if len(self._ending) > _ENDING:
            self._finish(self._ending.pop(0))

    def _finish(self, entry: _Entry) -> None:
        began = time.perf_counter()
        entry.server.instance.finish_stop()
        self._tell("stopped", entry.server.config, entry, seconds=time.perf_counter() - began)


def _unusable(entry: _Entry) -> str:
    return "the one before was reloaded" if entry.server.exit_status is None else "the one before had ended"
