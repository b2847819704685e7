"""Why httpd is not there: its own words, at the user's file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError, how_ended
from pytest_modssl.faq import Evidence, Start, diagnose
from pytest_modssl.httpd.errorlog import SEVERITY, LogRecord, parse
from pytest_modssl.httpd.render import ERROR_LOG
from pytest_modssl.targets.room import shortage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Rendered

_SHOWN_LIBRARY_ERRORS = 2
# Bytes that a start may need for its logs, sockets and PID file: with fewer free httpd can end without a word.
_LITTLE_ROOM = 65_536
_READY = "resuming normal operations"
# "SIGHUP received. Attempting to restart": its number differs by MPM (event.c, worker.c, prefork.c in server/mpm).
_RELOADED = "SIGHUP received"


def start_error(
    config: Configuration,
    installation: Installation,
    rendered: Rendered,
    folder: Path,
    dump: Callable[[], tuple[DumpedDirective, ...]],
    *,
    status: int | None,
    seconds: float,
) -> StartError:
    """The error for a server that ended before it was ready, or was not ready in time.

    Args:
        config: what it should have served.
        installation: the httpd.
        rendered: the files it was started with.
        folder: where its output and logs are on this machine.
        dump: gives its effective configuration.
        status: its exit status; `None` when it still ran after `seconds`.
        seconds: how long it was given.
    """
    evidence = Evidence(
        installation=installation,
        config=config,
        rendered=rendered,
        start=Start(ready=False, status=status, lines=_lines_since_start(folder)),
        dump=dump,
    )
    diagnoses = diagnose(evidence)
    said = [one.raw for one in evidence.start.lines if one.level is None and one.raw.strip()]
    telling = [one for one in evidence.start.lines if one.level and SEVERITY[one.level] <= SEVERITY["warn"]]
    lines = [_headline(installation, status, seconds), *map(str, diagnoses)]
    told = {one.place.origin for one in diagnoses if one.place is not None}
    if evidence.trouble is None and not told:
        lines.append(f"the configuration was made at {config.origin}")
    elif evidence.trouble is not None and evidence.trouble.origin not in told:
        lines.append(str(evidence.trouble))
    lines += [f"{'           ' if index else 'httpd said:'} {line}" for index, line in enumerate(said)]
    lines += ["its error log:", *_shortened(telling)] if telling else []
    short = shortage(folder / ERROR_LOG, least=_LITTLE_ROOM)
    lines += [] if short is None else [short]
    message = "\n".join(lines)
    if rendered.machine:  # of a copy, the paths as deployed tell more
        message = message.replace(f"{rendered.machine}/", "/")
    return StartError(message, configuration=rendered.text, diagnoses=diagnoses, evidence=evidence)


def start_of(folder: Path, status: int | None) -> Start:
    """How the start of a server went that came to be ready.

    Args:
        folder: where its output and logs are on this machine.
        status: its exit status by now; `None` while it runs.
    """
    return Start(ready=True, status=status, lines=_lines_since_start(folder))


def _lines_since_start(folder: Path) -> tuple[LogRecord, ...]:
    """What httpd said from its last start, or reload, until it was ready; all that follows where it never was."""
    lines = [one for name in ("stderr", "stdout") for one in parse(_read(folder / name))]
    starting = True
    for one in parse(_read(folder / ERROR_LOG)):
        if _RELOADED in one.message:
            lines, starting = [], True
        if starting:
            lines.append(one)
        starting = starting and _READY not in one.message
    return tuple(lines)


def _shortened(records: list[LogRecord]) -> Iterator[str]:
    """The records as lines, without most of what OpenSSL's decoders say of a key: every format that it is not."""
    for number, record in enumerate(records):
        run = next((at for at, one in enumerate(reversed(records[: number + 1])) if one.ah), number + 1)
        if run <= _SHOWN_LIBRARY_ERRORS:
            yield f"  {record.raw}"
        elif run == _SHOWN_LIBRARY_ERRORS + 1:
            yield "  (and more errors of the library)"


def _headline(installation: Installation, status: int | None, seconds: float) -> str:
    if status is None:
        return f"httpd {installation.version} was not ready within {seconds:g} s"
    if status <= 0:
        return f"httpd {installation.version} {how_ended(status)} before it was ready"
    return f"httpd {installation.version} refused this configuration (exit status {status})"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="backslashreplace")
    except OSError:
        return ""
