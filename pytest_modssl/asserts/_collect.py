"""Mismatches between what was expected and what was seen: each is kept, and all are raised at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias, Union

from pytest_modssl.asserts.message import failure
from pytest_modssl.errors import Mismatch
from pytest_modssl.faq import diagnose
from pytest_modssl.targets.base import Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.faq import Diagnosis
    from pytest_modssl.targets.server import Server

Expected: TypeAlias = Union[str, int, bool, "re.Pattern[str]", Callable[..., bool]]
"""What a value is held against: itself, a pattern that is searched in it, or a function that says if it will do."""


def holds(expected: Expected, seen: object) -> bool:
    """Whether something seen is what is expected; a function is asked only about what is there."""
    if isinstance(expected, re.Pattern):
        return isinstance(seen, str) and expected.search(seen) is not None
    if callable(expected):
        return seen is not None and expected(seen)
    return seen == expected


def words(expected: Expected) -> str:
    """An expectation as it reads in a message."""
    if isinstance(expected, re.Pattern):
        return f"a match of {expected.pattern!r}"
    if callable(expected):
        return f"what {getattr(expected, '__name__', repr(expected))} accepts"
    return repr(expected)


def compare(what: str, expected: Expected | None, seen: object) -> list[Mismatch]:
    """The mismatch, if there is one; without an expectation there is none."""
    if expected is None or holds(expected, seen):
        return []
    return [Mismatch(what, words(expected), "nothing" if seen is None else repr(seen))]


def require(
    server: Server,
    headline: str,
    mismatches: Sequence[Mismatch],
    *,
    seen: Sequence[object] = (),
    commands: Sequence[Sequence[str]] = (),
) -> None:
    """Return if there is no mismatch; else raise them all.

    Args:
        server: whose log tells the other side.
        headline: what was looked at, in one line.
        mismatches: what is not as expected.
        seen: observations and transcripts, shown as they print.
        commands: command lines that repeat what was done.

    Raises:
        ModsslAssertionError: with headline, mismatches, diagnoses, the server's log of this test, what was seen, the
            commands.
    """
    __tracebackhide__ = True
    if mismatches:
        fail(server, headline, mismatches, seen=seen, commands=commands)
    server.accept(seen)


def fail(
    server: Server,
    headline: str,
    mismatches: Sequence[Mismatch],
    *,
    seen: Sequence[object] = (),
    commands: Sequence[Sequence[str]] = (),
    error: BaseException | None = None,
) -> NoReturn:
    """Raise the mismatches, of which there is one at least; see `require`.

    `error` is what kept it from being seen, where it could not be.
    """
    __tracebackhide__ = True
    # httpd logs why it refused something after the client has seen that it did.
    server.instance.settle()
    diagnoses = diagnose(server.evidence(mismatches=mismatches, error=error))
    records = server.log.records
    raise failure(headline, mismatches, diagnoses, ended=server.ended, records=records, seen=seen, commands=commands)


def fail_alone(headline: str, mismatches: Sequence[Mismatch], diagnoses: Sequence[Diagnosis]) -> NoReturn:
    """Raise mismatches that are about no running server."""
    __tracebackhide__ = True
    raise failure(headline, mismatches, diagnoses)


def prepared_of(server: Server | Prepared) -> Prepared:
    """The configuration of a running server, or one that a target has written out, as it is."""
    return server if isinstance(server, Prepared) else server.prepared


def require_place(server: Server | Prepared, headline: str, mismatches: Sequence[Mismatch]) -> None:
    """As `require`, for what is looked at where httpd is, and not by its answers."""
    __tracebackhide__ = True
    if not isinstance(server, Prepared):
        require(server, headline, mismatches)
    elif mismatches:
        fail_alone(headline, mismatches, diagnose(server.evidence(mismatches=mismatches)))
