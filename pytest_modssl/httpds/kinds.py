"""The kinds of httpd that are had without an installation: one entry each, for targets and for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds import debian, source, store
from pytest_modssl.httpds.builds import builds
from pytest_modssl.httpds.suites import DEFAULT, SUITES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_modssl.httpds.store import KeptHttpd
    from pytest_modssl.httpds.wishes import Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way of having an httpd.

    Attributes:
        what: what it is, after "httpd".
        choices: those that there are.
        default: the one that is taken where none is named.
        get: gives the httpd of a choice, made when it is not there; raises `FetchError`.
    """

    what: str
    choices: Collection[str]
    default: str
    get: Callable[[str, Wishes], KeptHttpd]


def _debian(choice: str, wishes: Wishes) -> KeptHttpd:
    return debian.get(
        choice,
        say=wishes.say,
        offline=wishes.offline,
        again=wishes.again,
        mirrors=wishes.mirrors,
        unsigned=wishes.unsigned,
    )


def _source(choice: str, wishes: Wishes) -> KeptHttpd:
    return source.get(choice, say=wishes.say, offline=wishes.offline, again=wishes.again, mirrors=wishes.mirrors)


KINDS: Final = {
    "debian": Kind(what="of a suite of Debian, from its packages", choices=tuple(SUITES), default=DEFAULT, get=_debian),
    "source": Kind(
        what="built on this machine from its sources",
        choices=tuple(builds()),
        default=next(iter(builds())),
        get=_source,
    ),
}
"""By the word before the colon in a target's name."""


def get(name: str, wishes: Wishes) -> KeptHttpd:
    """The httpd of a target, `KIND` or `KIND:CHOICE`; a variant that follows a choice says nothing (see `store`).

    Raises:
        FetchError: when it cannot be had, or there is none of that name.
        WaitTimeoutError: when another process that makes it does not end.
    """
    word, _, choice = name.partition(store.VARIANT)[0].partition(":")
    kind = KINDS.get(word)
    if kind is None or (choice and choice not in kind.choices):
        known = "; ".join(f"{word}:{' '.join(kind.choices)}" for word, kind in KINDS.items())
        raise FetchError(f"there is no httpd {name!r} to be had; known are {known}")
    return kind.get(choice or kind.default, wishes)
