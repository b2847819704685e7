"""What is running, on whose behalf, and who removes it when its owner no longer can.

The rules, which every line below serves:

1. All that this user's runs start lives under one base folder, in a folder of its owner: a process that starts servers
   (pytest itself, or an xdist worker). The name of an owner's folder begins with the name of the run.
2. An owner holds a lock on `owner.lock` in its folder for as long as it lives. The kernel releases it when the
   process ends, however it ends: a lock that can be had proves its owner dead, across pid namespaces too.
3. A server's folder is made, and its entry written, *before* the server starts. So there is no moment at which
   something runs that no folder tells of.
4. A folder is removed by its owner; else by the owner's last will, a process that outlives it; else, where that too was
   killed, by the controller at the end of the run or by the next run of any project, for owners that are dead by
   rule 2. Whoever removes a folder first ends the process that its entry names.
5. Making and removing owners' folders happens under the base folder's own lock, so that nobody sees a folder half made.
   Lock files of the base are never removed: another process may be waiting on them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from pytest_modssl.errors import ModsslError
from pytest_modssl.process import kill_session
from pytest_modssl.targets.last_will import LastWill
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENTRY = "process.json"
_OWNER_LOCK = "owner.lock"
# Cgid's socket must fit into sun_path, 108 bytes on Linux (unix(7)) and 104 on macOS; the rest of the path is ours.
_LONGEST_BASE = 60
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - checked below
# A server takes less than 1 MB, one of a repository with 500 hosts and their certificates 10 MB.
_LEAST_MEMORY = 512 << 20
# The kernel closes the files of a process that has ended one after the other, within milliseconds.
_DYING_SECONDS = 5.0


def new_run() -> str:
    """A name for a run that no other run has."""
    return uuid.uuid4().hex[:8]


class Owner:
    """This process's place in the registry: makes folders for servers and removes them again.

    Args:
        run: name of the run, shared by the controller and its workers.
        base: folder of all runs; by default one of this user's in the system's folder for temporary files.

    Attributes:
        will: removes the folder, and what this process has started, where it dies before it can do so.
    """

    def __init__(self, run: str, *, base: Path | None = None) -> None:
        self.run = run
        self.base = base or default_base()
        self._count = 0
        with _base_lock(self.base):
            self.folder = self.base / f"{run}-{os.getpid()}-{uuid.uuid4().hex[:4]}"
            self.will = LastWill(self.folder)  # before there is anything to remove
            self.folder.mkdir(mode=0o755)
            self.folder.chmod(0o755)
            self._lock = FileLock(self.folder / _OWNER_LOCK)
            self._lock.acquire(timeout=0)

    def new_folder(self) -> Path:
        """An empty folder for one server, registered (rule 3)."""
        self._count += 1
        folder = self.folder / f"s{self._count}"
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        return folder

    def close(self) -> None:
        """Removes this owner's folder, and ends what its entries still name."""
        with _base_lock(self.base):
            remove_owner(self.folder)
            self._lock.release()
        self.will.close()


