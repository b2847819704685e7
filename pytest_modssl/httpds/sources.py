"""Archives of sources: fetched once from who publishes them, kept, and checked against a known digest."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from pytest_modssl.errors import FetchError
from pytest_modssl.folders import kept_folders, own_folder
from pytest_modssl.httpds.apt import has_apt, machine_mirrors
from pytest_modssl.progress import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from pytest_modssl.progress import Say

_SECONDS = 60
# Bytes between two words about a fetch.
_PIECE = 1 << 18
# PEP 691: the index of a project as JSON.
_JSON = "application/vnd.pypi.simple.v1+json"
_PYPI = "https://pypi.org/simple"
# Mirrors have the sources of the suites that are maintained, archive.debian.org those of the others.
_DEBIAN = ("https://deb.debian.org/debian", "https://archive.debian.org/debian")
# The way to the files of a source package on every mirror, as the index `Sources` tells it.
_POOL = "pool/main/{initial}/{project}/{file}"
# By publisher, what may be set where it cannot be reached.
_SETTINGS: Final = {
    "pypi": "set PIP_INDEX_URL to an index that can be reached from here",
    "debian": "name a Debian mirror that can be reached from here (--modssl-debian-mirror)",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One archive.

    Attributes:
        publisher: `"pypi"` for a file of a project on PyPI, `"debian"` for one of a source package in Debian's archive.
        project: name of the project or source package.
        file: the file's name.
        sha256: its SHA-256 in hex, as the publisher has it.
    """

    publisher: str
    project: str
    file: str
    sha256: str


def read_sources(table: Path) -> dict[tuple[str, str], Source]:
    """The archives by software and version, in the order of the file.

    Args:
        table: lines of SOFTWARE VERSION PUBLISHER PROJECT FILE SHA256, `#` for comments.

    Raises:
        ValueError: for a publisher that is not known.
    """
    found = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        if line[:1] not in {"", "#"}:
            software, version, publisher, project, file, sha256 = line.split()
            if publisher not in _SETTINGS:
                raise ValueError(f"{table}: {publisher} is none of {', '.join(_SETTINGS)}")
            found[software, version] = Source(publisher, project, file, sha256)
    return found


def is_kept(source: Source) -> bool:
    """Whether the archive is in this user's cache."""
    return _kept(source) is not None


def fetch(source: Source, say: Say, *, mirrors: Sequence[str] = ()) -> bytes:
    """The archive's content, from this user's cache or from who publishes it.

    Args:
        source: which one.
        say: told when it has to be fetched, and how far that is.
        mirrors: addresses of Debian mirrors to ask before Debian's own; none for those of this machine's apt.

    Raises:
        FetchError: when it cannot be fetched or kept, or is not what it should be.
    """
    content = _kept(source)
    if content is not None:
        return content
    failures = []
    for place, url in _places(source, mirrors):
        what = f"fetching {source.file} from {place}"
        say(Step(what))

        def told(done: float, total: float | None, what: str = what) -> None:
            say(Step(what, done, total, "MB"))

        try:
            content = _from_index(source, url, told) if source.publisher == "pypi" else _get(url, "*/*", told)
        except (OSError, ValueError, KeyError) as error:
            failures.append(f"{place}: {error}")
            continue
        if _is(content, source):
            _keep(source, content)
            return content
        failures.append(f"{place}: it is not the file that was published, whose SHA-256 is {source.sha256}")
    raise FetchError(
        f"cannot fetch {source.file}: {'; '.join(failures)}. What to do: {_SETTINGS[source.publisher]}, set a proxy "
        f"where there is one (https_proxy), or put the file at {kept_folders('sources')[0] / source.file}."
    )


def _kept(source: Source) -> bytes | None:
    for folder in kept_folders("sources"):
        with contextlib.suppress(OSError):
            content = (folder / source.file).read_bytes()
            if _is(content, source):
                return content
    return None


def _keep(source: Source, content: bytes) -> None:
    folder = own_folder("sources", mode=0o755)
    if folder is None:
        return  # it was fetched for nothing but this once
    part = folder / f"{source.file}.{os.getpid()}"
    try:
        part.write_bytes(content)
        part.replace(folder / source.file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FetchError(
            f"cannot keep {source.file} in {folder}: {error.strerror or error}. What to do: free some space there, or "
            "set XDG_CACHE_HOME to another folder."
        ) from error


def _is(content: bytes, source: Source) -> bool:
    return hashlib.sha256(content).hexdigest() == source.sha256


def _places(source: Source, mirrors: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Where it may be had: a name for the place, and the address to ask."""
    if source.publisher == "pypi":
        index = os.environ.get("PIP_INDEX_URL") or _PYPI
        return [(index, f"{index.rstrip('/')}/{source.project}/")]
    path = _POOL.format(initial=source.project[0], project=source.project, file=source.file)
    first = mirrors or (machine_mirrors() if has_apt() else ())
    bases = dict.fromkeys(base.rstrip("/") for base in (*first, *_DEBIAN))
    return [(base, f"{base}/{path}") for base in bases]


def _from_index(source: Source, index: str, told: Callable[[float, float | None], None]) -> bytes:
    listing = json.loads(_get(index, _JSON))
    url = next((file["url"] for file in listing["files"] if file["filename"] == source.file), None)
    if url is None:
        raise KeyError(f"{index} does not list it")
    return _get(urljoin(index, url), "*/*", told)


def _get(url: str, accept: str, told: Callable[[float, float | None], None] = lambda _done, _total: None) -> bytes:
    """What is at an address; `told` gets the MB that have come, and those that are to come where that is known."""
    # The standard library trusts what this machine trusts, as pip does; requests brings a list of its own.
    if not url.startswith(("https://", "http://", "file://")):
        raise ValueError(f"{url} is no address of the web")
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "pytest-modssl"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - schemes are checked above
        length = answer.headers.get("Content-Length", "")
        total = int(length) / 1e6 if length.isdecimal() else None
        content = bytearray()
        while piece := answer.read(_PIECE):
            content += piece
            told(len(content) / 1e6, total)
        return bytes(content)
