"""Containers whose owner dies, or is interrupted, before they have a process that could notice: they are removed.

What becomes of their folders is in `test_registry`.
"""

from __future__ import annotations

import contextlib
import http.client
import signal
import subprocess
import sys
import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import psutil
import pytest

from pytest_modssl.targets.container import Container
from pytest_modssl.targets.container_target import ContainerTarget
from pytest_modssl.targets.registry import Owner, new_run
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.targets.engine import Engine

OWNER = """
    import http.client, os, signal, sys
    from pathlib import Path
    from pytest_modssl.targets.container import Container
    from pytest_modssl.targets.container_target import ContainerTarget
    from pytest_modssl.targets.engine import connect
    from pytest_modssl.targets.registry import Owner

    owner = Owner("run1", base=Path(sys.argv[1]))
    print(owner.folder, flush=True)
    target = ContainerTarget(connect(), sys.argv[2], owner, start_seconds=20)
    create = Container._create

    def ask(*args):
        http.client.HTTPConnection.getresponse = die
        create(*args)

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    match sys.argv[3]:
        case "created": Container._attach = die
        case "asked": Container._create = ask
    target._new(frozenset())
"""


class Containers(Protocol):
    def __call__(self, folder: object) -> tuple[int, list[str]]: ...


@pytest.fixture
def containers(engine: Engine) -> Containers:
    """Tells of an owner, by its folder, how many containers were created in this test, and which of them are there."""
    api = engine.client.api

    def now() -> int:
        return int(datetime.fromisoformat(f"{api.info()['SystemTime'][:19]}+00:00").timestamp())

    began = now()

    def containers(folder: object) -> tuple[int, list[str]]:
        label = {"label": [f"org.pytest-modssl.owner={folder}"]}
        events = api.events(since=began, until=now() + 1, filters={**label, "event": ["create"]}, decode=True)
        return len(list(events)), [one["Id"] for one in api.containers(all=True, filters=label)]

    return containers


@pytest.mark.parametrize("moment", ["asked", "created"])
def test_a_container_whose_owner_is_killed_before_it_starts_is_removed(
    engine: Engine, image: str, base: Path, containers: Containers, moment: str
) -> None:
    command = [sys.executable, "-c", textwrap.dedent(OWNER), str(base), image, moment]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == -signal.SIGKILL
    # One looked at the image.
    until(lambda: containers(ran.stdout.strip()) == (2, []), seconds=10, what="both containers to be made and removed")


def test_a_container_whose_creation_is_interrupted_is_removed_when_its_target_closes(
    engine: Engine, image: str, owner: Owner, containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = ContainerTarget(engine, image, owner, start_seconds=20)
    create = Container._create

    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    def interrupted(*args: object) -> str:
        with monkeypatch.context() as patch:
            patch.setattr(http.client.HTTPConnection, "getresponse", interrupt)
            return create(*args)  # type: ignore[arg-type] # passed on as they are

    with monkeypatch.context() as patch:
        patch.setattr(Container, "_create", interrupted)
        with pytest.raises(KeyboardInterrupt):
            target._new(frozenset())
    target._new(frozenset())  # as the next test may
    target.close()
    assert containers(owner.folder) == (3, [])


def wills(owner: Owner) -> list[psutil.Process]:
    """The shells of the last will that an owner of this process has; other children may just be ending."""
    children = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    found = []
    for one in children:
        with contextlib.suppress(psutil.Error):
            if str(owner.folder) in one.cmdline():
                found.append(one)
    return found


def test_an_owner_that_is_closed_leaves_no_process(base: Path) -> None:
    owner = Owner(new_run(), base=base)
    assert len(wills(owner)) == 1
    owner.close()
    assert wills(owner) == []


def test_one_whose_will_was_ended_closes_all_the_same(base: Path) -> None:
    owner = Owner(new_run(), base=base)
    for one in wills(owner):
        one.kill()
        one.wait()
    owner.close()
    assert [path.name for path in base.iterdir()] == ["registry.lock"]
