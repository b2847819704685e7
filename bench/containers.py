"""How fast servers in containers are there, against the client library of the engine alone, and how many it takes."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from bench import boxes
from bench.figures import Figure, medians, seconds
from bench.place import NAME, NotMeasured
from bench.suites import run_pytest, write_suite
from pytest_modssl.errors import EngineError
from pytest_modssl.targets.container_target import ContainerTarget
from pytest_modssl.targets.engine import connect
from pytest_modssl.targets.images import image_for
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.place import Bench
    from pytest_modssl.targets.engine import Engine

_ROUNDS = 15
_TESTS = 100
_CONFIGURATIONS = 10

_SUITE = """
import pytest
from pytest_modssl import ServerConfig, VirtualHost

@pytest.fixture(scope="session")
def configs(modssl_ca):
    names = [f"h{{n}}.example.test" for n in range({configurations})]
    return [ServerConfig(VirtualHost(name, tls=modssl_ca.issue(name))) for name in names]

@pytest.mark.parametrize("n", range({tests}))
def test_host(configs, modssl_server_factory, n):
    server = modssl_server_factory(configs[n % {configurations}])
    assert server.get(f"https://h{{n % {configurations}}}.example.test/").status_code == 200
"""


def measure(bench: Bench) -> Iterator[Figure]:
    try:
        engine = connect()
    except EngineError as error:
        raise NotMeasured(str(error).splitlines()[0]) from None
    owner = Owner(new_run())
    try:
        image = image_for(engine, None, say=print)
        yield from starts(bench, engine, image, owner)
        yield count(bench, engine)
    finally:
        owner.close()
        engine.close()


def starts(bench: Bench, engine: Engine, image: str, owner: Owner) -> Iterator[Figure]:
    """From a configuration to the first verified handshake.

    Once in a new container, as by the client library alone; once in a container that has served another configuration.
    The peer copies the same files, finds them ready in one archive, and has httpd itself as the command of its
    container.
    """
    running = ContainerTarget(engine, image, owner, start_seconds=20)
    files = boxes.template(bench, running)

    def ours(target: ContainerTarget) -> float:
        config = bench.config()
        started = time.perf_counter()
        server = target.launch(config)
        assert server.handshake(NAME).verification.ok
        taken = time.perf_counter() - started
        server.stop()
        return taken

    def new() -> float:
        target = ContainerTarget(engine, image, owner, start_seconds=20)
        taken = ours(target)
        target.close()
        return taken

    def peer() -> float:
        return boxes.by_hand(bench, engine, image, files)[0]

    try:
        first, again, other = medians(new, lambda: ours(running), peer, rounds=_ROUNDS)
    finally:
        running.close()
    yield Figure(
        what="new container to first handshake, against the engine's client library",
        ours=seconds(first),
        bare=seconds(other),
        ratio=f"{first / other:.2f}",
        bar="<= 1.15",
        reached=first / other <= 1.15,
    )
    yield Figure(
        what="another configuration in a running container, against a new container of ours",
        ours=seconds(again),
        bare=seconds(first),
        ratio=f"{again / first:.2f}",
        bar="<= 0.4, 120 ms",
        reached=again <= 0.12 and again / first <= 0.4,
    )


def _owner(event: dict[str, Any]) -> str:
    """Whose container an event is about; other runs on this machine have theirs too."""
    return str(event["Actor"]["Attributes"].get("org.pytest-modssl.owner", ""))


def count(bench: Bench, engine: Engine) -> Figure:
    """How many containers a run starts, as the engine tells."""
    text = _SUITE.format(tests=_TESTS, configurations=_CONFIGURATIONS)
    suite = write_suite(bench, "containers", text, "modssl = true\nmodssl_target = docker")
    temporary = bench.folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o755)  # as the folder of a user's runs is to be entered by all
    # The image is known by then, as it is from any earlier run; else the controller looks at it in a container too.
    run_pytest(suite, "--collect-only", TMPDIR=str(temporary))
    started: list[str] = []
    events = engine.client.api.events(filters={"type": ["container"], "event": ["start"]}, decode=True)

    def listen() -> None:
        with contextlib.suppress(OSError, ValueError):
            started.extend(one for event in events for one in [_owner(event)] if one.startswith(str(temporary)))

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        taken = run_pytest(suite, "-n", "2", TMPDIR=str(temporary))
    finally:
        events.close()
        listener.join()
    return Figure(
        what=f"{_TESTS} tests over {_CONFIGURATIONS} configurations, -n 2 ({seconds(taken)}): containers started",
        ours=str(len(started)),
        bare="",
        ratio="",
        bar="<= 2",
        reached=1 <= len(started) <= 2,
    )
