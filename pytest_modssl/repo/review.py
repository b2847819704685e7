"""The review of a change: a configuration beside the same of another revision, both running, as clients see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_modssl.repo.changes import SUBJECTS, changes
from pytest_modssl.repo.checks import Hosts, Observed
from pytest_modssl.repo.seen import headers_of, keyed, look
from pytest_modssl.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_modssl.faq.evidence import Place, Used
    from pytest_modssl.repo.changes import Change
    from pytest_modssl.repo.hosts import RepoHost

# Virtual hosts named for one change, and lines that may have brought it about on either side.
_SHOWN_HOSTS: Final = 8
_SHOWN_LINES: Final = 3


@dataclass(frozen=True)
class Side:
    """One of the two: a server, what was seen of it, and what is configured.

    Args:
        observed: the server.
        named: gives the name of a file of it, as it is to be read.
    """

    observed: Observed
    named: Callable[[str], str]
    hosts: Mapping[str, RepoHost] = field(init=False)
    _used: dict[tuple[str, str], list[Used]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", keyed(self.observed))
        for one in self.observed.evidence.directives:
            self._used.setdefault((one.name.lower(), one.host), []).append(one)

    def lines(self, change: Change, key: str | None, name: str) -> dict[str, Place]:
        """The directives of a name that count for a change at a virtual host, by their text."""
        if key is None:
            return {}
        low = name.lower()
        found = self._used.get((low, self.hosts[key].key)) or self._used.get((low, ""), [])
        word = change.word.lower()
        return {
            one.place.text: one.place
            for one in found
            if one.place is not None and (not word or name == "ServerTokens" or word in map(str.lower, one.words))
        }

    def begin(self, key: str) -> str:
        """Where a virtual host begins."""
        origin = self.hosts[key].origin
        return f"{self.named(origin.file)}:{origin.line}"

    def told(self, places: Iterable[Place]) -> list[str]:
        """Lines as a report has them."""
        return [f"{self.named(one.origin.file)}:{one.origin.line}: {one.text}" for one in places][:_SHOWN_LINES]


def review(after: Side, before: Side) -> list[str]:
    """In what clients see two servers differ, in lines: the most important change first; none where they do not.

    Args:
        after: what is looked at.
        before: what it is compared with.
    """
    found = changes(look(before.observed), look(after.observed))
    fleeting = _fleeting(after, {one.host for one in found if one.subject == "header" and one.host is not None})
    kept = [one for one in found if one.subject != "header" or (one.host, one.word) not in fleeting]
    return list(_lines(kept, after, before))


def _fleeting(side: Side, keys: Iterable[str]) -> set[tuple[str | None, str]]:
    """Fields of some hosts that differ from answer to answer, such as the number of a request."""
    observed = side.observed
    again = Observed(observed.server, Hosts(tuple(observed.hosts)), observed.client)
    found: set[tuple[str | None, str]] = set()
    for key in keys:
        host = side.hosts[key]
        one, other = (headers_of(each.arrival(host, host.name)) for each in (observed, again))
        found |= {(key, name) for name in {*one, *other} if one.get(name) != other.get(name)}
    return found


def _lines(found: Sequence[Change], after: Side, before: Side) -> Iterator[str]:
    """Changes as lines: hosts that changed in the same way stand together."""
    told: dict[tuple[int, str, tuple[str, ...]], list[str]] = {}
    for one in found:
        told.setdefault((one.rank, one.text, tuple(_places(one, after, before))), []).append(
            one.host or one.before or ""
        )
    blocks: dict[tuple[str, ...], list[tuple[int, str, tuple[str, ...]]]] = {}
    for change, keys in told.items():
        blocks.setdefault(tuple(keys), []).append(change)
    for hosts, of_hosts in sorted(blocks.items(), key=lambda block: min(rank for rank, _, _ in block[1])):
        yield listed(hosts, _SHOWN_HOSTS)
        for _, text, places in sorted(of_hosts, key=lambda change: change[0]):
            yield f"    {text}"
            yield from (f"        {place}" for place in places)


def _places(change: Change, after: Side, before: Side) -> Iterator[str]:
    """The lines that brought a change about, those of the base after "was"; without any, where the host begins."""
    for name in SUBJECTS[change.subject] if change.host and change.before else ():
        here, there = after.lines(change, change.host, name), before.lines(change, change.before, name)
        new = after.told(place for text, place in here.items() if text not in there)
        old = before.told(place for text, place in there.items() if text not in here)
        if new or old:
            yield from new or [after.begin(change.host or "")]
            yield from (f"was {line}" for line in old)
            return
    if change.host is not None:
        yield after.begin(change.host)
    elif change.before is not None:
        yield f"was {before.begin(change.before)}"
