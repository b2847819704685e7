"""What became of the children of an httpd: it logs nothing of one that SIGKILL or SIGTERM has ended.

(ap_process_child_status in server/mpm_unix.c. Who is short of memory sees no more than a connection that is reset.)
"""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

from pytest_modssl.errors import how_ended
from pytest_modssl.process import children, ending_in, stat_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# proc_pid_stat(5): field 52, the last, is the status that wait(2) tells, or 0 for who may not trace the process: root
# without CAP_SYS_PTRACE, as in a container, of a child with another user.
_ENDED = re.compile(r"\) [ZX] [^)]* (?P<status>\d+)\n?\Z")

# Of these httpd logs nothing (ap_process_child_status).
_SILENT = {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGKILL}
_UNSEEN = "has ended; how went unseen, and httpd logs nothing of a child that SIGKILL or SIGTERM ends"


class Children:
    """The children of a process, seen again and again.

    Attributes:
        lost: those that have ended since the first look, in words, in the order in which that was seen.
        ending: whether at the last look one was ending, or had ended and waited until its parent asks how.
        crashed: process ids of those among the lost of which httpd logs how they ended, or may.
    """

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.ending = False
        self.crashed: set[str] = set()
        self._known: set[str] = set()
        self._told: set[str] = set()

    def look(self, parent: int) -> None:
        """Takes note of those that are there, of those that have ended, and of those that are there no more.

        A child that has ended is there until its parent asks for its end, which httpd does once a second. A client that
        sees its connection reset by a crash sees the child that ends: the kernel marks a process before it closes what
        the process has open (do_exit in kernel/exit.c).

        Args:
            parent: process id. Elsewhere than on Linux, and where it is gone, nothing is seen.
        """
        try:
            found = children(parent)
        except OSError:
            self.ending = False
            return
        stats = {pid: stat_of(pid) for pid in found}
        self.ending = any(map(ending_in, stats.values()))
        ended = dict(_ended({pid: stat for pid, stat in stats.items() if pid not in self._told}))
        gone = sorted(self._known - set(found))
        for pid, status in (*ended.items(), *((pid, 0) for pid in gone)):
            how = how_ended(status) if status else _UNSEEN
            self.lost.append(f"child {pid} of httpd {how}")
            if status <= 0 and -status not in _SILENT:
                self.crashed.add(pid)
        self._told = set(found) & (self._told | ended.keys())
        self._known = set(found) - self._told

    def forget(self) -> None:
        """Lets those that were seen go: they end as they were asked to."""
        self._known.clear()


def _ended(stats: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for pid, stat in stats.items():
        match = _ENDED.search(stat)
        if match is not None:
            yield pid, os.waitstatus_to_exitcode(int(match["status"]))
