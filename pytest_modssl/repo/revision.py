"""A repository as a revision of git has it, written into a folder: the repository itself is read and never changed.

What is written is what a checkout would have (filters and ends of lines as .gitattributes says), by an index of its own
(git-read-tree(1), git-checkout-index(1)): `git archive` leaves out what `export-ignore` names, which is deployed all
the same. What git ignores is in no revision, and comes from the working tree, as it would on the machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_modssl.environment import environment
from pytest_modssl.errors import RevisionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SECONDS: Final = 60.0
# Those of a hook that runs the tests: they say where its repository and index are, and not where ours is to be looked
# for (githooks(5)).
_OF_HOOKS: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
# Nothing is written into .git, no program runs that the repository names, and nothing is fetched.
_QUIETLY: Final = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
_SETTINGS: Final = ("core.fsmonitor=false", "core.splitIndex=false", f"core.hooksPath={os.devnull}")
_SUBMODULE: Final = "160000"
_SHOWN: Final = 8
# What git ignores is mostly no part of what is deployed: folders that tools fill, and large files.
_LARGEST_IGNORED: Final = 1 << 20
_NOT_DEPLOYED: Final = ("node_modules", ".venv", "venv", ".tox", ".nox", "__pycache__", ".terraform")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A commit of the repository of git that a folder belongs to.

    Attributes:
        reference: as the user names it.
        commit: its full name.
        folder: a folder of the working tree.
        prefix: that folder from the top of the working tree on, with a slash at its end; empty for the top.
    """

    reference: str
    commit: str
    folder: Path
    prefix: str

    def named(self, path: str) -> str:
        """A file of `folder` as `git show` takes it: "main:conf/httpd.conf"."""
        return f"{self.reference}:{self.prefix}{path}"


def find_revision(folder: Path, reference: str) -> Revision:
    """The commit that a reference names: a branch, a tag, `HEAD~1`, a hash.

    Raises:
        RevisionError: without git, outside of any repository of git, and for a reference that names nothing.
    """
    if shutil.which("git") is None:
        raise RevisionError(f"the revision {reference!r} takes git, which is not on the PATH: install it")
    asked = _git(folder, "rev-parse", "--show-toplevel", "--is-shallow-repository", "--show-prefix")
    if asked.returncode != 0:
        said = _said(asked)
        if "not a git repository" in said:
            said = "no folder above it has .git"
        raise RevisionError(f"the revision {reference!r} of {folder} cannot be had, it is in no working tree: {said}")
    top, shallow, prefix = os.fsdecode(asked.stdout).split("\n")[:3]
    commit = ""
    if not reference.startswith("-"):  # else git would take it for an option
        commit = os.fsdecode(_git(folder, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}").stdout).strip()
    if not commit:
        raise RevisionError(f"{top} has no revision {reference!r}. {_what_there_is(folder, shallow=shallow == 'true')}")
    return Revision(reference=reference, commit=commit, folder=folder, prefix=prefix)


def write_revision(revision: Revision, folder: Path) -> Path:
    """The folder of a revision, written below another one, which is empty; empty where the revision has none.

    Submodules are as the revision has them, as far as the working tree has them.

    Raises:
        RevisionError: when git cannot give it.
    """
    # Under the name that it has: a configuration may be called by it.
    tree = folder / "tree" if revision.prefix else folder / "tree" / revision.folder.name
    (tree / revision.prefix).mkdir(parents=True)
    own = {"GIT_INDEX_FILE": str(folder / "index")}
    _done(revision, _git(revision.folder, "read-tree", revision.commit, more=own))
    listed = _done(revision, _git(revision.folder, "ls-files", "--stage", "-z", "--", ".", more=own))
    entries = [(meta.split()[0], meta.split()[1], path) for meta, path in _entries(listed)]
    files = b"".join(os.fsencode(path) + b"\0" for _, _, path in entries)
    writing = ("checkout-index", "-z", "--stdin", f"--prefix={tree}/")
    _done(revision, _git(revision.folder, *writing, more=own, given=files))
    written = tree / revision.prefix
    for number, (mode, commit, path) in enumerate(entries):
        if mode == _SUBMODULE:
            _write_submodule(revision, path, commit, written / path, folder / f"sub{number}")
    _add_ignored(revision, written)
    return written


def _write_submodule(revision: Revision, path: str, commit: str, target: Path, folder: Path) -> None:
    inside = revision.folder / path
    if not (inside / ".git").exists():  # nor does the working tree have its files
        return
    if _git(inside, "cat-file", "-e", f"{commit}^{{commit}}").returncode != 0:
        raise RevisionError(
            f"{revision.reference} has the submodule {path} at {commit[:12]}, which is not here: "
            f"git -C {inside} fetch origin {commit}"
        )
    of_module = Revision(reference=f"{revision.reference}:{path}", commit=commit, folder=inside, prefix="")
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(write_revision(of_module, folder), target, symlinks=True, dirs_exist_ok=True)


def _add_ignored(revision: Revision, written: Path) -> None:
    """What git ignores beside the files of the revision: certificates that a machine has, and no repository."""
    without = (f":(exclude,glob)**/{name}/**" for name in _NOT_DEPLOYED)
    listing = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", ".", *without)
    listed = _done(revision, _git(revision.folder, *listing))
    for name in filter(None, os.fsdecode(listed).split("\0")):
        source, target = revision.folder / name, written / name
        if target.exists() or not source.is_file() or source.stat().st_size > _LARGEST_IGNORED:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


def _entries(listed: bytes) -> Iterator[tuple[str, str]]:
    """What stands before the tabulator and the path after it, of each entry."""
    for entry in filter(None, os.fsdecode(listed).split("\0")):
        meta, _, path = entry.partition("\t")
        yield meta, path


def _what_there_is(folder: Path, *, shallow: bool) -> str:
    if shallow:
        return (
            "It is a shallow clone, which has the last commits alone: fetch the revision (git fetch --depth=1 origin "
            "REF, then FETCH_HEAD), or clone with all of its history"
        )
    listing = ("for-each-ref", "--format=%(refname:short)", "--sort=-committerdate", f"--count={_SHOWN}")
    known = os.fsdecode(_git(folder, *listing, "refs/heads", "refs/tags", "refs/remotes").stdout).split()
    return f"There are {', '.join(known)}" if known else "It has no commit yet"


def _done(revision: Revision, done: subprocess.CompletedProcess[bytes]) -> bytes:
    if done.returncode != 0:
        raise RevisionError(
            f"{revision.reference} cannot be read from the repository of {revision.folder}: {_said(done)}"
        )
    return done.stdout


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line for line in os.fsdecode(done.stderr).splitlines() if line.strip()]
    return lines[0].removeprefix("fatal: ") if lines else f"git ended with status {done.returncode}"


def _git(
    folder: Path, *words: str, more: Mapping[str, str] | None = None, given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in environment("GIT_*", "XDG_CONFIG_HOME").items() if name not in _OF_HOOKS}
    settings = (word for setting in _SETTINGS for word in ("-c", setting))
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *settings, *words],
            env={**kept, **_QUIETLY, **(more or {})},
            input=given,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"git gave no answer in {folder}: {error}") from None
