from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.pki import CA

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def root() -> CA:
    return CA()


@pytest.fixture(scope="session")
def intermediate(root: CA) -> CA:
    return root.intermediate()


@pytest.fixture
def now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


@pytest.fixture
def key_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test's own; the folder that will hold the keys."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "pytest-modssl" / "keys"