def default_base() -> Path:
    """Folder of all runs of this user: the first place for temporary files that a server's children can enter.

    Memory comes before a disk, unless TMPDIR says where temporary files go: a server is a dozen small files that live
    for less than a second. On ext4 their making and removal takes 12 ms a configuration, and ten times that while
    others write (measured on Linux 6); in /dev/shm it takes 1 ms.

    Raises:
        ModsslError: when the folder belongs to somebody else, or no place will do.
    """
    tried: list[str] = []
    for parent in dict.fromkeys((*_memory(), tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - checked below
        folder = Path(parent) / f"pytest-modssl-{os.getuid()}"
        if len(str(folder)) > _LONGEST_BASE:
            tried.append(f"{parent}: too long a path for a socket")
        elif not _all_may_enter(Path(parent)):
            tried.append(f"{parent}: not searchable by all, so that the server's children could not enter it")
        else:
            return _own_folder(folder)
    raise ModsslError("no folder for the servers' files could be found. Tried:\n  " + "\n  ".join(tried))


def _memory() -> tuple[str, ...]:
    """The folder that is kept in memory, where there is one in which scripts may be run, and with room in it."""
    if sys.platform != "linux" or "TMPDIR" in os.environ:
        return ()
    try:
        system = os.statvfs(_SHARED_MEMORY)
    except OSError:
        return ()
    room = system.f_bavail * system.f_frsize >= _LEAST_MEMORY
    return (_SHARED_MEMORY,) if room and not system.f_flag & os.ST_NOEXEC else ()


def _all_may_enter(folder: Path) -> bool:
    try:
        return os.access(folder, os.W_OK) and all(
            one.stat().st_mode & stat.S_IXOTH for one in (folder.resolve(), *folder.resolve().parents)
        )
    except OSError:
        return False


def _own_folder(folder: Path) -> Path:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise ModsslError(
            f"{folder} is not a folder that only this user can write; remove it, or set TMPDIR to another place"
        )
    return folder


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """The process that a server's folder tells of: its id, and when it began, which a reused id would not share."""

    pid: int
    started: float

    def write(self, folder: Path) -> None:
        """Writes the entry into a server's folder."""
        (folder / _ENTRY).write_text(json.dumps({"pid": self.pid, "started": self.started}))

    @classmethod
    def read(cls, folder: Path) -> ProcessEntry | None:
        """The entry of a server's folder; `None` where none was written (in full)."""
        try:
            data = json.loads((folder / _ENTRY).read_text())
            return cls(int(data["pid"]), float(data["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def end(self) -> None:
        """Kills the process and its session, where it still is the one of the entry.

        A session outlives its leader, and its id is not given to another process while it lasts; so a leader that is
        gone leaves a session that is ours, and a leader that began at another time tells that the session is gone.
        """
        try:
            same = abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.Error:
            same = not psutil.pid_exists(self.pid)
        if same:
            kill_session(self.pid)


def remove_owner(folder: Path) -> None:
    """Ends what an owner's entries name, then removes its folder (rule 4)."""
    end_servers(folder)
    remove_folder(folder)


def end_servers(folder: Path) -> None:
    """Ends what an owner's entries name."""
    for entry in filter(None, map(ProcessEntry.read, folder.glob("s*"))):
        entry.end()


def remove_folder(folder: Path) -> None:
    """Removes a folder of ours, also while a process that is just ending still writes into it.

    Raises:
        WaitTimeoutError: when it is still there after two seconds.
    """

    def gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return True
        # A folder may have been closed to its own owner on purpose (`ServerConfig(folders=...)`).
        for parent, names, _ in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):
                    (Path(parent) / name).chmod(0o700)
        return False

    until(gone, seconds=2, what=f"{folder} to be removed")


def bury(folder: Path) -> None:
    """Removes what an owner left that is dying, as soon as it is dead (rule 2).

    Raises:
        WaitTimeoutError: when it lives.
    """
    until(lambda: is_dead(folder), seconds=_DYING_SECONDS, what="the end of a process")
    if folder.is_dir():  # else somebody else was first, and a lock would bring back the base that went with it
        with _base_lock(folder.parent):
            remove_owner(folder)


def sweep(base: Path) -> int:
    """Removes what dead owners left (rule 2), and returns the number of owners removed."""
    if not base.is_dir():
        return 0
    with _base_lock(base):
        dead = [folder for folder in _owners(base) if is_dead(folder)]
        for folder in dead:
            remove_owner(folder)
    return len(dead)


def end_run(run: str, base: Path) -> None:
    """Removes what is left of a run: for its controller, when its workers have ended."""
    with _base_lock(base):
        for folder in _owners(base):
            if folder.name.startswith(f"{run}-") and is_dead(folder):
                remove_owner(folder)


def _owners(base: Path) -> Iterator[Path]:
    return (folder for folder in base.iterdir() if folder.is_dir())


def is_dead(folder: Path) -> bool:
    """Whether the owner of a folder has ended (rule 2); one whose folder is gone has."""
    if not folder.is_dir():
        return True
    try:
        with FileLock(folder / _OWNER_LOCK, timeout=0):
            return True
    except Timeout:
        return False


def _base_lock(base: Path) -> FileLock:
    return FileLock(base / "registry.lock", timeout=30, poll_interval=0.01)
