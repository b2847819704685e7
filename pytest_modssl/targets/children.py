"""What became of the children of an httpd: it logs nothing of one that SIGKILL or SIGTERM has ended.

(ap_process_child_status in server/mpm_unix.c. Who is short of memory sees no more than a connection that is reset.)
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pytest_modssl.errors import how_ended
from pytest_modssl.process import children

if TYPE_CHECKING:
    from collections.abc import Iterator

# proc_pid_stat(5): field 1 is the process id, field 3 the state, field 52, the last, the status that wait(2) tells,
# or 0 for who may not trace the process: root without CAP_SYS_PTRACE, as in a container, of a child with another user.
_ENDED = re.compile(r"\d+ \(.*\) [ZX] .* (?P<status>\d+)\n?", re.DOTALL)

_UNSEEN = "has ended; how went unseen, and httpd logs nothing of a child that SIGKILL or SIGTERM ends"


class Children:
    """The children of a process, seen again and again.

    Attributes:
        lost: those that have ended since the first look, in words, in the order in which that was seen.
    """

    def __init__(self) -> None:
        self.lost: list[str] = []
        self._known: set[str] = set()
        self._told: set[str] = set()

    def look(self, parent: int) -> None:
        """Takes note of those that are there, of those that have ended, and of those that are there no more.

        A child that has ended is there until its parent asks for its end, which httpd does once a second.

        Args:
            parent: process id. Elsewhere than on Linux, and where it is gone, nothing is seen.
        """
        try:
            found = children(parent)
        except OSError:
            return
        ended = dict(_ended([pid for pid in found if pid not in self._told]))
        gone = sorted(self._known - set(found))
        for pid, status in (*ended.items(), *((pid, 0) for pid in gone)):
            how = how_ended(status) if status else _UNSEEN
            self.lost.append(f"child {pid} of httpd {how}")
        self._told = set(found) & (self._told | ended.keys())
        self._known = set(found) - self._told

    def forget(self) -> None:
        """Lets those that were seen go: they end as they were asked to."""
        self._known.clear()


def _ended(pids: list[str]) -> Iterator[tuple[str, int]]:
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - as in `children`
                match = _ENDED.fullmatch(file.read())
        except OSError:
            continue
        if match is not None:
            yield pid, os.waitstatus_to_exitcode(int(match["status"]))
