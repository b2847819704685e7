"""The folder of a test below that for all: its name, what is written there, and what is removed again.

Rules:
- What we write there is listed in a file of the folder before it is written, and nothing that is not listed is removed.
- The folder and its files are for their owner alone: a key log is among them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.folders import ARTIFACTS
from pytest_modssl.report.artifacts.contents import REPORT, listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.report.artifacts.contents import Contents

# Of a name of 255 bytes, which most file systems take, the rest is for what tells alike names apart.
_LONGEST_NAME = 150


def folder_of(test: str, base: Path) -> Path:
    """The folder for a test below that for all.

    Args:
        test: its id: "tests/test_site.py::test_login[docker]".
        base: folder for all tests.
    """
    plain = re.sub(r"[^\w.=-]+", "-", test).strip("-.")
    if plain == test and len(plain) <= _LONGEST_NAME:
        return base / plain
    digest = hashlib.sha256(test.encode("utf-8", "surrogateescape")).hexdigest()
    return base / f"{plain[:_LONGEST_NAME]}-{digest[:8]}"


def write(folder: Path, test: str, outcome: str, contents: Contents) -> Path:
    """The folder of a test, with its files.

    Args:
        folder: see `folder_of`.
        test: its id, as it may be told.
        outcome: what became of it: "failed".
        contents: its files.

    Raises:
        OSError: when it cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / ARTIFACTS, listed(test, outcome, contents))
    for name, content in contents.files.items():
        # `mkdir(parents=True)` would make those in between for everybody.
        for parent in reversed(PurePosixPath(name).parents[:-1]):
            (folder / parent).mkdir(mode=0o700, exist_ok=True)
        _write(folder / name, content)
    return folder


def add_to_report(folder: Path, text: str) -> None:
    """Adds to the bug report in a test's folder.

    Raises:
        OSError: when it cannot be written.
    """
    with (folder / REPORT).open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def forget(test: str, base: Path) -> None:
    """Removes what is kept of an earlier run of a test, so that nothing tells of a failure that is no more."""
    folder = folder_of(test, base)
    if not folder.is_dir():
        return
    paths = [folder / name for name in (*_listed(folder), ARTIFACTS)]
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink()
    # The deepest first; those that somebody else has files in stay.
    folders = {parent for path in paths for parent in path.parents if parent.is_relative_to(folder)}
    for one in sorted(folders, key=lambda each: len(each.parts), reverse=True):
        with contextlib.suppress(OSError):
            one.rmdir()


def _listed(folder: Path) -> Iterator[str]:
    """The files that are ours, as the list in a folder has them; it may be anybody's, so none leads out of there."""
    try:
        named = json.loads((folder / ARTIFACTS).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        named = [REPORT]
    for name in named if isinstance(named, dict | list) else ():
        path = PurePosixPath(str(name))
        inside = not path.is_absolute() and ".." not in path.parts
        if inside and not any((folder / parent).is_symlink() for parent in path.parents):
            yield str(name)


def _write(path: Path, content: bytes) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()  # what others may read, or lead elsewhere, is not written to
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
