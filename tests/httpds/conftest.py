"""An archive of packages on loopback in the place of Debian's, and an empty cache."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.httpds import debian
from pytest_modssl.httpds.apt import has_apt
from pytest_modssl.progress import in_lines
from tests.httpds.archive import Archive, handler_for, httpd_archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.httpds.store import KeptHttpd


class Get(Protocol):
    def __call__(
        self, suite: str = "bookworm", *, say: list[str] | None = None, again: bool = False, offline: bool = False
    ) -> KeptHttpd: ...


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that keeps the httpds of this test; it is not there yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pytest-modssl" / "httpds"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """An archive whose key is the one that is trusted."""
    root = tmp_path / "archive"
    root.mkdir()
    made = httpd_archive(root)
    keyring = tmp_path / "keyring.pgp"
    keyring.write_bytes(made.signer.public)
    for module in ("apt", "mirror"):
        monkeypatch.setattr(f"pytest_modssl.httpds.{module}.keyrings", lambda: [keyring])
    monkeypatch.setenv("no_proxy", "*")
    return made


@pytest.fixture
def url(archive: Archive) -> Iterator[str]:
    """The archive's address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_for(archive)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/debian"
        archive.release.set()
        server.shutdown()
        thread.join()


@pytest.fixture(params=["apt", "gpgv"])
def verifier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who fetches and verifies: what a test shows of one it shows of the other."""
    name: str = request.param
    if name == "apt" and not has_apt():
        pytest.skip("this machine has no apt")
    if name == "gpgv" and shutil.which("gpgv") is None:
        pytest.skip("this machine has no gpgv")
    monkeypatch.setattr(debian, "has_apt", lambda: name == "apt")
    return name


@pytest.fixture
def get(url: str, cache: Path, verifier: str) -> Get:
    """Gives the httpd of a suite of the archive, as a run would have it."""

    def httpd(
        suite: str = "bookworm", *, say: list[str] | None = None, again: bool = False, offline: bool = False
    ) -> KeptHttpd:
        said: list[str] = [] if say is None else say
        return debian.get(suite, say=in_lines(said.append), mirrors=(url,), again=again, offline=offline)

    return httpd


@pytest.fixture
def left(cache: Path) -> partial[list[str]]:
    """Names of all that is in the cache but for locks."""
    return partial(_left, cache)


def _left(cache: Path) -> list[str]:
    return sorted(one.name for one in cache.iterdir() if one.suffix != ".lock") if cache.is_dir() else []
