"""Recorded durations: written whole, read from files and folders, and refused where they are something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import DurationsError
from pytest_modssl.matrix.durations import read_durations, write_durations

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_written_is_read_again_whole_and_alike(tmp_path: Path) -> None:
    file = tmp_path / "new" / "durations.json"
    write_durations(file, {"b": 2.00001, "a @ local": 0.25})
    assert read_durations([file]) == {"a @ local": 0.25, "b": 2.0}
    before = file.read_bytes()
    write_durations(file, {"a @ local": 0.25, "b": 2.0})
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == ["durations.json"]


def test_a_folder_stands_for_its_files_and_the_last_counts(tmp_path: Path) -> None:
    write_durations(tmp_path / "part-1.json", {"a": 1.0, "b": 1.0})
    write_durations(tmp_path / "part-2.json", {"b": 2.0})
    assert read_durations([tmp_path]) == {"a": 1.0, "b": 2.0}
    assert read_durations([tmp_path / "part-2.json", tmp_path / "part-1.json"]) == {"a": 1.0, "b": 1.0}


def test_what_is_not_there_yet_adds_nothing(tmp_path: Path) -> None:
    assert read_durations([tmp_path / "none.json", tmp_path]) == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "another", "seconds": {}}',
        '{"format": "pytest-modssl durations 1", "seconds": []}',
        '{"format": "pytest-modssl durations 1", "seconds": {"a": "1"}}',
        '{"format": "pytest-modssl durations 1", "seconds": {"a": -1}}',
        '{"format": "pytest-modssl durations 1", "seconds": {"a": Infinity}}',
        '{"format": "pytest-modssl durations 1", "seconds": {"a": true}}',
    ],
)
def test_another_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: str) -> None:
    file = tmp_path / "durations.json"
    file.write_text(content)
    with pytest.raises(DurationsError, match=rf"{file}.*(remove it, or)"):
        read_durations([file])


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DurationsError, match="cannot record durations in"):
        write_durations(tmp_path / "file" / "durations.json", {})
