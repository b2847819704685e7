"""The same in containers; and the engine ends, which then is one of the test's own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import EngineError
from pytest_modssl.targets.engine import connect
from pytest_modssl.targets.engine_errors import engine_errors
from tests.faults.killing import Place
from tests.faults.rounds import AGAIN, CLEAN, CLEAR, INT, KILL, TERM, disturb_runs, end_runs, ending_workers
from tests.targets.engine_process import EngineProcess, copy_image, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.engine import Engine
    from tests.faults.conftest import Faults
    from tests.plugin.inner import Popen

pytest.importorskip("xdist")

_OWNER = "org.pytest-modssl.owner"


def place_on(engine: Engine, patch: pytest.MonkeyPatch) -> Place:
    """The suite in containers of an engine, in a place of its own."""
    folder = Path(tempfile.mkdtemp(prefix="modssl-", dir="/tmp"))
    folder.chmod(0o755)

    def containers(base: Path) -> list[str]:
        try:
            with engine_errors("look for containers"):
                found = engine.client.api.containers(all=True, filters={"label": [_OWNER]})
        except EngineError as error:  # one that has just been started again
            return [str(error)]
        return [one["Id"] for one in found if Path(one["Labels"][_OWNER]).parent == base]

    place = Place(folder, containers)
    place.set_environment(patch)
    return place


@pytest.fixture
def place(engine: Engine, image: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = place_on(engine, monkeypatch)
    yield place
    place.remove()


@pytest.mark.fault("pytest, in containers: SIGKILL, SIGTERM, Ctrl-C", CLEAN)
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_container_is_left_of_a_run_that_is_ended(place: Place, faults: Faults) -> None:
    end_runs(place, faults, faults.times(short=1, long=40), [KILL], [TERM], [INT])


@pytest.mark.fault("worker, in containers: SIGKILL, SIGTERM", AGAIN)
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_no_container_is_left_of_a_worker_that_is_ended(place: Place, faults: Faults) -> None:
    end = ending_workers(place, faults.random)
    disturb_runs(place, faults, faults.times(short=1, long=20), end, r"worker 'gw\d+' crashed", workers=2)


@pytest.mark.fault("container engine: SIGKILL, SIGTERM", CLEAR)
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_run_whose_engine_ends_says_so(
    engine: Engine, image: str, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = obstacle()
    if why is not None:
        pytest.skip(f"no second engine: {why}")
    path = os.environ["PATH"]
    process = EngineProcess()
    try:
        second = connect({"DOCKER_HOST": process.url})
        copy_image(image, engine, second)
        monkeypatch.setenv("DOCKER_HOST", process.url)
        place = place_on(second, monkeypatch)

        def end(run: Popen) -> str:
            one = faults.random.choice((KILL, TERM))
            os.kill(process.pid, one)
            return f"{one.name} of the engine"

        def revive() -> None:
            process._process.wait(60)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PATH", path)  # by which a place knows what is of its runs, and this is not
                process.revive()

        times = faults.times(short=1, long=20)
        disturb_runs(place, faults, times, end, "engine", per_run=1, mend=revive)
        second.close()
        place.remove()
    finally:
        process.close()
