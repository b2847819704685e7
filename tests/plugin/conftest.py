"""Runs of pytest that leave nothing, seen in a registry of their own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.targets.registry import default_base, remove_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.base import Target
    from tests.plugin.inner import RunPytest


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


@pytest.fixture
def run(pytester: pytest.Pytester, outer_target: Target) -> RunPytest:
    """Runs pytest with the plugin on a test file, in a process of its own and in the order of the file."""

    def run(source: str, *args: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        alone = () if any(one.startswith("-n") for one in args) else ("-p", "no:xdist")
        return pytester.runpytest_subprocess("--modssl", "-p", "no:randomly", *alone, *args)

    return run
