"""Runs of pytest that leave nothing, seen in a registry of their own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.targets.registry import default_base, remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


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
