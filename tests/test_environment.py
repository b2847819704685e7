"""What of the environment programs get."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.environment import environment
from pytest_modssl.httpd.runner import run_here

if TYPE_CHECKING:
    import pytest


def test_programs_get_what_they_need_and_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN", "secret-4711")
    monkeypatch.setenv("GIT_DIR", "/x")
    monkeypatch.setenv("TZ", "UTC")
    assert {"A_TOKEN", "GIT_DIR"}.isdisjoint(environment())
    assert environment("GIT_*")["GIT_DIR"] == "/x"
    assert environment()["TZ"] == "UTC"
    assert "secret-4711" not in run_here(["env"]).stdout
    assert "MORE=1" in run_here(["env"], env={"MORE": "1"}).stdout
