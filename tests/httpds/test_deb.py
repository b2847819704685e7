"""Files out of packages, and packages that are none."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds.deb import unpack
from tests.httpds.archive import ar, deb

if TYPE_CHECKING:
    from pathlib import Path


def everything(_: str) -> bool:
    return True


def test_folders_that_were_merged_into_usr_are_put_there(tmp_path: Path) -> None:
    unpack(deb({"lib/x.so.1": "x", "usr/lib/y.so": "y", "sbin/z": "z", "etc/c": "c"}), tmp_path, wanted=everything)
    assert sorted(str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()) == [
        "etc/c",
        "usr/lib/x.so.1",
        "usr/lib/y.so",
        "usr/sbin/z",
    ]


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("usr/lib/a.so -> ../../lib/real.so", "real.so"),
        ("lib/a.so -> /usr/lib/real.so", "real.so"),
        ("lib/a.so -> ../../../../../lib/real.so", "real.so"),
        ("etc/alternatives/a -> /lib/real.so", "../../usr/lib/real.so"),
    ],
)
def test_a_link_points_to_where_it_would_on_a_system_of_its_own(tmp_path: Path, link: str, target: str) -> None:
    name, _, pointed = link.partition(" -> ")
    unpack(deb({name: f"-> {pointed}", "lib/real.so": "real"}), tmp_path, wanted=everything)
    (found,) = [one for one in tmp_path.rglob("*") if one.is_symlink()]
    assert str(found.readlink()) == target
    assert found.read_text() == "real"


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        one, other = tarfile.TarInfo("./lib/one"), tarfile.TarInfo("./lib/other")
        one.size, other.type, other.linkname = 4, tarfile.LNKTYPE, "./lib/one"
        tar.addfile(one, io.BytesIO(b"text"))
        tar.addfile(other)
    unpack(ar({"debian-binary": b"2.0\n", "data.tar.gz": data.getvalue()}), tmp_path, wanted=everything)
    assert (tmp_path / "usr/lib/other").read_bytes() == b"text"


@pytest.mark.parametrize("name", ["../outside", "lib/../../outside", "/../outside"])
def test_a_file_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FetchError, match="leaves its folder"):
        unpack(deb({name: "x"}), tmp_path / "inner", wanted=everything)
    assert not (tmp_path / "outside").exists()


def test_a_file_behind_a_link_stays_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    inner = tmp_path / "inner"
    unpack(deb({"usr/d": f"-> {tmp_path}/outside", "usr/e": "-> ../../../outside"}), inner, wanted=everything)
    for name in ("d", "e"):
        with pytest.raises(OSError, match=r"exists|No such file"):
            unpack(deb({f"usr/{name}/file": "x"}), inner, wanted=everything)
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"!<arch>\n" + b"x" * 60,
        ar({"debian-binary": b"2.0\n"}),
        ar({"data.tar.xz": b"no tar"}),
        deb({"usr/x": "x" * 1000})[:-30],
        ar({"data.tar.zst": b"\x28\xb5\x2f\xfd"}),
    ],
)
def test_what_is_no_package_is_told(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FetchError, match="a package cannot be unpacked"):
        unpack(content, tmp_path, wanted=everything)


@given(st.binary(max_size=300))
def test_rubbish_ends_in_one_error(rubbish: bytes) -> None:
    from pathlib import Path

    for content in (rubbish, b"!<arch>\n" + rubbish, ar({"data.tar.xz": rubbish})):
        with pytest.raises(FetchError):
            unpack(content, Path("/nonexistent"), wanted=everything)
