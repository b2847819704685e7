"""What a failed assertion says: the decisive part first, as far as a person reads on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.errors import ModsslAssertionError
from pytest_modssl.http import described
from pytest_modssl.tls.commands import shell_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.faq import Diagnosis, Place
    from pytest_modssl.httpd.errorlog import LogRecord

# A longer part makes a message that nobody reads; the report of the failure has all of it.
_SHOWN_RECORDS = 12
# Of an observation, the beginning and the end: a transcript ends with the alert, and begins with a long ClientHello.
_FIRST_LINES = 10
_LAST_LINES = 20
# The last lines of a start, one of which the other may follow late; before them stands how each host was configured.
_READY = "resuming normal operations"
_COMMAND_LINE = "AH00094"
_WARNINGS = frozenset({"emerg", "alert", "crit", "error", "warn"})


def failure(
    headline: str,
    mismatches: Sequence[Mismatch],
    diagnoses: Sequence[Diagnosis],
    *,
    places: Sequence[Place] = (),
    ended: Sequence[str] = (),
    records: Sequence[LogRecord] | None = None,
    seen: Sequence[object] = (),
    commands: Sequence[Sequence[str]] = (),
) -> ModsslAssertionError:
    """The error that tells all of a failed assertion.

    Args:
        headline: what was looked at, in one line.
        mismatches: what is not as expected, one at least.
        diagnoses: what that says about the cause.
        places: lines of the user's own files that it is about; those that a diagnosis names are not told twice.
        ended: what of the server has ended meanwhile.
        records: the server's log; `None` where no server had part in it.
        seen: observations and transcripts, shown as they print.
        commands: command lines that repeat what was done.
    """
    count = "1 mismatch" if len(mismatches) == 1 else f"{len(mismatches)} mismatches"
    known = {str(one.place) for one in diagnoses}
    lines = [f"{headline}: {count}", *(f"  {one}" for one in mismatches)]
    lines += [f"  {one}" for one in dict.fromkeys(map(str, places)) if one not in known]
    parts = ["\n".join(lines), *ended, *map(str, diagnoses)]
    if records is not None:
        parts.append(_log(records))
    parts += [_shortened(described(one).splitlines()) for one in seen]
    if commands:
        parts.append("\n".join(["to repeat it by hand:", *(f"  {shell_line(one)}" for one in commands)]))
    return ModsslAssertionError(
        "\n\n".join(parts),
        headline=headline,
        mismatches=mismatches,
        diagnoses=diagnoses,
        seen=seen,
        commands=commands,
    )


def _log(records: Sequence[LogRecord]) -> str:
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
