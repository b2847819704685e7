"""What is known of a failure, as a value of a report."""

from __future__ import annotations

import linecache
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.errors import ModsslAssertionError, StartError, said
from pytest_modssl.faq import diagnose
from pytest_modssl.http import described
from pytest_modssl.report.known import learn_environment
from pytest_modssl.report.secrets import Secrets
from pytest_modssl.report.whole.clean import Cleaner
from pytest_modssl.report.whole.read import conversation
from pytest_modssl.report.whole.value.failure import Difference, Failure, Problem
from pytest_modssl.report.whole.value.place import Excerpt, Line
from pytest_modssl.report.whole.value.run import Part
from pytest_modssl.tls import Transcript, shell_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.faq import Diagnosis, Place
    from pytest_modssl.targets.server import Server

_AROUND = 3
_CONVERSATIONS = 6
_OBSERVATIONS = 12
_LOG_LINES = 60


def line_of(file: str, line: int, root: Path) -> Line:
    """A place as a value, relative to the folder of the run where it is below it."""
    path = Path(os.path.abspath(root / file))  # noqa: PTH100 - links are to stay as they are written
    return Line(file=path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path), line=line)


def failure_of(
    error: BaseException,
    *,
    phase: str,
    traceback: str,
    place: tuple[str, int] | None,
    root: Path,
    servers: Sequence[Server],
    observations: Sequence[object],
    log: Sequence[str],
) -> Failure:
    """The failure of one phase of a test.

    Args:
        error: what it failed with.
        phase: "setup", "call" or "teardown".
        traceback: as pytest shows it.
        place: file and line where it failed.
        root: folder that the run is of.
        servers: those that it used.
        observations: what it saw of them.
        log: what they logged meanwhile.
    """
    mismatches: Sequence[Mismatch] = ()
    seen, commands = list(observations), [one for server in servers for one in server.commands()]
    if isinstance(error, ModsslAssertionError):  # of another error, attributes of these names mean something else
        mismatches = error.mismatches
        seen += [one for one in error.seen if one not in observations]
        commands = [*map(list, error.commands), *commands]
    problems = tuple(_problem(one, root) for one in _diagnoses(error, servers))
    at = None if place is None else line_of(*place, root)
    places = dict.fromkeys([at, *(one.place for one in problems)])
    message = "\n\n".join([said(error), *getattr(error, "__notes__", ())])
    told = [one for one in map(conversation, seen) if one is not None]
    other = [one for one in seen if conversation(one) is None and not isinstance(one, Transcript)]
    return Failure(
        phase=phase,
        headline=error.headline if isinstance(error, ModsslAssertionError) else _first_line(error),
        message=message or type(error).__name__,
        traceback=traceback,
        place=at,
        differences=tuple(Difference(what=one.what, expected=one.expected, seen=one.seen) for one in mismatches),
        problems=problems,
        excerpts=tuple(one for place in places if place is not None if (one := _excerpt(place, root)) is not None),
        log=tuple(log[-_LOG_LINES:]),
        seen=tuple(described(one) for one in other[-_OBSERVATIONS:]),
        # Those that failed tell more.
        conversations=tuple(sorted(told, key=lambda one: one.ok)[:_CONVERSATIONS]),
        commands=tuple(dict.fromkeys(map(shell_line, commands))),
    )


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {said(error)}".partition("\n")[0].removesuffix(": ")


def _diagnoses(error: BaseException, servers: Sequence[Server]) -> Sequence[Diagnosis]:
    if isinstance(error, ModsslAssertionError | StartError):
        return error.diagnoses
    found = {str(one): one for server in servers for one in diagnose(server.evidence(error=error))}
    return tuple(found.values())


def _problem(one: Diagnosis, root: Path) -> Problem:
    return Problem(
        id=one.entry.id,
        question=one.entry.question,
        cause=one.cause,
        remedy=one.remedy,
        certainty=one.finding.certainty,
        seen=one.finding.seen,
        place=_line(one.place, root),
        text="" if one.place is None else one.place.text,
        links=one.links,
    )


def _line(place: Place | None, root: Path) -> Line | None:
    return None if place is None else line_of(place.origin.file, place.origin.line, root)


def _excerpt(place: Line, root: Path) -> Excerpt | None:
    lines = linecache.getlines(str(root / place.file))
    if not 0 < place.line <= len(lines):
        return None
    first = max(1, place.line - _AROUND)
    return Excerpt(
        place=place,
        first=first,
        lines=tuple(line.rstrip("\r\n") for line in lines[first - 1 : place.line + _AROUND]),
    )


def part_told(test: str, phase: str, text: str) -> Part:
    """The failure of a test that could not be collected, or whose worker died, from what pytest tells of it."""
    cleaner = Cleaner(Secrets())
    learn_environment(cleaner.secrets)
    lines = [line for line in text.splitlines() if line.strip()] or ["nothing is told of it"]
    failure = Failure(phase=phase, headline=lines[-1].removeprefix("E ").strip(), message=text)
    return cleaner.clean(Part(id=test, test=test, phase=phase, failure=failure))
