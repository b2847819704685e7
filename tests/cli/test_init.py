"""`pytest-modssl init`: what it writes passes on a healthy repository, and it overwrites nothing."""

from __future__ import annotations

import io
import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_modssl._data import fixture
from pytest_modssl.cli import main
from pytest_modssl.repo.discover import discover
from pytest_modssl.repo.starting import Known, read
from tests.cli.answers import differing, documented

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation

NAMES = [f"{name}.freight.example" for name in ("app", "api", "customs", "blog", "status")]
FRAGMENT = """\
<VirtualHost *:80>
    ServerName {name}.example
</VirtualHost>
"""


@pytest.fixture
def without_httpd(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has none."""
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", f"local:{tmp_path}/no/httpd")


def one_host(folder: Path, *, name: str = "www") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.conf").write_text(FRAGMENT.format(name=name))
    return folder


def test_the_tests_that_it_writes_pass(
    pytester: pytest.Pytester, local_installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"local:{local_installation.binary}"
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", target)
    clinic = pytester.path / "clinic"
    shutil.copytree(fixture("repos/clinic"), clinic)
    assert main(["init", str(clinic)]) == 0
    monkeypatch.chdir(clinic)
    written = (clinic / "tests/test_httpd.py").read_text()
    assert '("staff.clinic.example", 443),' in written.partition("BY_CERTIFICATE = [")[2].partition("]")[0]
    result = pytester.runpytest_inprocess("--modssl", "tests")
    result.assert_outcomes(passed=7)
    result.stdout.fnmatch_lines(["modssl: config apache2.conf (ini modssl_config)"])


@pytest.mark.usefixtures("without_httpd")
def test_without_an_httpd_the_files_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gateway = tmp_path / "gateway"
    shutil.copytree(fixture("repos/gateway"), gateway)
    (gateway / "pytest.ini").unlink()
    assert main(["init", str(gateway)]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == [f"wrote {gateway}/tests/test_httpd.py", f"wrote {gateway}/pytest.ini"]
    assert "httpd does not tell its virtual hosts (" in told.err
    assert (gateway / "pytest.ini").read_text() == "[pytest]\nmodssl_config =\n    conf/httpd.conf\n"
    hosts = read(discover(gateway).found[0])
    assert hosts[0] == Known(name="www.freight.example", port=80, tls=False)
    assert [one.name for one in hosts if one.tls][2:] == NAMES


def test_a_target_that_is_named_must_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_host(tmp_path)
    assert main(["init", str(tmp_path), "--target", f"local:{tmp_path}/no/httpd"]) == 1
    assert "no/httpd" in capsys.readouterr().err
    assert main(["init", str(tmp_path), "--target", "remote"]) == 1
    assert "'remote' is none of auto, local" in capsys.readouterr().err
    assert not (tmp_path / "tests").exists()


@pytest.mark.usefixtures("without_httpd")
def test_several_configurations_get_a_file_each_that_names_its_own(tmp_path: Path) -> None:
    one_host(tmp_path / "a/vhosts")
    one_host(tmp_path / "b/vhosts", name="shop")
    assert main(["init", str(tmp_path)]) == 0
    assert {path.name for path in (tmp_path / "tests").iterdir()} == {"test_a_vhosts.py", "test_b_vhosts.py"}
    text = (tmp_path / "tests/test_b_vhosts.py").read_text()
    compile(text, "test_b_vhosts.py", "exec")
    assert 'return modssl_repo_factory("b/vhosts")' in text
    assert 'PLAIN = [\n    "http://shop.example/",\n]\n' in text
    assert (tmp_path / "pytest.ini").read_text() == "[pytest]\nmodssl_config =\n    a/vhosts\n    b/vhosts\n"


@pytest.mark.usefixtures("without_httpd")
def test_configurations_with_names_that_are_alike_have_a_file_each(tmp_path: Path) -> None:
    for name in ("a-b", "a_b", "a.b"):
        one_host(tmp_path / name / "vhosts", name=name)
    assert main(["init", str(tmp_path)]) == 0
    texts = {path.name: path.read_text() for path in (tmp_path / "tests").iterdir()}
    assert set(texts) == {"test_a_b_vhosts.py", "test_a_b_vhosts_2.py", "test_a_b_vhosts_3.py"}
    assert all(any(f"http://{name}.example/" in text for text in texts.values()) for name in ("a-b", "a_b", "a.b"))


@pytest.mark.usefixtures("without_httpd")
def test_what_the_encoding_of_the_output_has_not_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_host(tmp_path / "\u6f22/vhosts")
    output = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", output)
    assert main(["init", str(tmp_path), "--dry-run"]) == 0
    output.seek(0)
    assert r"\u6f22/vhosts" in output.read()


@pytest.mark.usefixtures("without_httpd")
def test_nothing_is_overwritten_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_host(tmp_path)
    (tmp_path / "tests").mkdir()
    test_file = tmp_path / "tests/test_httpd.py"
    test_file.write_text("# ours\n")
    assert main(["init", str(tmp_path)]) == 1
    assert f"{test_file}: there already, so nothing is written" in capsys.readouterr().err
    assert test_file.read_text() == "# ours\n"
    assert not (tmp_path / "pytest.ini").exists()
    assert main(["init", str(tmp_path), "--dry-run"]) == 0
    assert "# tests/test_httpd.py\n" in capsys.readouterr().out
    assert test_file.read_text() == "# ours\n"
    assert main(["init", str(tmp_path), "--force"]) == 0
    assert "http://www.example/" in test_file.read_text()


@pytest.mark.usefixtures("without_httpd")
def test_what_is_written_is_had_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_host(tmp_path)
    for arguments, written in ((["--dry-run"], False), ([], True)):
        assert main(["init", str(tmp_path), "--json", *arguments]) == 0
        out = capsys.readouterr().out
        assert differing(out, documented("init")) == set()
        told = json.loads(out)
        assert [one["written"] for one in told["files"]] == [written, written]
        assert told["settings"] == str(tmp_path / "pytest.ini")
        assert told["add"] is None
        assert (tmp_path / "pytest.ini").exists() == written
    assert {one["file"]: one["text"] for one in told["files"]} == {
        str(path): path.read_text() for path in (tmp_path / "tests/test_httpd.py", tmp_path / "pytest.ini")
    }
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    assert main(["init", str(tmp_path), "--json", "--force"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["add"] == "[pytest]\nmodssl_config =\n    www.conf\n"
    assert "add to it" not in err


@pytest.mark.parametrize(
    ("name", "text", "table", "value"),
    [
        ("pytest.ini", "", "[pytest]", "\n    www.conf"),
        ("tox.ini", "[pytest]\n", "[pytest]", "\n    www.conf"),
        ("setup.cfg", "[tool:pytest]\n", "[tool:pytest]", "\n    www.conf"),
        ("pytest.toml", "", "[pytest]", ' ["www.conf"]'),
        ("pyproject.toml", "[tool.pytest]\n", "[tool.pytest]", ' ["www.conf"]'),
        ("pyproject.toml", "[tool.pytest.ini_options]\n", "[tool.pytest.ini_options]", ' ["www.conf"]'),
    ],
)
@pytest.mark.usefixtures("without_httpd")
def test_a_configuration_file_of_pytest_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, name: str, text: str, table: str, value: str
) -> None:
    file = one_host(tmp_path) / name
    file.write_text(text)
    assert main(["init", str(tmp_path)]) == 0
    setting = f"modssl_config ={value}\n"
    assert f"{file} is left as it is; add to it:\n{table}\n{setting}" in capsys.readouterr().err
    assert file.read_text() == text
    file.write_text(f"{table}\n{setting}")
    assert main(["init", str(tmp_path), "--force"]) == 0
    assert "add to it" not in capsys.readouterr().err


@pytest.mark.usefixtures("without_httpd")
def test_files_that_are_none_of_pytest_do_not_count(tmp_path: Path) -> None:
    one_host(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "tox.ini").write_text("not an ini file at all\n")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / "pytest.ini").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{folder}"], "holds no configuration of httpd that could be run"),
        (["{folder}/nowhere"], "is no folder"),
        (["{folder}", "--config", "gone.conf"], "named as configuration, is not there"),
    ],
)
def test_what_cannot_be_done_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["init", *(word.format(folder=tmp_path) for word in words)]) == 1
    assert said in capsys.readouterr().err
