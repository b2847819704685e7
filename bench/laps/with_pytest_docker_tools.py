"""pytest-docker-tools: its fixture for a container, in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pytest_docker_tools import container

from bench.laps.lap import job

if TYPE_CHECKING:
    from collections.abc import Iterator

lap = job()

httpd = container(
    image=lap.image,
    command=[*lap.command, "-DFOREGROUND"],
    ports={"443/tcp": ("127.0.0.1", None)},
    volumes={lap.folder: {"bind": lap.root, "mode": "rw"}},
)


@pytest.fixture
def ended() -> Iterator[None]:
    """Set up before the container, so it ends after it."""
    yield
    lap.stopped()


@pytest.mark.usefixtures("ended")
def test_lap(request: pytest.FixtureRequest) -> None:
    lap.mark()
    server: Any = request.getfixturevalue("httpd")
    lap.started(("127.0.0.1", server.ports["443/tcp"][0]), server.exec_run)
