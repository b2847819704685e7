"""`pytest-modssl httpds`, as it is called in a shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.cli import main
from tests.cli.answers import differing, documented, one_of
from tests.httpds.conftest import archive, cache, left, url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["archive", "cache", "left", "url"]


@pytest.fixture
def mirror(url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The archive, named as the mirror to take."""
    monkeypatch.setenv("PYTEST_MODSSL_DEBIAN_MIRROR", url)
    return url


def test_httpds_are_fetched_listed_with_their_size_and_removed(
    mirror: str, cache: Path, left: Callable[[], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["httpds"]) == 0
    nothing, there_are, *_ = capsys.readouterr().out.splitlines()
    assert nothing == "No httpds in the cache. Fetch the default one with: pytest-modssl httpds fetch"
    assert there_are.startswith("There are debian:bullseye, bookworm, trixie")
    assert main(["httpds", "fetch", "debian:bookworm"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{cache}/debian-bookworm\n"
    assert f"fetching the index of Debian bookworm from {mirror}, by" in err
    assert main(["httpds", "fetch", "debian:bookworm", "--json"]) == 0
    fetched, err = capsys.readouterr()
    assert err == ""
    assert differing(fetched, one_of(documented("httpds"), "httpds[].")) == set()
    assert main(["httpds", "list"]) == 0
    titles, row, *_ = capsys.readouterr().out.splitlines()
    assert titles.split() == ["NAME", "HTTPD", "OPENSSL", "SIZE", "MADE", "(UTC)", "FOLDER"]
    assert row.split()[:4] == ["debian:bookworm", "2.4.99", "0", "MB"]
    assert main(["httpds", "--json", "list"]) == 0
    listed = capsys.readouterr().out
    assert differing(listed, documented("httpds")) == set()
    assert json.loads(listed)["httpds"] == [json.loads(fetched)]
    assert "debian:bookworm" in json.loads(listed)["available"]
    assert main(["httpds", "fetch", "--again", "debian:bookworm"]) == 0
    assert "fetching" in capsys.readouterr().err
    assert main(["httpds", "remove", "debian:bookworm"]) == 0
    assert capsys.readouterr().out == "removed debian:bookworm (0 MB)\n"
    assert left() == []


@pytest.mark.parametrize("name", ["debian:woody", "source:none", "nothing"])
def test_what_there_is_not_is_told_with_what_there_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["httpds", "fetch", name]) == 1
    err = capsys.readouterr().err
    assert f"there is no httpd {name!r} to be had; known are debian:bullseye" in err


def test_what_was_removed_is_told_as_data(mirror: str, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["httpds", "fetch", "debian:bookworm", "--json"]) == 0
    fetched = json.loads(capsys.readouterr().out)
    assert main(["httpds", "remove", "--all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": [fetched]}
    assert main(["httpds", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["httpds"] == []


def test_what_is_not_kept_cannot_be_removed(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["httpds", "remove", "debian:sid"]) == 1
    assert "no httpd in the cache is called debian:sid; see: pytest-modssl httpds list" in capsys.readouterr().err


def test_offline_and_wrong_settings_of_the_environment_count_here_too(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTEST_MODSSL_OFFLINE", "1")
    assert main(["httpds", "fetch"]) == 1
    assert "offline mode forbids" in capsys.readouterr().err
    monkeypatch.setenv("PYTEST_MODSSL_OFFLINE", "perhaps")
    assert main(["httpds", "fetch"]) == 1
    assert "PYTEST_MODSSL_OFFLINE=perhaps: cannot take 'perhaps'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["httpds", "remove"], ["httpds", "remove", "x", "--all"], ["httpds", "nosuch"]])
def test_a_wrong_command_line_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: pytest-modssl httpds" in capsys.readouterr().err
