"""`pytest-modssl doctor`: what is there is told, and of what is not, what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.cli import main
from pytest_modssl.httpds import debian
from tests.cli.answers import differing, documented

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation


def test_an_httpd_of_this_machine_is_told_with_its_versions(
    local_installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(local_installation.binary.parent), prepend=":")
    assert main(["doctor"]) == 0
    assert f"httpd {local_installation.version} with OpenSSL" in capsys.readouterr().out


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine that has nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("pytest_modssl.httpd.installation.CANDIDATES", ())
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")


@pytest.mark.usefixtures("bare")
def test_what_is_missing_is_told_with_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor", "--json"])
    out = capsys.readouterr().out
    assert differing(out, documented("doctor")) == set()
    told = {one["what"]: one for one in json.loads(out)}
    assert not told["local"]["ok"]
    assert "no httpd found" in told["local"]["seen"]
    assert not told["docker"]["ok"]
    assert told["gdb"] == {
        "what": "gdb",
        "kind": "program",
        "ok": False,
        "seen": "for backtraces of an httpd that crashes (--modssl-backtrace)",
        "advice": "install Debian's gdb",
    }
    assert told["pytest-xdist"]["ok"]


@pytest.mark.usefixtures("bare")
def test_where_no_server_can_run_the_status_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(debian, "why_not_here", lambda: "this is a toaster")
    assert main(["doctor"]) == 1
    assert "missing  debian         this is a toaster\n" in capsys.readouterr().out


def test_ports_that_may_not_be_bound_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pytest_modssl.targets.addresses._can_bind", lambda *_: False)
    main(["doctor", "--json"])
    (ports,) = [one for one in json.loads(capsys.readouterr().out) if one["kind"] == "machine"]
    assert not ports["ok"]
    assert "ip_unprivileged_port_start" in ports["advice"]
