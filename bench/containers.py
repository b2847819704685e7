"""How fast servers in containers are there, against the client library of the engine alone, and how many it takes."""

from __future__ import annotations

import contextlib
import io
import tarfile
import threading
import time
from typing import TYPE_CHECKING, Any

from bench import bare
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
    The peer publishes the same ports and copies the same files, finds them ready in one archive, and has httpd itself
    as the command of its container.
    """
    client = bare.context(bench.ca.cert_pem.bytes())
    running = ContainerTarget(engine, image, owner, start_seconds=20)
    template = running.launch(bench.config())
    folder, files = template.instance.folder.name, template.instance.rendered
    archive = _archive(folder, files.files, files.folders, files.writable)
    command = [str(running.installation.binary), "-d", f"/modssl/{folder}", "-f", f"/modssl/{folder}/httpd.conf"]
    template.stop()

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
        return _peer(engine, image, archive, [*command, "-DFOREGROUND"], client)

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


def _peer(engine: Engine, image: str, archive: bytes, command: list[str], client: Any) -> float:
    api = engine.client.api
    ports: dict[int | str, Any] = {"80/tcp": (engine.publish, None), "443/tcp": (engine.publish, None)}
    started = time.perf_counter()
    made = api.create_container(
        image,
        command=command,
        entrypoint=[],
        ports=[80, 443],
        volumes=["/modssl"],
        host_config=api.create_host_config(port_bindings=ports),
    )["Id"]
    try:
        api.put_archive(made, "/modssl", archive)
        api.start(made)
        published = api.inspect_container(made)["NetworkSettings"]["Ports"]["443/tcp"][0]
        bare.first_handshake((engine.host, int(published["HostPort"])), client, NAME)
        return time.perf_counter() - started
    finally:
        api.remove_container(made, force=True, v=True)


def _archive(folder: str, files: Any, folders: Any, writable: Any) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("", *folders):
            member = tarfile.TarInfo(f"{folder}/{name}".rstrip("/"))
            member.type, member.mode = tarfile.DIRTYPE, 0o1777 if name in writable else 0o755
            archive.addfile(member)
        for name, (content, mode) in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


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
