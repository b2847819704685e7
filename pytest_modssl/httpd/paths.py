"""Which files httpd's children open while they serve, and whether their account gets there.

As root, httpd's parent opens its files first and its children then run as another account (`User`). A folder above a
file that this account cannot enter stops a start in the one case, and in the other only shows in what is missing later:
sessions that are never resumed, a mutex that does not lock (measured on httpd 2.4.71).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_modssl.httpd.dumps import DumpedMutex
    from pytest_modssl.httpd.installation import Installation

# Children open the file of an flock mutex anew; that of fcntl they inherit open, and the others have none (apr,
# locks/unix/proc_mutex.c; measured on httpd 2.4.71 with a folder that they cannot enter).
_REOPENED = frozenset({"flock"})
# mod_socache_dbm opens its file for each session; the memory of shmcb is mapped before the children are made.
_OPENED_CACHES = "dbm:"
_CACHES = frozenset({"sslsessioncache", "sslstaplingcache", "authncachesocache", "cachesocache"})
# Sockets and folders that children use by name (manual, mod_cgid, mpm_common and mod_dav_fs).
_NAMED = {"scriptsock": "connect to it", "coredumpdirectory": "write into it", "davlockdb": "open it"}

# The walk is done by `test`, as the account itself: what owner, group, ACL and capabilities come to, the kernel knows.
_WALK = """
for folder; do
    [ -d "$folder" ] || { echo "missing - - $folder"; exit; }
    [ -x "$folder" ] || { set -- $(ls -ld "$folder"); echo "shut $1 $3:$4 $folder"; exit; }
done
[ -z "$WRITE" ] || [ -w "$folder" ] || { set -- $(ls -ld "$folder"); echo "read-only $1 $3:$4 $folder"; }
"""


@dataclass(frozen=True, slots=True)
class RuntimePath:
    """A file that httpd's children open by its name.

    Attributes:
        path: absolute; the last part may not be there before httpd has started.
        directive: what names it.
        use: what children do with it, as a verb.
    """

    path: str
    directive: str
    use: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps an account from a file: a folder above it.

    Attributes:
        folder: the outermost one that does.
        kind: "missing", "shut" (no x for that account) or "read-only" (no w).
        mode: as `ls -l` prints it: "drwx------"; "-" for one that is missing.
        owner: "user:group" of the folder.
        account: who was kept out.
    """

    folder: str
    kind: str
    mode: str
    owner: str
    account: str

    def __str__(self) -> str:
        if self.kind == "missing":
            return f"{self.folder} does not exist"
        lacks = "x" if self.kind == "shut" else "w"
        return f"{self.folder} ({self.mode} {self.owner}) has no {lacks} for {self.account}"


def runtime_paths(
    directives: Iterable[tuple[str, tuple[str, ...]]], mutexes: Iterable[DumpedMutex], *, root: str
) -> Iterator[RuntimePath]:
    """Every file that httpd's children open by its name while they serve.

    Args:
        directives: name and arguments of those in effect.
        mutexes: those that httpd itself lists.
        root: ServerRoot, from which relative paths count.
    """
    for mutex in mutexes:
        if mutex.mechanism in _REOPENED:
            yield RuntimePath(str(PurePosixPath(root, mutex.folder, mutex.name)), "Mutex", "open it")
    for name, words in directives:
        low, value = name.lower(), words[0] if words else ""
        if low in _CACHES and value.startswith(_OPENED_CACHES):
            path = value.removeprefix(_OPENED_CACHES)
            yield RuntimePath(str(PurePosixPath(root, path)), name, "open it for each session")
        elif low in _NAMED and value:
            yield RuntimePath(str(PurePosixPath(root, value)), name, _NAMED[low])


def obstacle(installation: Installation, path: str, account: tuple[str, str] | None = None) -> Obstacle | None:
    """The outermost folder above a file that keeps an account from it; `None` where nothing does.

    Args:
        installation: runs commands where the file is.
        path: absolute path of the file, which need not be there.
        account: user and group of httpd's children; `None` for that of its parent, which also makes files.
    """
    folders = [str(one) for one in reversed(PurePosixPath(path).parents)]
    write = {"WRITE": "1"} if account is None else {}
    said = installation.run(["sh", "-c", _WALK, "walk", *folders], account=account, env=write).stdout.strip()
    if not said:
        return None
    kind, mode, owner, folder = said.split(" ", 3)
    return Obstacle(folder, kind, mode, owner, account[0] if account else "the account that starts httpd")


def account_of_children(
    installation: Installation, directives: Iterable[tuple[str, tuple[str, ...]]]
) -> tuple[str, str] | None:
    """User and group that httpd's children change to; `None` where they keep that of its parent, which is not root.

    Args:
        installation: runs commands where httpd runs.
        directives: name and arguments of those in effect.
    """
    told = {name.lower(): words[0].removeprefix("#") for name, words in directives if words}
    if "user" not in told or installation.run(["id", "-u"]).stdout.strip() != "0":
        return None
    return told["user"], told.get("group", told["user"])
