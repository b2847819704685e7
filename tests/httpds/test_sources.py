"""Archives of sources: fetched once from who publishes them, kept, and compared with what was published."""

from __future__ import annotations

import hashlib
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds import sources
from pytest_modssl.httpds.sources import Source, fetch, is_kept, read_sources
from pytest_modssl.progress import in_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"an archive"
SOURCE = Source("pypi", "a-project", "archive.tar.gz", hashlib.sha256(CONTENT).hexdigest())
PACKAGE = Source("debian", "a-package", "a-package_1.orig.tar.gz", SOURCE.sha256)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder behind an index of packages on loopback, and an empty cache."""
    folder = tmp_path / "index"
    folder.mkdir()
    listing = '{"files": [{"filename": "archive.tar.gz", "url": "../files/archive.tar.gz"}]}'

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self) -> None:
            if self.path != "/simple/a-project/":
                return super().do_GET()
            assert self.headers["Accept"] == "application/vnd.pypi.simple.v1+json"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(listing.encode())
            return None

        def log_message(self, *_: object) -> None:
            pass

    (folder / "simple" / "files").mkdir(parents=True)
    (folder / "simple" / "files" / "archive.tar.gz").write_bytes(CONTENT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "_DEBIAN", ())
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_address[1]}/simple/")
        monkeypatch.setenv("no_proxy", "*")
        yield folder / "simple" / "files" / "archive.tar.gz"
        server.shutdown()
        thread.join()


def test_sources_are_fetched_once_from_the_index_that_pip_asks(index: Path) -> None:
    said: list[str] = []
    assert fetch(SOURCE, in_lines(said.append)) == CONTENT
    index.unlink()
    assert fetch(SOURCE, in_lines(said.append)) == CONTENT
    assert len(said) == 1
    assert "archive.tar.gz" in said[0]


def test_sources_that_are_not_what_was_published_are_refused(index: Path) -> None:
    index.write_bytes(b"another archive")
    with pytest.raises(FetchError, match="is not the file that was published"):
        fetch(SOURCE, lambda _: None)


def test_an_index_that_lacks_the_sources_or_does_not_answer_is_told(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.unlink()
    with pytest.raises(FetchError, match="404"):
        fetch(SOURCE, lambda _: None)
    with pytest.raises(FetchError, match="does not list it"):
        fetch(Source("pypi", "a-project", "other.tar.gz", "00"), lambda _: None)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    with pytest.raises(FetchError, match="set PIP_INDEX_URL"):
        fetch(SOURCE, lambda _: None)


@pytest.fixture
def mirror(index: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a mirror that has a source package."""
    pool = index.parents[2] / "debian" / "pool" / "main" / "a" / "a-package"
    pool.mkdir(parents=True)
    (pool / PACKAGE.file).write_bytes(CONTENT)
    monkeypatch.setattr(sources, "has_apt", lambda: False)
    return f"{os.environ['PIP_INDEX_URL'].removesuffix('/simple/')}/debian"


def test_a_source_package_comes_from_the_first_mirror_that_has_it(mirror: str) -> None:
    said: list[str] = []
    assert not is_kept(PACKAGE)
    assert fetch(PACKAGE, in_lines(said.append), mirrors=[f"{mirror}-none", mirror]) == CONTENT
    assert said == [f"fetching {PACKAGE.file} from {place}" for place in (f"{mirror}-none", mirror)]
    assert is_kept(PACKAGE)


def test_without_a_mirror_named_those_of_the_machines_apt_are_asked(
    mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "has_apt", lambda: True)
    monkeypatch.setattr(sources, "machine_mirrors", lambda: [mirror])
    assert fetch(PACKAGE, lambda _: None) == CONTENT


def test_every_mirror_that_failed_is_told(mirror: str) -> None:
    with pytest.raises(FetchError, match=r"(?s)/none: .*404.*127\.0\.0\.1:1: .*--modssl-debian-mirror"):
        fetch(PACKAGE, lambda _: None, mirrors=[f"{mirror}/none", "http://127.0.0.1:1"])


def test_a_kept_archive_that_has_changed_is_fetched_again(index: Path, tmp_path: Path) -> None:
    fetch(SOURCE, lambda _: None)
    kept = tmp_path / "cache" / "pytest-modssl" / "sources" / SOURCE.file
    kept.write_bytes(b"half of i")
    assert not is_kept(SOURCE)
    assert fetch(SOURCE, lambda _: None) == CONTENT
    assert kept.read_bytes() == CONTENT
    assert [path.name for path in kept.parent.iterdir()] == [SOURCE.file]


def test_a_publisher_that_is_not_known_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "sources.txt"
    table.write_text("# a comment\nhttpd 1 pypi a b c\nhttpd 2 elsewhere a b c\n")
    with pytest.raises(ValueError, match=r"elsewhere is none of pypi, debian"):
        read_sources(table)
