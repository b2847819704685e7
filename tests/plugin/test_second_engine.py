"""Runs of pytest on an engine that is reached over TCP, and what becomes of them when that engine ends or hangs."""

from __future__ import annotations

import os
import re
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import _data
from pytest_modssl.errors import EngineError
from pytest_modssl.targets.engine import connect
from pytest_modssl.targets.images import image_for
from pytest_modssl.wait import until
from tests.targets.engine_process import EngineProcess, copy_image, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.targets.engine import Engine

pytest.importorskip("xdist")


@pytest.fixture(scope="module")
def process() -> Iterator[EngineProcess]:
    """A second engine, which has the default image."""
    why = obstacle()
    if why is not None:
        if "docker" in os.environ.get("PYTEST_MODSSL_REQUIRE", ""):
            raise EngineError(f"a second engine cannot be had: {why}", reason="absent")
        pytest.skip(f"no second engine: {why}")
    process = EngineProcess()
    try:
        first, second = connect(), connect({"DOCKER_HOST": process.url})
        copy_image(image_for(first, None, say=print), first, second)
        first.close()
        second.close()
        yield process
    finally:
        process.close()


@pytest.fixture
def second(process: EngineProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The second engine, which is the one that runs within the test use; it has no containers after them."""
    monkeypatch.setenv("DOCKER_HOST", process.url)
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", "docker")
    engine = connect()
    yield engine
    engine.close()


def _volumes(engine: Engine) -> set[str]:
    return {volume["Name"] for volume in engine.client.api.volumes()["Volumes"] or ()}


def test_the_sample_repository_passes_on_an_engine_on_a_port_and_leaves_nothing(
    pytester: pytest.Pytester, base: Path, second: Engine
) -> None:
    shutil.copytree(_data.fixture("repos/shop"), pytester.path, dirs_exist_ok=True)
    (pytester.path / "conftest.py").write_text(
        "import pytest\n"
        "@pytest.fixture(autouse=True)\n"
        "def published(modssl_server):\n"
        "    yield\n"
        "    with open('ports', 'a') as file:\n"
        "        print(*modssl_server.address(443), file=file)\n"
    )
    before = _volumes(second)  # an engine that another test killed keeps those that it had
    result = pytester.runpytest_subprocess("--modssl", "-p", "no:cacheprovider")
    assert result.ret == 0
    result.assert_outcomes(passed=21)
    result.stdout.fnmatch_lines([f"modssl: docker-* on docker * at {os.environ['DOCKER_HOST']} (DOCKER_HOST)*"])
    assert {line.split()[0] for line in (pytester.path / "ports").read_text().splitlines()} == {"127.0.0.1"}
    assert second.client.api.containers(all=True) == []
    until(lambda: _volumes(second) <= before, seconds=30, what="the container's volume to be removed")


SPREAD = """
    import pytest

    @pytest.mark.parametrize("n", range(8))
    def test_it(modssl_server, modssl_target, worker_id, n):
        assert modssl_server.get("https://www.example.test/").status_code == 200
        with open(f"engine-{worker_id}", "w") as file:
            print(modssl_target.description, file=file)
"""


@pytest.mark.usefixtures("base")
def test_workers_take_engines_in_turn_and_leave_nothing_on_either(
    pytester: pytest.Pytester, process: EngineProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_MODSSL_TARGET", "docker")
    first, second = connect(), connect({"DOCKER_HOST": process.url})
    url = first.description.split(" at ")[1].split()[0]
    url = f"unix://{url}" if url.startswith("/") else url
    pytester.makepyfile(SPREAD)
    result = pytester.runpytest_subprocess(
        "--modssl", f"--modssl-engine={url}", f"--modssl-engine={process.url}", "-n", "2", "-p", "no:randomly"
    )
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines([f"modssl: enabled by *engine {url}, {process.url} (--modssl-engine)"])
    told = [(pytester.path / f"engine-gw{number}").read_text() for number in (0, 1)]
    assert url.removeprefix("unix://") in told[0]
    assert process.url in told[1]
    assert second.client.api.containers(all=True) == []
    first.close()
    second.close()


TESTS = """
    import os
    import signal
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost

    @pytest.fixture(scope="module")
    def configs(modssl_ca):
        names = [f"h{{n}}.test" for n in range(3)]
        return [ServerConfig(VirtualHost(name, tls=modssl_ca.issue(name))) for name in names]

    @pytest.mark.parametrize("n", range(12))
    def test_it(configs, modssl_server_factory, n):
        server = modssl_server_factory(configs[n % 3])
        if n == 4:
            os.kill({pid}, {number})
        assert server.get(f"https://h{{n % 3}}.test/").status_code == 200
"""

# The times that a slow engine is given, cut short.
IMPATIENT = """
    from pytest_modssl.targets import container, container_target, engine

    container._ANSWER_SECONDS = container_target._CLOSE_SECONDS = 1
    container._REASON_SECONDS = 1
    engine._CALL_SECONDS = 2
"""


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.long)], ids=["alone", "two-workers"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_an_engine_that_ends_or_hangs_fails_the_tests_and_ends_the_run(
    pytester: pytest.Pytester, process: EngineProcess, second: Engine, number: signal.Signals, workers: int
) -> None:
    pytester.makeconftest(IMPATIENT)
    pytester.makepyfile(TESTS.format(pid=process.pid, number=int(number)))
    try:
        result = pytester.runpytest_subprocess(
            "--modssl", "--tb=short", "-n", str(workers), "-p", "no:randomly", "-rf", timeout=100
        )
    finally:
        process.revive()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] + outcomes["failed"] + outcomes.get("errors", 0) == 12
    assert outcomes["failed"] >= 5
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    result.stderr.no_fnmatch_line("*")
    words = "engine has ended|engine broke off" if number == signal.SIGKILL else "the engine does not answer"
    told = [line for line in result.outlines if line.startswith("E  ") and re.search(words, line)]
    assert len(told) >= outcomes["failed"] + outcomes.get("errors", 0), told
    assert not [line for line in result.outlines if "another exception" in line or "direct cause" in line]
    until(lambda: not second.client.api.containers(all=True), seconds=10, what="the containers to be removed")
