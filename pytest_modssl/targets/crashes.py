"""The crashes of a server that one test has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """

    def __init__(self, log: ServerLog, instance: Instance, prepared: Callable[[], Prepared]) -> None:
        self._log = log
        self._instance = instance
        self._prepared = prepared
        self._known: dict[LogRecord, Crash] = {}

    def forget(self) -> None:
        """Begins with the next test."""
        self._known.clear()

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
