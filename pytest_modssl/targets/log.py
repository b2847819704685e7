"""A server's log as one test sees it: its own lines, what it expects there, and what should not be there."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, TypeAlias

from pytest_modssl.errors import LogLostError, WaitTimeoutError
from pytest_modssl.httpd.crashes import CRASHES
from pytest_modssl.httpd.errorlog import SEVERITY, LogCursor, LogRecord, is_error
from pytest_modssl.targets.room import shortage
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SILENT = len(SEVERITY)
# "Connection to child N established": the clients of these lines are peers. In others mod_remoteip has the client be
# what a header or a proxy's first line says, the same one in every test (measured on httpd 2.4.71: 203.0.113.7:0).
_CONNECTED = "AH01964"

Wanted: TypeAlias = "str | re.Pattern[str]"


class ServerLog:
    """The error log of a server since the current test began.

    Args:
        path: the log as a file on this machine.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cursor = LogCursor(path)
        self._records: list[LogRecord] = []
        self._connected: frozenset[str | None] = frozenset()
        self._gone: set[str | None] = set()
        self._expected: list[Wanted] = []
        self._seen = 0

    @property
    def records(self) -> tuple[LogRecord, ...]:
        """The records of this test so far, read anew on every access."""
        for one in self._cursor.read():
            if one.ah == _CONNECTED:  # the port was given again
                self._gone.discard(one.client)
            if one.client not in self._gone:
                self._records.append(one)
        return tuple(self._records)

    def begin(self, still_open: frozenset[str] | None = None) -> None:
        """Starts a new slice: what is in the log by now belongs to no test any more.

        Nor does what httpd still logs of connections that have ended: its last line about one can come after the
        socket is closed (measured on httpd 2.4.71: AH01998, AH02001).

        Args:
            still_open: clients whose connections live on (see `Instance.settle`); `None` where that is not known.
        """
        new = {one.client for one in (*self._records, *self._cursor.read()) if one.ah == _CONNECTED}
        connected = self._connected | new
        self._gone = set() if still_open is None else set(connected - still_open)
        self._connected = frozenset() if still_open is None else connected & still_open
        self._records.clear()
        self._expected.clear()
        self._seen = 0

    def end(self) -> None:
        """Takes note that the test has ended: what comes from now on is `late`."""
        self._seen = len(self.records)

    @property
    def late(self) -> tuple[LogRecord, ...]:
        """The records since the test ended; all of one that has not."""
        return self.records[self._seen :]

    def find(self, wanted: Wanted) -> LogRecord | None:
        """The first record of this test that is wanted; `None` where there is none (yet).

        Args:
            wanted: an AH number (`"AH02032"`), a piece of the line's text, or a pattern that is searched in the line.
        """
        return next((one for one in self.records if _matches(one, wanted)), None)

    def wait_for(self, wanted: Wanted, *, timeout: float = 2.0) -> LogRecord:
        """The first record of this test that is wanted, awaited for up to `timeout` seconds.

        httpd logs a failed handshake after the client has seen it.

        Raises:
            WaitTimeoutError: with the records that there are instead.
        """
        with contextlib.suppress(WaitTimeoutError):
            return until(lambda: self.find(wanted), seconds=timeout, what="")
        seen = "\n".join(f"  {one.raw}" for one in self.records) or "  (nothing was logged)"
        raise WaitTimeoutError(f"waited {timeout:g} s for {_text(wanted)} in the error log. This test's lines:\n{seen}")

    def expect(self, *wanted: Wanted) -> None:
        """Declares errors that this test brings about on purpose: they no longer count as unexpected."""
        self._expected += wanted

    @contextlib.contextmanager
    def expecting(self, *wanted: Wanted) -> Iterator[None]:
        """A block that brings about errors on purpose: each must be logged before two seconds after its end.

        Raises:
            WaitTimeoutError: when one is not logged.
        """
        self.expect(*wanted)
        yield
        for one in wanted:
            self.wait_for(one)

    def unaccounted(self) -> tuple[LogRecord, ...]:
        """Records of any level that this test did not expect."""
        return tuple(one for one in self.records if not any(_matches(one, wanted) for wanted in self._expected))

    def unexpected(self) -> tuple[LogRecord, ...]:
        """Records of level error and worse that this test did not expect, and of crashes, which are of level notice."""
        return tuple(one for one in self.unaccounted() if is_error(one) or one.ah in CRASHES)

    def check_room(self) -> None:
        """Returns where all that httpd has logged in this test could be written.

        Raises:
            LogLostError: when it could not.
        """
        short = shortage(self._path)
        if short is not None:
            raise LogLostError(
                f"{short}. What to do: make room, or name another place for the files of servers by TMPDIR"
            )

    @property
    def last_words(self) -> str:
        """Of an httpd that has ended, its last line of level notice or worse: of an orderly end, what it was asked."""
        # What it said before the test began too: it may have been asked then.
        said = [
            one.raw
            for one in LogCursor(self._path).read()
            if SEVERITY.get(one.level or "", _SILENT) <= SEVERITY["notice"]
        ]
        return f"its last words: {said[-1]}" if said else ""


def _matches(record: LogRecord, wanted: Wanted) -> bool:
    if isinstance(wanted, re.Pattern):
        return wanted.search(record.raw) is not None
    return wanted in record.raw


def _text(wanted: Wanted) -> str:
    return repr(wanted.pattern if isinstance(wanted, re.Pattern) else wanted)
