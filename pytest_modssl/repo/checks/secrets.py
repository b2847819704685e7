"""Private keys in a repository, which is no place for them."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_modssl.asserts.message import failure
from pytest_modssl.environment import environment
from pytest_modssl.errors import Mismatch
from pytest_modssl.faq import Place
from pytest_modssl.httpd.snippet import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

_BEGIN: Final = re.compile(rb"^[^\S\n]*-----BEGIN (?P<kind>[A-Z0-9 ]*)PRIVATE KEY-----\s*$", re.MULTILINE)  # RFC 7468
_ENCRYPTED: Final = re.compile(rb"\s*Proc-Type:\s*4,ENCRYPTED")  # RFC 1421 section 4.6.1.1
# What belongs to the tools, and is no file of the repository.
_NOT_OURS: Final = frozenset({".git", ".hg", ".svn", "node_modules"})
_ENVIRONMENT: Final = "pyvenv.cfg"
# A key is in the first of them; beyond that a file is data.
_MOST_BYTES: Final = 4 << 20
_GIT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A private key in a file of the repository.

    Attributes:
        path: of the file.
        line: where the key begins.
        encrypted: whether a pass phrase protects it.
        committed: whether git has the file; `None` where nothing tells.
        mode: permission bits of the file.
    """

    path: Path
    line: int
    encrypted: bool
    committed: bool | None
    mode: int

    @property
    def mismatches(self) -> Iterator[Mismatch]:
        """What is wrong with it."""
        what = f"private key {self.path}:{self.line}"
        protected = "encrypted by a pass phrase" if self.encrypted else "not encrypted"
        if self.committed is not False:
            where = "committed" if self.committed else "a file of the repository"
            yield Mismatch(what, "not to be in the repository", f"{where}, {protected}")
        elif self.mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Mismatch(what, "no permission for group and others (0600, 0400)", f"{self.mode:04o}, {protected}")


def secrets(root: Path) -> None:
    """Returns if no private key is in a repository, nor one beside it that others may read.

    Raises:
        ModsslAssertionError: with each key's file and line.
    """
    __tracebackhide__ = True
    found = [(key, one) for key in keys_in(root) for one in key.mismatches]
    if found:
        advice = "take it out, and have another one made: what was committed stays in the history"
        raise failure(
            f"private keys in {root} ({advice})",
            [one for _, one in found],
            [],
            places=[Place(Origin(str(key.path), key.line)) for key, _ in found],
        )


@cache
def keys_in(root: Path) -> tuple[FoundKey, ...]:
    """The private keys in PEM among the files of a repository, in order.

    In a working tree of git these are the files that it has or would take (what it ignores is none), else all that are
    there, but for what tools have put there.
    """
    committed, others = _listed(root, "--cached"), _listed(root, "--others", "--exclude-standard")
    if committed is None or others is None:
        return tuple(key for path in _walked(root) for key in _keys(path, committed=None))
    return tuple(key for path in sorted(committed | others) for key in _keys(path, committed=path in committed))


def _listed(root: Path, *which: str) -> frozenset[Path] | None:
    """Files below a folder that git lists; `None` where it is no working tree of git."""
    # The second setting keeps git from running a program that the repository names.
    command = ["git", "-C", str(root), "-c", "core.fsmonitor=false", "ls-files", "-z", *which]
    try:
        listed = subprocess.run(
            command, env=environment("GIT_*", "XDG_CONFIG_HOME"), capture_output=True, check=True, timeout=_GIT_SECONDS
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return frozenset(root / os.fsdecode(one) for one in listed.split(b"\0") if one)


def _walked(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(one for one in folders if one not in _NOT_OURS)
        if _ENVIRONMENT in names:
            folders.clear()
        else:
            yield from (Path(folder, name) for name in sorted(names))


def _keys(path: Path, *, committed: bool | None) -> Iterator[FoundKey]:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST_BYTES:
            return
        data = path.read_bytes()
    except OSError:  # of another account, or gone
        return
    for begin in _BEGIN.finditer(data) if b"PRIVATE KEY-----" in data else ():
        yield FoundKey(
            path=path,
            line=data.count(b"\n", 0, begin.start()) + 1,
            encrypted=begin["kind"] == b"ENCRYPTED " or _ENCRYPTED.match(data, begin.end()) is not None,
            committed=committed,
            mode=stat.S_IMODE(status.st_mode),
        )
