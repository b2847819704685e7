"""Whether there is room for what a server logs: httpd says nothing of a log that it cannot write, and goes on."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_LITTLE: Final = 4096
"""Bytes: a block of most file systems, and more than a line of a log has."""


def shortage(log: Path, *, least: int = _LITTLE) -> str | None:
    """Why not all may be in a log that should be; `None` where there is room.

    Args:
        log: path of the log on this machine; it need not be there yet.
        least: bytes that must be free where it is.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if most != resource.RLIM_INFINITY and log.exists() and log.stat().st_size >= most:
        return f"File too large: {log} has the {most} bytes that a file may have (ulimit -f), so not all is logged"
    system = os.statvfs(log.parent)
    free = system.f_bavail * system.f_frsize
    # A file system without a size has no room that could end.
    if system.f_blocks and free < least:
        return f"No space left on device: {log.parent} has {free} bytes free, so not all may be logged"
    return None
