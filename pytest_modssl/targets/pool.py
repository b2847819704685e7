"""Running servers, shared by digest: started when first asked for, kept while someone holds them or for the next."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.targets.base import Listener, Target
    from pytest_modssl.targets.server import Server

# Servers may go on ending while tests go on; beyond this number the oldest is awaited.
_ENDING = 4


@dataclass(eq=False)
class _Entry:
    server: Server
    key: object
    holders: set[Hashable] = field(default_factory=set)


class Pool:
    """The running servers of one target in one process.

    Args:
        target: where the servers run.
        remember_all: whether servers remember all that a test sees of them, and not the last of it only.
        listen: told of all that is seen of servers; see `Server.listen`.
    """

    def __init__(self, target: Target, *, remember_all: bool = False, listen: Listener | None = None) -> None:
        self.target = target
        self._remember_all = remember_all
        self._listen = listen
        self._entries: list[_Entry] = []  # the least recently used first
        self._ending: list[Server] = []

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
            self._make_room()
            began = time.perf_counter()
            entry = _Entry(self.target.launch(config, single_process=single_process), key)
            entry.server.seconds_to_start = time.perf_counter() - began
            entry.server.listen = self._listen
            if self._remember_all:
                entry.server.remember_all()
        else:
            self._entries.remove(entry)
        self._entries.append(entry)
        entry.holders.add(holder)
        return entry.server

    def release(self, holder: Hashable) -> None:
        """Ends the hold on every server that `holder` has; a fresh one that nobody holds any more is ended."""
        for entry in list(self._entries):
            if holder in entry.holders:
                entry.holders.remove(holder)
                changed = entry.server.config.digest != entry.key
                if not entry.holders and (changed or entry.server.exit_status is not None):
                    self._end(entry)

    def close(self) -> None:
        """Ends every server, held or not; returns when all have ended."""
        # Removing files takes descriptors, which a run that is out of them has in these connections.
        for entry in self._entries:
            entry.server.hang_up()
        # One that cannot be ended must not keep the others from being ended.
        with contextlib.ExitStack() as every:
            for entry in self._entries:
                entry.server.instance.begin_stop()
                every.callback(entry.server.instance.finish_stop)
            for server in self._ending:
                every.callback(server.instance.finish_stop)
            self._entries.clear()
            self._ending.clear()

    def _usable(self, entry: _Entry) -> bool:
        """Whether a server still is what its key says: not ended, and not reloaded with another configuration."""
        return entry.server.exit_status is None and entry.server.config.digest == entry.key

    def _make_room(self) -> None:
        idle = [entry for entry in self._entries if not entry.holders]
        for entry in idle[: max(0, len(idle) + 1 - max(1, self.target.idle))]:
            self._end(entry)

    def _end(self, entry: _Entry) -> None:
        self._entries.remove(entry)
        entry.server.instance.begin_stop()
        self._ending.append(entry.server)
        for server in [one for one in self._ending if one.exit_status is not None]:
            self._ending.remove(server)
            server.instance.finish_stop()
        if len(self._ending) > _ENDING:
            self._ending.pop(0).instance.finish_stop()
