"""Runs of pytest within these tests use the target that the tests themselves run on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.plugin import run_of
from pytest_modssl.targets.registry import default_base, remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.base import Target


@pytest.fixture
def outer_target(modssl_target: Target, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The target of this session, which inner runs take as their own unless told otherwise."""
    run = run_of(request.config)
    assert run is not None
    inner = next(
        choice.name for target, choice in zip(run.targets, run.choices, strict=True) if target is modssl_target
    )
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", inner)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return modssl_target


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A registry of this test's runs alone, on the local target, so that other runs on this machine do not disturb."""
    folder = Path(tempfile.mkdtemp(prefix="modssl-", dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", "local")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    yield folder / default_base().name
    remove_folder(folder)
