"""Files out of a Debian package, deb(5): an `ar` archive with a `tar` archive in it."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MAGIC = b"!<arch>\n"
_HEADER = 60
# Since Debian 12 these are links into /usr (https://wiki.debian.org/UsrMerge); packages of Debian 11 still use both.
_MERGED = frozenset({"bin", "lib", "lib32", "lib64", "sbin"})


def unpack(content: bytes, folder: Path, *, wanted: Callable[[str], bool]) -> None:
    """Writes files of a package below a folder, in which links point to what they would on a system of its own.

    Args:
        content: the package.
        folder: stands for the root of the file system; paths that were merged into `usr` are put there.
        wanted: whether to write the file or link at a path relative to that root, for example
            `"usr/sbin/apache2"`.

    Raises:
        FetchError: when it is no package, or has a file that leaves the folder.
    """
    name, data = next(((name, data) for name, data in _members(content) if name.startswith("data.tar")), ("", b""))
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
            for member in archive:
                path = _inside(member.name)
                if not member.isdir() and wanted(path):
                    _write(archive, member, folder, path)
    except (tarfile.TarError, EOFError) as error:
        raise FetchError(f"a package cannot be unpacked, its files are in {name or 'nothing'}: {error}") from error


def _members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files in an archive in the common `ar` format (deb(5))."""
    at = len(_MAGIC)
    if not content.startswith(_MAGIC):
        raise FetchError("a package cannot be unpacked: it does not begin as one")
    while at + _HEADER <= len(content):
        header = content[at : at + _HEADER]
        try:
            size = int(header[48:58])
        except ValueError:
            raise FetchError("a package cannot be unpacked: a header in it cannot be read") from None
        data = content[at + _HEADER : at + _HEADER + size]
        if len(data) < size:
            raise FetchError("a package cannot be unpacked: it ends too early")
        yield header[:16].decode("ascii", "replace").rstrip(" /"), data
        at += _HEADER + size + size % 2


def _inside(name: str) -> str:
    """A path of a package relative to the root, merged into `usr`."""
    parts = [part for part in PurePosixPath(name).parts if part != "/"]
    if ".." in parts:
        raise FetchError(f"a package has a file that leaves its folder: {name!r}")
    return "/".join(["usr", *parts] if parts and parts[0] in _MERGED else parts)


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, path: str) -> None:
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        # As text, since what it points to may not be there yet: absolute from the root, else from its own folder.
        pointed = os.path.normpath(f"/{PurePosixPath(member.name).parent}/{member.linkname}").lstrip("/")
        if member.linkname.startswith("/"):
            pointed = os.path.normpath(member.linkname).lstrip("/")
        target.symlink_to(os.path.relpath(_inside(pointed), start=PurePosixPath(path).parent))
    elif member.islnk():
        os.link(folder / _inside(member.linkname), target, follow_symlinks=False)
    elif member.isfile():
        stream = archive.extractfile(member)
        assert stream is not None, "a regular file has content"
        with stream, target.open("xb") as file:
            file.write(stream.read())
            os.fchmod(file.fileno(), 0o755 if member.mode & 0o100 else 0o644)
