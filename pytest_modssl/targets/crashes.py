"""The crashes of a server that one test has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.errors import ModsslError
from pytest_modssl.httpd.crashes import crash_under_gdb, crashes_in, examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.httpd.crashes import Crash
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.targets.base import Instance, Prepared
    from pytest_modssl.targets.log import ServerLog


class Crashes:
    """Processes of an httpd that a signal ended since the current test began.

    Args:
        log: of the server.
        instance: the running httpd.
        prepared: gives its configuration where it runs.

    Attributes:
        looked: whether a test has looked at the server since it ended.
    """

    def __init__(self, log: ServerLog, instance: Instance, prepared: Callable[[], Prepared]) -> None:
        self._log = log
        self._instance = instance
        self._prepared = prepared
        self._known: dict[LogRecord, Crash] = {}
        self.looked = False

    def forget(self) -> None:
        """Begins with the next test."""
        self._known.clear()
        self.looked = False

    def end(self) -> None:
        """Takes note that the test has ended."""
        self.looked = False

    def late(self) -> tuple[LogRecord, ...]:
        """The log's lines about those that came after the end of the test, and that it did not expect.

        None of a server that can no longer be asked: the test has failed of that, or the next one will.
        """
        if self.looked:
            try:
                self._instance.settle()
            except ModsslError:
                return ()
        unexpected = self._log.unexpected()
        return tuple(one for one in crashes_in(self._log.late) if one in unexpected)

    def all(self) -> tuple[Crash, ...]:
        """Every one, with its core and its backtrace if any; a core is read once."""
        for record in crashes_in(self._log.records):
            if record not in self._known:
                prepared = self._prepared()
                evidence = prepared.evidence()
                used = evidence.find("CoreDumpDirectory")
                folder = used.words[0] if used is not None and used.words else ""
                account = evidence.account
                self._known[record] = examine(prepared.installation, record, folder=folder, account=account)
        crashed = self.under_gdb()
        return (*self._known.values(), *([crashed] if crashed is not None else []))

    def under_gdb(self) -> Crash | None:
        """The one that gdb tells of, where this httpd runs under it; else `None`."""
        try:
            return crash_under_gdb((self._instance.folder / "stdout").read_text(errors="backslashreplace"))
        except FileNotFoundError:  # of a container
            return None
