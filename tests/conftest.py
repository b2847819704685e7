"""What tests of several folders share: servers that the plugin does not watch, runs of pytest within a test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import EngineError, HttpdNotFoundError
from pytest_modssl.httpd.installation import find_httpd, probe_installation
from pytest_modssl.plugin import run_of
from pytest_modssl.targets.engine import connect
from pytest_modssl.targets.images import image_for
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.engine import Engine


WITHOUT = ("no:hypothesispytest", "no:allure_pytest", "no:html", "no:metadata")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what uses no server of the run's target: it is the same on each."""
    for item in items:
        used = getattr(item, "fixturenames", ())
        if "modssl_target" not in used or "local_installation" in used:
            item.add_marker(pytest.mark.any_target)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Its runs do without plugins that cost much and do nothing there, and leave no compiled files.

    That of hypothesis would import all of it at the end of each, which takes a second of a processor (measured with
    hypothesis 6.170); allure-pytest and pytest-html take 0.05 s. With compiled files a test file could not be written
    again at once: Python takes two of one length and second for the same.
    """
    pytester.plugins += WITHOUT
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return pytester


@pytest.fixture(scope="session")
def local_installation(modssl_target: Target) -> Installation:
    """An httpd of this machine: that of the run where it is one, else the one that is found."""
    if isinstance(modssl_target, LocalTarget):
        return modssl_target.installation
    try:
        return probe_installation(find_httpd())
    except HttpdNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def local_target(local_installation: Installation) -> Iterator[LocalTarget]:
    """Starts servers of which the plugin knows nothing: a test may do to them what would fail it otherwise."""
    owner = Owner(new_run())
    yield LocalTarget(local_installation, owner, start_seconds=20)
    owner.close()


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


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The container engine of this machine; without one the test is skipped, unless the machine must have one."""
    try:
        found = connect()
    except EngineError as error:
        if "docker" in os.environ.get("PYTEST_MODSSL_REQUIRE", ""):
            raise
        pytest.skip(f"no container engine: {str(error).splitlines()[0]}")
    yield found
    found.close()


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """The default image, built where it is not there."""
    return image_for(engine, None, say=print)
