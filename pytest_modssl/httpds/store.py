"""Ready-made httpds, kept below the user's cache folder: each is made once and then found by every run and worker.

Rules of the folder:
- An httpd is a folder `KIND-CHOICE` (`debian-trixie`) that its user or root owns and nobody else may write, with a
  description, `httpd.json`. A folder without one that can be read is no httpd, and is replaced.
- It is made under `KIND-CHOICE.lock` in a folder of another name, `.KIND-CHOICE.RANDOM`, and takes its own name in one
  step when it is complete and has been seen to run: who finds it uses it without the lock.
- Making that fails removes what it made. What a killed one left is removed by the next making of anything; that of the
  same httpd finds it in `LEFT` and may take from it what need not be made again.
- Lock files stay (see `folders.turn`).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from filelock import FileLock, Timeout

from pytest_modssl.errors import FetchError, HttpdNotFoundError
from pytest_modssl.folders import kept_folders, own_folder, turn
from pytest_modssl.httpd.installation import Installation, probe_installation
from pytest_modssl.progress import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_modssl.progress import Say

# To be raised when what is made or written changes so that httpds made before should not be taken any more.
_FORMAT: Final = 1
VARIANT: Final = "+"
"""Stands in a choice before what tells apart httpds that one target may stand for, by the machine that made them."""
LEFT: Final = ".left"
"""Below the folder in which an httpd is made: the folders of former makings of the same that were killed."""
_DESCRIPTION: Final = "httpd.json"
# Anybody may read and enter: the children of an httpd that root started are another user.
_MODE: Final = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the httpd in a folder is run; all paths are relative to that folder.

    Attributes:
        binary: the program.
        loader: the dynamic loader that runs it; `None` for that of the machine.
        library_path: where the loader looks for libraries first.
        preload: libraries to load at the start, by name, though nothing links them; only with `loader`.
        variables: variable -> path, for the environment of httpd.
    """

    binary: str
    loader: str | None = None
    library_path: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the making of an httpd tells of it.

    Attributes:
        layout: how it is run.
        parts: what it was made from: name -> version, for example of packages.
    """

    layout: Layout
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptHttpd:
    """One httpd that is there to be run.

    Attributes:
        kind: the way it was made (`"debian"`).
        choice: which one of that kind (`"trixie"`).
        folder: where it is.
        layout: how it is run.
        parts: what it was made from: name -> version.
        httpd: its version.
        openssl: version of its TLS library; empty where that names none.
        made: when.
        size: bytes of its files.
    """

    kind: str
    choice: str
    folder: Path
    layout: Layout
    parts: Mapping[str, str]
    httpd: str
    openssl: str
    made: datetime
    size: int

    @property
    def name(self) -> str:
        """Its name here, which no other has: `debian:trixie`, `source:2.4.69+1a2b3c4d`."""
        return f"{self.kind}:{self.choice}"

    @property
    def target(self) -> str:
        """The target that stands for it: `debian:trixie`, `source:2.4.69`."""
        return self.name.partition(VARIANT)[0]

    def installation(self) -> Installation:
        """The httpd itself, asked what it is and has.

        Raises:
            FetchError: when it does not run (any more), with what to do.
        """
        try:
            return _installation(self.folder, self.layout)
        except HttpdNotFoundError as error:
            raise FetchError(
                f"the httpd at {self.folder} does not run. What to do: make it anew, with "
                f"`pytest-modssl httpds fetch --again {self.target}`. {error}"
            ) from error


def folder_of(kind: str, choice: str) -> Path:
    """The folder that an httpd will have: for what must know it beforehand, such as `configure --prefix`.

    Raises:
        FetchError: where no folder can be this user's own.
    """
    return _own_folder() / f"{kind}-{choice}"


def find(kind: str, choice: str) -> KeptHttpd | None:
    """The httpd, where it is there; a cache that cannot be written, or one that root made, will do."""
    return next(filter(None, (_read(base / f"{kind}-{choice}") for base in kept_folders("httpds"))), None)


def get(
    kind: str,
    choice: str,
    make: Callable[[Path], Made],
    *,
    say: Say,
    offline: bool = False,
    again: bool = False,
    seconds: float = 600,
) -> KeptHttpd:
    """The httpd, made when it is not there.

    Args:
        kind: the way of making it; letters.
        choice: which one of that kind; letters, digits, `.`, `_`, `+` and `-`.
        make: puts it into a folder that has nothing but `LEFT` and will have the name `folder_of(kind, choice)` later;
            that it runs and loads mod_ssl is seen to here. What it raises as `OSError` is told as trouble with the
            folder.
        say: told of what takes time.
        offline: nothing may be made.
        again: make it also when it is there.
        seconds: how long to wait for another process that makes it.

    Raises:
        FetchError: when it cannot be had: what was tried, what came back, what to do. Nothing is left of the attempt.
        WaitTimeoutError: when another process does not end.
    """
    if not again and (kept := find(kind, choice)):
        return kept
    name = f"{kind}:{choice.partition(VARIANT)[0]}"
    if offline:
        places = " nor ".join(str(base / f"{kind}-{choice}") for base in kept_folders("httpds"))
        raise FetchError(
            f"{name} would have to be fetched, which offline mode forbids: it is not at {places}. What to do: fetch it "
            f"beforehand with `pytest-modssl httpds fetch {name}`, or name another target (--modssl-target)."
        )
    base = _own_folder()
    with turn(base / f"{kind}-{choice}.lock", to=f"fetch {name}", seconds=seconds, say=say):
        if not again and (kept := find(kind, choice)):
            return kept
        _sweep(base)
        kept = _make(base, kind, choice, make)
    library = f" with OpenSSL {kept.openssl}" if kept.openssl else ""
    say(f"{name} is httpd {kept.httpd}{library}, {kept.size / 1e6:.0f} MB, kept in {kept.folder}")
    return kept


def kept_httpds() -> list[KeptHttpd]:
    """Every httpd that is there, by name; none of a folder that this user may not enter."""
    entries = (
        entry for base in kept_folders("httpds") if os.access(base, os.R_OK | os.X_OK) for entry in base.iterdir()
    )
    found = (_read(entry) for entry in entries if not entry.name.startswith("."))
    return sorted(filter(None, found), key=lambda one: one.name)


def remove(httpd: KeptHttpd) -> None:
    """Removes an httpd; servers that run on it are to be ended before.

    Raises:
        FetchError: when it cannot be removed.
    """
    base, name = httpd.folder.parent, httpd.folder.name
    try:
        with turn(base / f"{name}.lock", to=f"remove {httpd.name}", seconds=60, say=silent):
            _sweep(base, besides=name)
            _put_aside(httpd.folder)
    except OSError as error:
        raise FetchError(f"cannot remove {httpd.folder}: {error.strerror or error}") from error


def _make(base: Path, kind: str, choice: str, make: Callable[[Path], Made]) -> KeptHttpd:
    final = base / f"{kind}-{choice}"
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=base))
        folder.chmod(_MODE)
        _take_over(base, final.name, folder)
        made = make(folder)
        shutil.rmtree(folder / LEFT, ignore_errors=True)
        size = _settled(folder)
        installation = _installation(folder, made.layout)
        _see_mod_ssl_load(installation, f"{kind}:{choice}")
        description = {
            "format": _FORMAT,
            "kind": kind,
            "choice": choice,
            "httpd": str(installation.version),
            "openssl": str(installation.openssl or ""),
            "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "size": size,
            "layout": asdict(made.layout),
            "parts": dict(made.parts),
        }
        (folder / _DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
        (folder / _DESCRIPTION).chmod(0o644)
        _put_aside(final)
        folder.rename(final)
    except HttpdNotFoundError as error:
        raise FetchError(f"{kind}:{choice} was fetched, but does not run on this machine: {error}") from error
    except OSError as error:
        raise FetchError(_trouble(error, f"{kind}:{choice}", base)) from error
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    kept = _read(final)
    if kept is None:
        raise FetchError(
            f"{final} was made, but cannot be used: it must be this user's own, and nobody else's to write"
        )
    return kept


def _take_over(base: Path, name: str, folder: Path) -> None:
    (folder / LEFT).mkdir()
    for left in base.glob(f".{name}.*"):
        if left != folder:
            left.rename(folder / LEFT / left.name)


def _settled(folder: Path) -> int:
    """Gives all below a folder the modes that it is to have, whatever the umask; returns the bytes of its files."""
    size = 0
    for path in folder.rglob("*"):
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode):
            path.chmod(_MODE)
        elif stat.S_ISREG(status.st_mode):
            path.chmod(stat.S_IMODE(status.st_mode) & ~0o022)
            size += status.st_size
    return size


def _trouble(error: OSError, name: str, base: Path) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        todo = "free some space there, or set XDG_CACHE_HOME to a folder on a larger disk"
    else:
        todo = "see to it that this user can write there, or set XDG_CACHE_HOME to another folder"
    return f"cannot make {name} below {base}: {error}. What to do: {todo}."


def _installation(folder: Path, layout: Layout) -> Installation:
    binary = folder / layout.binary
    libraries = ":".join(str(folder / one) for one in layout.library_path)
    environment = {name: str(folder / path) for name, path in layout.variables.items()}
    prefix: tuple[str, ...] = ()
    if layout.loader is not None:
        # ld.so(8): unlike LD_LIBRARY_PATH the option is not handed on to what httpd itself runs, such as CGI programs.
        prefix = (str(folder / layout.loader), "--library-path", libraries)
        if layout.preload:
            prefix += ("--preload", ":".join(layout.preload))
    elif libraries:
        environment["LD_LIBRARY_PATH"] = libraries
    return probe_installation(binary, prefix=prefix, environment=environment)


def _see_mod_ssl_load(installation: Installation, name: str) -> None:
    """Returns where the loader finds all that mod_ssl needs; a module compiled in has been loaded with httpd."""
    module = installation.loadable.get("ssl")
    if module is None:
        return
    answer = installation.ask(["-t", "-f", "/dev/null", "-C", f'LoadModule ssl_module "{module}"'])
    refused = next((one for one in f"{answer.stdout}{answer.stderr}".splitlines() if "Cannot load" in one), None)
    if refused is not None:
        raise FetchError(
            f"{name} was made, but its mod_ssl cannot be loaded on this machine, so it is not kept: {refused}. What to "
            "do: take another httpd (`pytest-modssl httpds list`), and report this."
        )


def _own_folder() -> Path:
    folder = own_folder("httpds", mode=_MODE)
    if folder is None:
        places = " nor ".join(map(str, kept_folders("httpds")))
        raise FetchError(
            f"neither {places} can be made a folder of this user's own that can be written. What to do: set "
            "XDG_CACHE_HOME to a folder where this user can write."
        )
    return folder


def _read(folder: Path) -> KeptHttpd | None:
    """The httpd in a folder, or `None` where there is none that may be run."""
    try:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, os.geteuid()} or status.st_mode & 0o022:
            return None
        told: dict[str, Any] = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
        if told["format"] != _FORMAT or folder.name != f"{told['kind']}-{told['choice']}":
            return None
        layout = Layout(
            binary=told["layout"]["binary"],
            loader=told["layout"]["loader"],
            library_path=tuple(told["layout"]["library_path"]),
            preload=tuple(told["layout"]["preload"]),
            variables=MappingProxyType(told["layout"]["variables"]),
        )
        if not all((folder / one).is_file() for one in (layout.binary, layout.loader) if one is not None):
            return None
        return KeptHttpd(
            kind=told["kind"],
            choice=told["choice"],
            folder=folder,
            layout=layout,
            parts=MappingProxyType(told["parts"]),
            httpd=told["httpd"],
            openssl=told["openssl"],
            made=datetime.fromisoformat(told["made"]),
            size=told["size"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _put_aside(folder: Path) -> None:
    """Takes a folder away in one step, so that nobody finds half of it."""
    if not os.path.lexists(folder):
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    folder.rename(aside / "old")
    shutil.rmtree(aside, ignore_errors=True)


def _sweep(base: Path, *, besides: str | None = None) -> None:
    """Removes what killed makings left, but for names whose lock somebody holds; `besides` is one that we hold."""
    for left in base.glob(".*"):
        name = left.name[1:].rpartition(".")[0]
        with _nobody_at(base / f"{name}.lock", ours=name == besides) as free:
            if free:
                shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _nobody_at(lock: Path, *, ours: bool) -> Iterator[bool]:
    if ours:
        yield True
        return
    file_lock = FileLock(lock, mode=0o600)
    try:
        file_lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        file_lock.release()
