"""Runs of pytest within these tests use the target that the tests themselves run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl.targets.local import LocalTarget

if TYPE_CHECKING:
    from pytest_modssl.targets.base import Target


@pytest.fixture
def outer_target(modssl_target: Target, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The target of this session, which inner runs take as their own unless told otherwise."""
    inner = f"local:{modssl_target.installation.binary}" if isinstance(modssl_target, LocalTarget) else "docker"
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", inner)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return modssl_target
