"""Folders of this user in which work that is dear is kept between runs, and turns at doing such work."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from filelock import FileLock, Timeout

from pytest_modssl.errors import WaitTimeoutError
from pytest_modssl.progress import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.progress import Say


ARTIFACTS = "modssl-artifacts.json"
"""The list of files in the folder of a test that something is kept of: the configuration there is nobody's own."""


def kept_folders(name: str) -> tuple[Path, ...]:
    """Where things of one kind may be kept, the preferred place first; nothing is made or checked.

    It is the user's cache, else a folder by user id among temporary files.

    Args:
        name: the kind, for example `"keys"`.
    """
    temporary = Path(tempfile.gettempdir(), f"pytest-modssl-{name}-{os.geteuid()}")
    if os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME"):
        return platformdirs.user_cache_path("pytest-modssl") / name, temporary
    return (temporary,)


def own_folder(name: str, *, mode: int) -> Path | None:
    """The first of `kept_folders` that can be made this user's own, which it is when this returns.

    Args:
        name: the kind.
        mode: permission bits that the folder is given.

    Returns:
        `None` where there is none: it cannot be made or written, belongs to somebody else, or is a symbolic link.
    """
    return next((folder for folder in kept_folders(name) if _made_own(folder, mode)), None)


def _made_own(folder: Path, mode: int) -> bool:
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            return False
        # What is kept is checked when it is read, so what lies in a folder that was open does no harm.
        folder.chmod(mode)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


@contextmanager
def turn(lock: Path, *, to: str, seconds: float, say: Say) -> Iterator[None]:
    """Held by one process at a time, so that work which several want is done once; it ends with its process.

    Args:
        lock: the file; it stays, as unlinking one for which another process waits would let two in.
        to: what is to be done, for messages: "build NAME".
        seconds: how long to wait for the turn.
        say: told when there is somebody to wait for.

    Raises:
        WaitTimeoutError: when the turn does not come.
    """
    file_lock = FileLock(lock, mode=0o600)
    try:
        file_lock.acquire(timeout=0)
    except Timeout:
        say(Step(f"waiting to {to}: another process is at it"))
        try:
            file_lock.acquire(timeout=seconds)
        except Timeout:
            raise WaitTimeoutError(
                f"waited {seconds:g} s to {to}, in vain: another process holds {lock}. What to do: see which one "
                f"(`fuser {lock}`) and end it, where it hangs."
            ) from None
    try:
        yield
    finally:
        file_lock.release()
