"""`pytest-modssl report`, as it is called in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation

CONFIGURATION = """\
ServerRoot {folder}
ServerName localhost
LoadModule {mpm}_module {mpm_file}
LoadModule env_module {env_file}
SetEnv DB_PASSWORD ${{APACHE_SECRET_WORD}}
ErrorLog error.log
Listen 127.0.0.1:8443
{last}
"""


@pytest.fixture
def file(local_installation: Installation, tmp_path: Path) -> Path:
    """A configuration as Debian's are: with variables that a script sets, which stands beside it."""
    modules = local_installation.loadable
    if "mpm_event" not in modules or "env" not in modules:
        pytest.skip("an httpd with modules compiled in")
    (tmp_path / "envvars").write_text("export APACHE_SECRET_WORD=geheim-4711\n")
    (tmp_path / "error.log").write_text("[Wed] an old line\n[Wed] the word was geheim-4711\n")
    main_file = tmp_path / "httpd.conf"
    main_file.write_text(
        CONFIGURATION.format(
            folder=tmp_path, mpm="mpm_event", mpm_file=modules["mpm_event"], env_file=modules["env"], last=""
        )
    )
    return main_file


def test_an_httpd_is_reported_with_versions_build_and_where_to_send_it(
    capsys: pytest.CaptureFixture[str], local_installation: Installation
) -> None:
    assert main(["report", "--target", "local"]) == 0
    told = capsys.readouterr().out
    for part in (
        f"httpd {local_installation.version}",
        "Server built:",
        "Compiled in modules",
        "users@httpd",
    ):
        assert part in told


def test_a_configuration_is_reported_as_httpd_reads_it_without_what_is_secret(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    assert main(["report", "--target", "local", "--config", str(file)]) == 0
    told = capsys.readouterr().out
    assert f"SetEnv DB_PASSWORD [removed]  # {file}:5" in told
    assert "env_module (shared)" in told
    assert "the word was [removed]" in told
    assert "geheim" not in told


def test_a_configuration_that_httpd_refuses_is_diagnosed_at_its_line(
    capsys: pytest.CaptureFixture[str], file: Path
) -> None:
    file.write_text(f"{file.read_text()}SSLFoo on\n")
    number = len(file.read_text().splitlines())
    assert main(["report", "--target", "local", "--config", str(file)]) == 0
    told = capsys.readouterr().out
    assert "(unknown-directive)" in told
    assert f"at {file}:{number}: SSLFoo on" in told


def test_it_is_written_to_a_file(capsys: pytest.CaptureFixture[str], file: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.txt"
    assert main(["report", "--target", "local", "--config", str(file), "--output", str(output)]) == 0
    assert capsys.readouterr().out == ""
    assert output.read_text().startswith("Bug report made by pytest-modssl")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "/no/such/file"], "/no/such/file cannot be read where httpd is"),
        (["--target", "nonsense"], "'nonsense' is none of auto, local"),
        (["--output", "/no/such/folder/report"], "cannot write the report to /no/such/folder/report"),
    ],
)
def test_what_cannot_be_done_is_told(
    capsys: pytest.CaptureFixture[str], local_installation: object, arguments: list[str], said: str
) -> None:
    assert main(["report", *arguments]) == 1
    assert said in capsys.readouterr().err


def test_a_configuration_and_tests_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", "--config", "/x", "test_it.py"])
    assert "--config is for a report without tests" in capsys.readouterr().err


def test_a_failing_test_is_run_and_reported_and_the_last_failure_too(
    capfd: pytest.CaptureFixture[str],
    local_installation: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(
        "def test_bad(modssl_server):\n"
        "    assert modssl_server.get('https://www.example.test/').status_code == 201\n"
        "def test_good(modssl_server):\n"
        "    assert modssl_server.get('https://www.example.test/').status_code == 200\n"
    )
    for arguments in (["test_it.py"], ["--last-failed"]):
        assert main(["report", *arguments, "--target", "local"]) == 0
        told = capfd.readouterr().out
        assert told.startswith("Bug report made by")
        assert "test: test_it.py::test_bad" in told
        assert told.count("Where to send it") == 1
    assert main(["report", "test_it.py::test_good", "--target", "local"]) == 1
    assert "no test failed, so there is nothing to report" in capfd.readouterr().err
