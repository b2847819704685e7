"""httpd's error log as records, read piece by piece while a server writes it.

Every line becomes one record, whatever it holds: what does not follow a known form is kept as it is, with no level. So
no line is lost, and none makes reading fail. The form is that of httpd 2.4's default `ErrorLogFormat` (manual, core;
compared with what httpd 2.4.71 writes); of other formats the level and the AH number are found where they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

# httpd manual, LogLevel: the most urgent first.
_LEVELS = ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", *(f"trace{n}" for n in range(1, 9)))

SEVERITY: Mapping[str, int] = MappingProxyType({name: number for number, name in enumerate(_LEVELS)})
"""Level -> 0 (emerg) to 15 (trace8), smaller is more urgent."""

# Three letters each, as C's asctime() has them in every locale.
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_TIME = re.compile(r"\w{3} (\w{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{6}))? (\d{4})")
_DEFAULT = re.compile(
    r"\[(?P<time>[^\]]*)\] "
    r"\[(?P<module>[\w.-]*):(?P<level>\w+)\] "
    r"\[pid (?P<pid>\d{1,20})(?::tid (?P<tid>\d{1,20}))?\] "
    r"(?:(?P<source>[\w.+-]+\(\d+\)): )?"
    r"(?P<os_error>\((?:OS |EAI )?-?\d+\)[^:\[]*(?=: ))?(?(os_error): )"
    r"(?:\[(?:client|remote) (?P<client>[^\]]*)\] )?"
    r"(?:(?P<ah>AH\d{5,6}): )?"
    r"(?P<message>.*)",
    re.DOTALL,
)
# Only in a line that begins as a logged one does: a CGI's own output may say "[error]" too.
_ANY_LEVEL = re.compile(r"\[.*?(?<=\[)(?:(?P<module>[\w.-]*):)?(?P<level>" + "|".join(_LEVELS) + r")\]")
_ANY_AH = re.compile(r"\b(AH\d{5,6}): ")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One line of an error log; None stands for what the line does not tell.

    Attributes:
        time: as logged: the local time of the server's machine, without a zone; to the microsecond.
        module: "ssl", "core", "mpm_event"; "" where httpd itself names none.
        level: one of `SEVERITY`.
        pid: number of the process that logged it.
        tid: number of the thread, as httpd writes it.
        client: address and port of the peer: "127.0.0.1:40000", "::1:40000".
        source: file and line in httpd's source, logged at debug and finer: "ssl_engine_init.c(470)".
        os_error: number and text of the system's error: "(2)No such file or directory".
        ah: the number of the message in httpd's source: "AH02032".
        message: the text after all that; for a line of unknown form the whole line.
        raw: the whole line without its end.
        line: number of the line in the file, counted from 1; starts anew when the file does.
    """

    time: datetime | None = None
    module: str | None = None
    level: str | None = None
    pid: int | None = None
    tid: int | None = None
    client: str | None = None
    source: str | None = None
    os_error: str | None = None
    ah: str | None = None
    message: str
    raw: str
    line: int

    def __str__(self) -> str:
        return self.raw


def parse(text: str, *, first_line: int = 1) -> list[LogRecord]:
    """The records of a log's text, one a line, in order; a last line without an end counts as well.

    Args:
        text: any text.
        first_line: number of its first line in the file.
    """
    lines = text.split("\n")
    if lines[-1] == "":
        del lines[-1]
    return [_record(line.removesuffix("\r"), number) for number, line in enumerate(lines, first_line)]


def is_error(record: LogRecord) -> bool:
    """Whether a record's level is error or worse; a line without a level (a CGI's own output) is not."""
    return record.level is not None and SEVERITY[record.level] <= SEVERITY["error"]


class LogCursor:
    r"""Reads what is new in a log since it last read.

    A line is told once, and only when it has its end. A file that does not exist yet has no lines. A file that was
    truncated, or replaced by another (rotated), is read from its start; lines that were written to the old one after
    the last read are not seen. Bytes that are not UTF-8 appear as `\xNN`.

    Args:
        path: of the log.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._offset = 0
        self._lines = 0
        self._file: tuple[int, int] | None = None

    def read(self, *, final: bool = False) -> list[LogRecord]:
        """The records of all lines that are new.

        Args:
            final: whether a last line without an end counts too: the server has ended and will not finish it.

        Raises:
            OSError: when the file exists and cannot be read.
        """
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return []
        file = (status.st_dev, status.st_ino)
        if file != self._file or status.st_size < self._offset:
            self._file, self._offset, self._lines = file, 0, 0
        if status.st_size == self._offset:
            return []
        with self.path.open("rb") as log:
            log.seek(self._offset)
            data = log.read()
        if not final:
            data = data[: data.rfind(b"\n") + 1]
        records = parse(data.decode("utf-8", "backslashreplace"), first_line=self._lines + 1)
        self._offset += len(data)
        self._lines += len(records)
        return records


def _record(line: str, number: int) -> LogRecord:
    match = _DEFAULT.fullmatch(line)
    if match is None or match["level"] not in SEVERITY:
        level = _ANY_LEVEL.match(line)
        ah = _ANY_AH.search(line)
        return LogRecord(
            module=level["module"] if level else None,
            level=level["level"] if level else None,
            ah=ah[1] if ah else None,
            message=line[ah.end() :] if ah else line,
            raw=line,
            line=number,
        )
    return LogRecord(
        time=_time(match["time"]),
        module=match["module"],
        level=match["level"],
        pid=int(match["pid"]),
        tid=int(match["tid"]) if match["tid"] else None,
        client=match["client"],
        source=match["source"],
        os_error=match["os_error"],
        ah=match["ah"],
        message=match["message"],
        raw=line,
        line=number,
    )


def _time(text: str) -> datetime | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    month, day, hour, minute, second, fraction, year = match.groups()
    try:
        return datetime(  # noqa: DTZ001 - the log names no zone
            int(year),
            _MONTHS.find(month) // 3 + 1,
            int(day),
            int(hour),
            int(minute),
            int(second),
            int(fraction or 0),
        )
    except ValueError:
        return None
