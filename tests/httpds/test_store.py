"""What is kept in the user's cache, and what is not taken for it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds import store
from pytest_modssl.httpds.store import Layout, Made
from tests.httpds.archive import HTTPD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Left = Callable[[], list[str]]


def make(folder: Path) -> Made:
    for name, text in (("bin/httpd", HTTPD), ("modules/mod_x.so", "")):
        (folder / name).parent.mkdir()
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return Made(layout=Layout(binary="bin/httpd", library_path=("lib",), variables={"X": "x"}), parts={"a": "1"})


def get(**options: bool) -> store.KeptHttpd:
    return store.get("source", "2.4.99", make, say=lambda _: None, **options)


def test_what_was_made_is_found_listed_and_removed(cache: Path, left: Left) -> None:
    assert store.kept_httpds() == []
    kept = get()
    assert kept.folder == store.folder_of("source", "2.4.99") == cache / "source-2.4.99"
    assert store.find("source", "2.4.99") == kept
    assert store.kept_httpds() == [kept]
    assert kept.installation().environment == {"X": f"{kept.folder}/x", "LD_LIBRARY_PATH": f"{kept.folder}/lib"}
    store.remove(kept)
    assert store.find("source", "2.4.99") is None
    assert left() == []


def test_one_whose_mod_ssl_cannot_be_loaded_is_not_kept(cache: Path, left: Left) -> None:
    """As of httpd 2.4.48 on OpenSSL 3, whose mod_ssl asks for a function that is gone."""

    def with_mod_ssl(folder: Path) -> Made:
        made = make(folder)
        (folder / "modules/mod_ssl.so").touch()
        refusal = "Cannot load mod_ssl.so into server: undefined symbol: ERR_GET_FUNC"
        program = HTTPD.replace("\n", f'\ncase "$*" in *ssl_module*) echo "{refusal}" >&2; exit 1;; esac\n', 1)
        (folder / made.layout.binary).write_text(program)
        return made

    with pytest.raises(FetchError, match=r"(?s)mod_ssl cannot be loaded.*undefined symbol: ERR_GET_FUNC.*What to do"):
        store.get("source", "2.4.99", with_mod_ssl, say=lambda _: None)
    assert left() == []


def test_it_is_made_again_only_when_that_is_asked_for(cache: Path, left: Left) -> None:
    first = get()
    (first.folder / "mark").touch()
    assert get() == first
    assert (first.folder / "mark").exists()
    assert not (get(again=True).folder / "mark").exists()
    assert left() == ["source-2.4.99"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "httpd.json").write_text("{"),
        lambda folder: (folder / "httpd.json").unlink(),
        lambda folder: _change(folder, format=0),
        lambda folder: _change(folder, made="yesterday"),
        lambda folder: _change(folder, choice="2.4.98"),
        lambda folder: (folder / "bin" / "httpd").unlink(),
        lambda folder: folder.chmod(0o777),
        lambda folder: (folder.rename(folder.with_name("x")), folder.symlink_to("x")),
    ],
    ids=["half", "none", "format", "date", "name", "program", "open", "link"],
)
def test_a_folder_that_is_no_whole_httpd_of_this_user_is_replaced(
    cache: Path, damage: Callable[[Path], object]
) -> None:
    folder = get().folder
    damage(folder)
    assert store.find("source", "2.4.99") is None
    assert get().httpd == "2.4.99"
    assert not folder.is_symlink()


def _change(folder: Path, **values: object) -> None:
    file = folder / "httpd.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_what_somebody_else_made_is_not_run_but_what_root_made_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = get().folder
    os.chown(folder, 65534, -1)
    assert store.find("source", "2.4.99") is None
    os.chown(folder, 0, -1)
    monkeypatch.setattr("os.geteuid", lambda: 65534)
    assert store.find("source", "2.4.99") is not None


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_whatever_the_umask_all_may_read_it_and_nobody_else_may_write_it(cache: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = get().folder
    finally:
        os.umask(before)
    for path in [folder, *folder.rglob("*")]:
        mode = path.stat().st_mode
        assert not mode & 0o022, path
        assert not path.is_dir() or mode & 0o055 == 0o055, path
    assert (folder / "httpd.json").stat().st_mode & 0o044


def test_making_that_fails_leaves_what_was_there(cache: Path, left: Left) -> None:
    kept = get()

    def fails(folder: Path) -> Made:
        (folder / "half").touch()
        raise FetchError("broken")

    with pytest.raises(FetchError, match="broken"):
        store.get("source", "2.4.99", fails, say=lambda _: None, again=True)
    assert store.find("source", "2.4.99") == kept
    assert left() == ["source-2.4.99"]


def test_an_interruption_leaves_nothing(cache: Path, left: Left) -> None:
    def interrupted(folder: Path) -> Made:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.get("source", "2.4.99", interrupted, say=lambda _: None)
    assert left() == []


def test_what_a_killed_making_of_another_left_is_removed_but_not_what_is_being_made(cache: Path, left: Left) -> None:
    from filelock import FileLock

    for name in (".debian-sid.abc", ".debian-trixie.def", ".source-2.4.99.ghi"):
        (cache / name / "half").mkdir(parents=True)
    with FileLock(cache / "debian-sid.lock"):
        get()
        assert left() == [".debian-sid.abc", "source-2.4.99"]


def test_without_a_folder_of_ones_own_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"pytest-modssl-httpds-{os.geteuid()}").symlink_to(tmp_path)
    with pytest.raises(
        FetchError, match=r"neither /dev/null/pytest-modssl/httpds nor .*What to do: set XDG_CACHE_HOME"
    ):
        get()
    assert store.kept_httpds() == []


def test_where_the_cache_cannot_be_written_temporary_files_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = get()
    assert kept.folder.parent == tmp_path / f"pytest-modssl-httpds-{os.geteuid()}"
    assert store.kept_httpds() == [kept]
    store.remove(kept)


def test_one_that_does_not_run_any_more_says_how_to_make_it_anew(cache: Path) -> None:
    kept = get()
    (kept.folder / "bin" / "httpd").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(FetchError, match=r"does not run\. What to do: .*httpds fetch --again source:2\.4\.99"):
        kept.installation()
