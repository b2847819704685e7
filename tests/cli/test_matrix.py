"""`pytest-modssl matrix`: the targets that pytest itself would take in a folder, in the form that was asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTEST_MODSSL_TARGET", "PYTEST_MODSSL", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest_modssl", "matrix", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_ini_of_the_folder_is_read_as_pytest_reads_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\nmodssl = "true"\nmodssl_target = ["debian:trixie", "local"]\n'.replace(
            "debian:trixie", "docker:modssl/debian:trixie"
        )
    )
    (tmp_path / "conftest.py").write_text("print('noise')")
    (tmp_path / "tests").mkdir()
    run = command(tmp_path / "tests", "--format", "github", "--shards", "2")
    assert (run.returncode, run.stderr) == (0, "")
    jobs = json.loads(run.stdout)["include"]
    assert [(job["target"], job["shard"]) for job in jobs] == [
        (target, shard) for target in ("docker:modssl/debian:trixie", "local") for shard in ("1/2", "2/2")
    ]


def test_addopts_win_over_ini_and_another_folder_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --modssl-target=local:/opt/httpd --modssl-target local\nmodssl_target = docker\n"
    )
    assert main(["matrix", str(tmp_path)]) == 0
    assert [job["target"] for job in json.loads(capsys.readouterr().out)] == ["local:/opt/httpd", "local"]


def test_without_targets_there_is_one_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    assert main(["matrix", str(tmp_path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"name": "auto", "target": "auto"}]


@pytest.mark.parametrize(
    ("ini", "told"),
    [
        ("[pytest]\nmodssl_target = nonsense\n", "ini modssl_target: cannot take 'nonsense'"),
        ("[pytest]\naddopts = --no-such-option\n", "--no-such-option"),
    ],
)
def test_a_wrong_configuration_is_told_as_pytest_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ini: str, told: str
) -> None:
    (tmp_path / "pytest.ini").write_text(ini)
    assert main(["matrix", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"pytest-modssl: pytest refuses the configuration of {tmp_path}: ")
    assert told in printed.err


def test_a_folder_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["matrix", "/nowhere/at/all"]) == 1
    assert capsys.readouterr().err == "pytest-modssl: /nowhere/at/all is no folder\n"


@pytest.mark.parametrize("shards", ["0", "257", "many"])
def test_a_number_of_parts_that_cannot_be_is_wrong_usage(shards: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["matrix", "--shards", shards])
    assert caught.value.code == 2
    assert "--shards" in capsys.readouterr().err
