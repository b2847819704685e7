"""Runs of pytest on containers: how many are started, and that none is left, however a run ends."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.wait import until
from tests.plugin.inner import HOLD, KILLS_ITS_WORKER, inner_run

if TYPE_CHECKING:
    from pytest_modssl.targets.engine import Engine

pytest.importorskip("xdist")


class Containers(Protocol):
    def __call__(self, owner: str = "") -> list[str]: ...


@pytest.fixture
def containers(base: Path, engine: Engine, image: str, monkeypatch: pytest.MonkeyPatch) -> Containers:
    """Ids of the containers of the runs in this test's own registry, of owners in whose folder's name a text stands.

    The inner runs use the container target.
    """
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", "docker")

    def containers(owner: str = "") -> list[str]:
        found = engine.client.api.containers(all=True, filters={"label": ["org.pytest-modssl.owner"]})
        folders = {one["Id"]: Path(one["Labels"]["org.pytest-modssl.owner"]) for one in found}
        return [one for one, folder in folders.items() if folder.parent == base and owner in folder.name]

    return containers


COUNT = """
    import docker
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost

    @pytest.fixture(scope="module")
    def configs(modssl_ca):
        names = [f"h{n}.example.test" for n in range(10)]
        return [ServerConfig(VirtualHost(name, tls=modssl_ca.issue(name))) for name in names]

    @pytest.mark.parametrize("n", range(100))
    def test_it(configs, modssl_server_factory, n):
        server = modssl_server_factory(configs[n % 10])
        assert server.get(f"https://h{n % 10}.example.test/").status_code == 200
        with open("ids", "a") as file:
            print(server.instance._container.id, file=file)
"""


def test_a_hundred_tests_on_ten_configurations_start_one_container_a_worker(
    pytester: pytest.Pytester, containers: Containers
) -> None:
    pytester.makepyfile(COUNT)
    pytester.runpytest_subprocess("--modssl", "-n", "2").assert_outcomes(passed=100)
    assert len(set((pytester.path / "ids").read_text().split())) <= 2
    assert containers() == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_from_outside_leaves_no_container(
    pytester: pytest.Pytester, containers: Containers, number: signal.Signals
) -> None:
    pytester.makepyfile(HOLD)
    with inner_run(pytester.path, "-n", "0") as run:
        until((pytester.path / "ready").exists, seconds=60, what="the server")
        assert containers()
        run.send_signal(number)
        run.wait(timeout=60)
    until(lambda: not containers(), seconds=30, what="every container to be removed")


def test_a_worker_that_is_killed_leaves_no_container(pytester: pytest.Pytester, containers: Containers) -> None:
    pytester.makepyfile(KILLS_ITS_WORKER)
    result = pytester.runpytest_subprocess("--modssl", "-n", "2", "-p", "no:randomly")
    result.assert_outcomes(passed=7, failed=1)
    assert containers() == []
