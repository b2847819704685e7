"""The project's own images: what is built, from which folder of `containers/`, and how it is known again."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl import _data
from pytest_modssl.errors import EngineError
from pytest_modssl.httpds.builds import Build, builds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.httpds.sources import Source

# To be raised when the way of building changes so that images built before should not be taken any more.
_VERSION = 2
# On every image that this package made, with the name that it was made for.
LABEL = "org.pytest-modssl.image"
DEFAULT = "modssl/debian:bookworm"
# Those with an httpd that is built, and whether that is on an OpenSSL as old as it.
_BUILT = {"modssl/source": False, "modssl/legacy": True}
# What tells of images and is in none of them: another version in a table is no other image of those there were.
_NOT_BUILT = frozenset({"README.md", "builds.csv", "sources.txt"})


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image that the project builds itself.

    Attributes:
        name: what users write, for example `"modssl/debian:bookworm"`.
        suite: the Debian release that it is built on.
        arguments: the arguments of the Dockerfile, but for `BASE`.
        context: the build context, as a tar archive; the same for the same files.
        archives: what is to be fetched into the context before it is built.
    """

    name: str
    suite: str
    arguments: Mapping[str, str]
    context: bytes
    archives: tuple[Source, ...] = ()

    @property
    def tag(self) -> str:
        """The image's name in the engine, which no other content shares."""
        digest = hashlib.sha256(self.context)
        digest.update(repr((_VERSION, sorted(self.arguments.items()), self.archives)).encode())
        return f"{self.name}-{digest.hexdigest()[:12]}"

    @property
    def base(self) -> str:
        """The image that it is built on where a registry has it."""
        return f"debian:{self.suite}-slim"


def recipe_for(name: str) -> Recipe | None:
    """The recipe of a name that is the project's own (`modssl/...`); `None` for every other name.

    Args:
        name: `modssl/debian[:SUITE]`, `modssl/source[:VERSION]` or `modssl/legacy[:VERSION]`.

    Raises:
        EngineError: for a name below `modssl/` that no recipe has.
    """
    folder, _, choice = name.partition(":")
    if not name.startswith("modssl/"):
        return None
    if folder == "modssl/debian" and choice.isalnum() | (not choice):
        suite = choice or "bookworm"
        return Recipe(f"{folder}:{suite}", suite, {"SUITE": suite}, _context("debian"))
    choices = {own: _versions(legacy=old) for own, old in _BUILT.items()}
    version = choice or next(iter(choices.get(folder, ())), "")
    build = choices.get(folder, {}).get(version)
    if build is not None:
        arguments = {"VERSION": version, "SUITE": "bookworm", "HTTPD_CPPFLAGS": build.flags}
        return Recipe(f"{folder}:{version}", "bookworm", arguments, _context("source"), build.archives)
    raise EngineError(
        f"{name} is none of the project's own images. There are modssl/debian:SUITE (a Debian release: bookworm, "
        f"trixie), modssl/source:VERSION (of httpd: {', '.join(choices['modssl/source'])}) and modssl/legacy:VERSION "
        f"({', '.join(choices['modssl/legacy'])}).",
        reason="no-image",
    )


def names() -> tuple[str, ...]:
    """The project's own images that there are recipes for; of Debian's suites, those that they are built on."""
    built = [f"{own}:{version}" for own, old in _BUILT.items() for version in _versions(legacy=old)]
    return ("modssl/debian:bookworm", "modssl/debian:trixie", *built)


def _versions(*, legacy: bool) -> dict[str, Build]:
    """What can be built, by httpd's version: on an OpenSSL of its own, or on Debian's."""
    return {name.removesuffix("-legacy"): one for name, one in builds().items() if (one.openssl is not None) == legacy}


def _context(folder: str) -> bytes:
    """The build context as a tar archive that depends on nothing but names and contents of the files.

    Neither does a wheel keep the modes of files, nor is every clone made with the same umask.
    """
    archive = io.BytesIO()
    root = _data.container(folder)
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.name not in _NOT_BUILT:
                add_file(tar, path.relative_to(root).as_posix(), path.read_bytes())
    return archive.getvalue()


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Adds a file of root's, readable by all and with no date, to an archive."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o644
    tar.addfile(entry, io.BytesIO(content))
