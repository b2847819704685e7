"""The file system of the machine that a configuration is for, as far as its repository and layout hold it.

All paths are deployment paths: absolute, `/` between their parts, `/C:/Apache24` where httpd is on Windows.
"""

from __future__ import annotations

import errno
import fnmatch
import os
import posixpath
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.repo.bounds import LARGEST_FILE, MOST_LINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.repo.found import Found

_ABSOLUTE = re.compile(r"/|[A-Za-z]:[/\\]")
_WINDOWS = re.compile(r"/?([A-Za-z]):[/\\]")
_WILD = re.compile(r"[*?[]")
# Links in a row that a path may have (Linux: MAXSYMLINKS, path_resolution(7)).
_MOST_LINKS = 40
# httpd 2.4, server/config.c: AP_MAX_INCLUDE_DIR_DEPTH.
_DEEPEST_FOLDER = 20


@dataclass(frozen=True, slots=True)
class Deployment:
    """What stands where on the machine that a configuration is for."""

    found: Found

    def absolute(self, path: str, server_root: str) -> str:
        """A path of the configuration as httpd completes it: relative ones start at ServerRoot, `..` is resolved."""
        whole = path if _ABSOLUTE.match(path) else f"{server_root}/{path}"
        drive = _WINDOWS.match(whole)
        if drive is not None:
            whole = f"/{drive[1].upper()}{whole[drive.end(1) :]}".replace("\\", "/")
        return posixpath.normpath(whole).replace("//", "/")

    def path_of(self, deployed: str) -> Path | None:
        """The file or folder of the repository that stands there; `None` for none, and for a link that leads out."""
        for path in self._candidates(deployed):
            inside = self._inside(path)
            if inside is not None:
                return inside
        return None

    def is_lost_link(self, deployed: str) -> bool:
        """Whether a symbolic link stands there that leads out of the repository, or to what it does not hold."""
        return self.path_of(deployed) is None and bool(self._link_target(deployed))

    def of(self, path: Path) -> str:
        """Where a file of the repository stands on that machine; its own path where no tree holds it."""
        inside = [
            (len(folder.parts), posixpath.join(deployed, path.relative_to(folder).as_posix()))
            for deployed, folder in self.found.trees.items()
            if path.is_relative_to(folder)
        ]
        return posixpath.normpath(max(inside)[1]) if inside else path.as_posix()

    def text(self, deployed: str) -> str | None:
        """The text of the file that stands there, line ends as they are; `None` where there is none to be read.

        Raises:
            OSError: when it is so large (EFBIG) that it is no configuration.
        """
        path = self.path_of(deployed)
        if path is None:
            files = self.found.layout.files
            return files.get(deployed, files.get(self._link_target(deployed)))
        try:
            return read_text(path) if path.is_file() else None
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise
            return None

    def names_in(self, deployed: str) -> tuple[str, ...]:
        """The names in a folder, those that start with a dot too, in httpd's order: that of their bytes."""
        inside = f"{deployed.rstrip('/')}/"
        names: set[str] = set()
        for path in self._candidates(deployed):
            folder = self._inside(path)
            if folder is not None and folder.is_dir():
                names.update(path.name for path in folder.iterdir())
        for other in (*self.found.trees, *self.found.layout.files):
            if other.startswith(inside):
                names.add(other[len(inside) :].split("/")[0])
        return tuple(sorted(names - {""}, key=os.fsencode))

    def files_in(self, deployed: str, above: tuple[Path, ...] = ()) -> Iterator[str]:
        """The path itself if no folder stands there, else all files below it as `Include` of a folder takes them.

        A link to a folder above itself is not followed: httpd goes round in it, and stops.
        """
        if not self.is_folder(deployed):
            yield deployed
            return
        path = self.path_of(deployed)
        real = Path(deployed) if path is None else path.resolve()
        if real not in above and len(above) < _DEEPEST_FOLDER:
            for name in self.names_in(deployed):
                yield from self.files_in(f"{deployed.rstrip('/')}/{name}", (*above, real))

    def is_folder(self, deployed: str) -> bool:
        """Whether a folder stands there."""
        path = self.path_of(deployed)
        return path.is_dir() if path is not None else bool(self.names_in(deployed))

    def matches(self, pattern: str) -> tuple[str, ...]:
        """What an absolute pattern of `Include` names, in httpd's order.

        A wildcard may stand in any part and does not match a leading dot (httpd 2.4, server/config.c:
        `process_resource_config_fnmatch`). A pattern without one is its own only match, there or not.
        """
        head, *parts = pattern.split("/")
        found = [head]
        for index, part in enumerate(parts):
            if _WILD.search(part) is None:
                found = [f"{folder}/{part}" for folder in found]
                continue
            wanted = _pattern(part)
            found = [
                f"{folder}/{name}"
                for folder in found
                for name in self.names_in(folder or "/")
                if wanted.match(name) and name.startswith(".") <= part.startswith(".")
            ]
            if index < len(parts) - 1:
                found = [folder for folder in found if self.is_folder(folder)]
        return tuple(found)

    def _candidates(self, deployed: str) -> Iterator[Path]:
        """Where the trees have a path, the nearest tree first; each may be there or not."""
        above = [
            (folder, deployed[len(top.rstrip("/")) :].lstrip("/"))
            for top, folder in sorted(self.found.trees.items(), key=lambda item: -len(item[0]))
            if deployed == top or deployed.startswith(f"{top.rstrip('/')}/")
        ]
        yield from (folder / rest if rest else folder for folder, rest in above)

    def _link_target(self, deployed: str) -> str:
        """Where a symbolic link that stands there leads to, as a deployment path; "" if none stands there."""
        link = next((path for path in self._candidates(deployed) if path.is_symlink()), None)
        return "" if link is None else posixpath.normpath(posixpath.join(posixpath.dirname(deployed), link.readlink()))

    def _inside(self, path: Path, links: int = 0) -> Path | None:
        """The path if it is there, links followed within the repository; absolute ones are deployment paths first."""
        if not os.path.lexists(path):
            return None
        if path.is_symlink() and links < _MOST_LINKS:
            target = path.readlink()
            if target.is_absolute():
                for other in self._candidates(posixpath.normpath(target)):
                    inside = self._inside(other, links + 1)
                    if inside is not None:
                        return inside
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            return None
        return path if real.is_relative_to(self.found.root.resolve()) else None


def read_text(path: Path) -> str:
    """A file's text with its line ends as they are and bytes that are not UTF-8 kept (`surrogateescape`).

    Raises:
        OSError: when it cannot be read, or is so large (EFBIG) that it is no configuration.
    """
    with path.open("rb") as stream:
        data = stream.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise OSError(errno.EFBIG, f"larger than {LARGEST_FILE // 1_000_000} MB", str(path))
    if data.count(b"\n") > MOST_LINES:
        raise OSError(errno.EFBIG, f"more than {MOST_LINES} lines", str(path))
    return data.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=256)
def _pattern(part: str) -> re.Pattern[str]:
    # apr_fnmatch() takes `[^a]` for `[!a]`; Python's does not.
    return re.compile(fnmatch.translate(part.replace("[^", "[!")))
