"""Mismatches between what was expected and what was seen: each is kept, and all are raised at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn, TypeAlias, Union

from pytest_modssl.errors import Mismatch, ModsslAssertionError
from pytest_modssl.faq import diagnose
from pytest_modssl.http import described
from pytest_modssl.targets.base import Prepared
from pytest_modssl.tls.commands import shell_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.faq import Diagnosis
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.targets.server import Server

Expected: TypeAlias = Union[str, int, bool, "re.Pattern[str]", Callable[..., bool]]
"""What a value is held against: itself, a pattern that is searched in it, or a function that says if it will do."""

# A longer part makes a message that nobody reads; the report of the failure has all of it.
_SHOWN_RECORDS = 12
# Of an observation, the beginning and the end: a transcript ends with the alert, and begins with a long ClientHello.
_FIRST_LINES = 10
_LAST_LINES = 20
# The last lines of a start, one of which the other may follow late; before them stands how each host was configured.
_READY = "resuming normal operations"
_COMMAND_LINE = "AH00094"
_WARNINGS = frozenset({"emerg", "alert", "crit", "error", "warn"})


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
    parts = [_told(headline, mismatches)]
    diagnoses = diagnose(server.evidence(mismatches=mismatches, error=error))
    parts += map(str, diagnoses)
    parts.append(_log(server))
    parts += [_shortened(described(one).splitlines()) for one in seen]
    if commands:
        parts.append("\n".join(["to repeat it by hand:", *(f"  {shell_line(one)}" for one in commands)]))
    raise ModsslAssertionError("\n\n".join(parts), headline=headline, mismatches=mismatches, diagnoses=diagnoses)


def fail_alone(headline: str, mismatches: Sequence[Mismatch], diagnoses: Sequence[Diagnosis]) -> NoReturn:
    """Raise mismatches that are about no running server."""
    __tracebackhide__ = True
    parts = [_told(headline, mismatches), *map(str, diagnoses)]
    raise ModsslAssertionError("\n\n".join(parts), headline=headline, mismatches=mismatches, diagnoses=diagnoses)


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


def _told(headline: str, mismatches: Sequence[Mismatch]) -> str:
    count = "1 mismatch" if len(mismatches) == 1 else f"{len(mismatches)} mismatches"
    return "\n".join([f"{headline}: {count}", *(f"  {one}" for one in mismatches)])


def _log(server: Server) -> str:
    records = server.log.records
    if not records:
        return "the server's log of this test: nothing was logged"
    # OpenSSL's own words about a failure come at info and have no number of httpd's; what else has none at debug and
    # finer is about bytes (measured on httpd 2.4.71).
    started = max((index for index, one in enumerate(records) if _is_of_start(one)), default=-1)
    telling = [
        one
        for index, one in enumerate(records)
        if (one.ah or not _is_chatter(one.level)) and (index > started or one.client or one.level in _WARNINGS)
    ] or list(records)
    lines = [f"  {one.raw}" for one in telling[-_SHOWN_RECORDS:]]
    left_out = len(records) - len(lines)
    more = f" ({left_out} more not shown)" if left_out else ""
    return "\n".join([f"the server's log of this test{more}:", *lines])


def _is_of_start(record: LogRecord) -> bool:
    return record.ah == _COMMAND_LINE or _READY in record.message


def _is_chatter(level: str | None) -> bool:
    return level is not None and (level == "debug" or level.startswith("trace"))


def _shortened(lines: Sequence[str]) -> str:
    left_out = len(lines) - _FIRST_LINES - _LAST_LINES
    if left_out <= 0:
        return "\n".join(lines)
    return "\n".join([*lines[:_FIRST_LINES], f"  ({left_out} lines not shown)", *lines[-_LAST_LINES:]])
