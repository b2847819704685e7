"""Archives of sources that an image is built from: fetched from PyPI once, kept, and checked against a known digest."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import platformdirs

from pytest_modssl.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 60
# PEP 691: the index of a project as JSON.
_JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, slots=True)
class Source:
    """One archive: the project on PyPI, the file's name, and its SHA-256 in hex."""

    project: str
    file: str
    sha256: str


def read_sources(table: Path) -> dict[str, Source]:
    """The archives by version, in the order of the file: lines of VERSION PROJECT FILE SHA256, `#` for comments."""
    rows = (line.split() for line in table.read_text(encoding="utf-8").splitlines() if line[:1] not in {"", "#"})
    return {version: Source(project, file, sha256) for version, project, file, sha256 in rows}


def fetch(source: Source, say: Callable[[str], None]) -> bytes:
    """The archive's content, from this user's cache or from the index that pip would ask.

    Args:
        source: which one.
        say: told in one line when it has to be fetched.

    Raises:
        EngineError: when it cannot be fetched, or is not what it should be.
    """
    kept = Path(platformdirs.user_cache_dir("pytest-modssl")) / "sources" / source.file
    if kept.is_file() and _is(content := kept.read_bytes(), source):
        return content
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    say(f"fetching {source.file} from {index}")
    try:
        content = _download(source, f"{index.rstrip('/')}/{source.project}/")
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(
            f"cannot fetch {source.file} from {index}: {error}. What to do: set PIP_INDEX_URL to an index that can be "
            f"reached from here, or put the file at {kept}.",
            reason="no-registry",
        ) from error
    if not _is(content, source):
        raise EngineError(
            f"{source.file} from {index} is not the file that was published: its SHA-256 is not {source.sha256}. "
            "What to do: take another index.",
            reason="other",
        )
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_name(f"{kept.name}.{os.getpid()}")
    part.write_bytes(content)
    part.replace(kept)
    return content


def _is(content: bytes, source: Source) -> bool:
    return hashlib.sha256(content).hexdigest() == source.sha256


def _download(source: Source, index: str) -> bytes:
    # The standard library trusts what this machine trusts, as pip does; requests brings a list of its own.
    listing = json.loads(_get(index, _JSON))
    url = next((file["url"] for file in listing["files"] if file["filename"] == source.file), None)
    if url is None:
        raise KeyError(f"{index} does not list it")
    return _get(urljoin(index, url), "*/*")


def _get(url: str, accept: str) -> bytes:
    if not url.startswith(("https://", "http://", "file://")):
        raise ValueError(f"{url} is no address of the web")
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "pytest-modssl"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - schemes are checked above
        return bytes(answer.read())
