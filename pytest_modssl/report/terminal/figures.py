"""The figures of a run's servers and virtual hosts: what each process notes, and all of it together."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_modssl.repo.hosts import Seen
from pytest_modssl.text import cut

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.life import Event

_TITLE_WIDTH = 40

Key = tuple[str, str]
"""A server: name of its target, and likeness."""


@dataclass(frozen=True, slots=True)
class Life:
    """An event in the life of a server (`targets.life.Event`), as plain data can have it.

    Attributes:
        kind: as there.
        target: name of the target.
        likeness: as there.
        title: names of its virtual hosts.
        place: where its configuration was made, "test_site.py:7"; empty where nothing tells.
        seconds: as there.
        why: as there.
        by: on whose behalf, in words.
        worker: the process, as pytest-xdist calls it; empty without.
    """

    kind: str
    target: str
    likeness: str
    title: str
    place: str
    seconds: float
    why: str
    by: str
    worker: str

    @property
    def key(self) -> Key:
        """The server."""
        return self.target, self.likeness

    def pack(self) -> list[Any]:
        """A list of texts and a number."""
        return list(astuple(self))


@dataclass
class Ledger:
    """What one process notes of its servers.

    Args:
        name_of: gives the name of a target.
        by: gives on whose behalf something is, in words.
        place: gives a file and line as users read it.
        worker: see `Life`.
    """

    name_of: Callable[[Target], str]
    by: Callable[[Hashable], str]
    place: Callable[[str, int], str]
    worker: str = ""
    shared: Counter[Key] = field(default_factory=Counter)
    _new: list[Life] = field(default_factory=list)
    _keys: dict[str, Key] = field(default_factory=dict)

    def note(self, event: Event) -> None:
        """Takes an event."""
        if event.kind == "shared":
            self.shared[self._keys[event.config.digest]] += 1
            return
        origin = event.config.origin
        life = Life(
            kind=event.kind,
            target=self.name_of(event.target),
            likeness=event.likeness or event.config.digest,
            title=", ".join(event.config.names) or "no virtual host",
            place="" if origin is None else self.place(origin.file, origin.line),
            seconds=round(event.seconds, 4),
            why=event.why,
            by="" if event.holder is None else self.by(event.holder),
            worker=self.worker,
        )
        self._keys[event.config.digest] = life.key
        self._new.append(life)

    def key_of(self, digest: str) -> Key | None:
        """The server that has a configuration of this digest; `None` for one that was not told of."""
        return self._keys.get(digest)

    def take(self) -> list[list[Any]]:
        """What is new since it was last taken, as plain data."""
        if not self._new:
            return []
        new, self._new = self._new, []
        return [one.pack() for one in new]


@dataclass
class ServerFigures:
    """A server, however often it was started: its number, from 1 in the order of their first start, and its life."""

    number: int
    title: str
    place: str
    lives: list[Life] = field(default_factory=list)
    shared: int = 0

    @property
    def named(self) -> str:
        """The first of its names, and where its configuration was made."""
        title = cut(self.title, _TITLE_WIDTH)
        return f"{title} ({self.place})" if self.place else title

    @property
    def starts(self) -> list[Life]:
        """Those of its life."""
        return [one for one in self.lives if one.kind == "started"]


@dataclass
class Figures:
    """All that was noted, from wherever it was."""

    servers: dict[Key, ServerFigures] = field(default_factory=dict)
    hosts: dict[tuple[str, str, str], Seen] = field(default_factory=dict)

    def add(self, packed: Sequence[Sequence[Any]], *, test: str = "") -> list[Life]:
        """Takes what a ledger gave in a phase of a test, and tells it."""
        lives = [Life(*one) for one in packed]
        lives = [replace(one, by=f"{test} ({one.by})" if one.by and one.by != test else test) for one in lives]
        for one in lives:
            known = self.servers.setdefault(one.key, ServerFigures(len(self.servers) + 1, one.title, one.place))
            known.lives.append(one)
        return lives

    def add_shared(self, key: Key, times: int) -> None:
        """Takes how often a server was shared."""
        if key in self.servers:
            self.servers[key].shared += times

    def add_host(self, packed: Sequence[Any]) -> None:
        """Takes what was seen of a host, the newest last."""
        file, host, target, protocols, policy, ends = packed
        seen = Seen(file, host, target, tuple(protocols), policy, ends)
        self.hosts[seen.file, seen.host, seen.target] = seen
