"""The files of a site, as a configuration carries them to a server."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class File:
    """One file of a site.

    Attributes:
        content: its bytes.
        executable: whether it may be run.
    """

    content: bytes
    executable: bool = False


def relative(name: str) -> str:
    """A relative path as it stands in a configuration.

    Raises:
        ConfigError: for one that leads elsewhere, or cannot be quoted.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\n" in name or '"' in name:
        raise ConfigError(f"file name {name!r}: a relative path without '..', quotes and line ends")
    return str(path)


def site_files(files: Mapping[str, str | bytes | Path | File] | Path) -> Iterator[tuple[str, File]]:
    """Name and file of all that was given as the content of a DocumentRoot; see `VirtualHost`.

    Raises:
        ConfigError: for what cannot be read, or is no relative path.
    """
    if isinstance(files, Path):
        if not files.is_dir():
            raise ConfigError(f"{files} is no folder that could be copied to DocumentRoot")
        files = {str(path.relative_to(files)): path for path in sorted(files.rglob("*")) if path.is_file()}
    for name, content in files.items():
        yield relative(name), _site_file(name, content)


def _site_file(name: str, content: str | bytes | Path | File) -> File:
    if isinstance(content, File):
        return content
    executable = name.endswith(".cgi")
    if isinstance(content, Path):
        try:
            return File(content.read_bytes(), executable or os.access(content, os.X_OK))
        except OSError as error:
            what = f"{content.absolute()}, given as the file {name}"
            raise ConfigError(f"{what}, cannot be read: {error.strerror}") from None
    return File(content.encode() if isinstance(content, str) else content, executable)
