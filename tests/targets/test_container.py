"""Real servers in real containers: reused, hardened, independent of each other, and gone with their owner."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl import CA, ConfigError, ServerConfig, StartError, VirtualHost
from pytest_modssl.errors import EngineError, HttpdNotFoundError
from pytest_modssl.targets.container_target import ContainerTarget
from pytest_modssl.targets.registry import Owner, new_run
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.http import Via
    from pytest_modssl.targets.container import Container
    from pytest_modssl.targets.engine import Engine
    from pytest_modssl.targets.server import Server

pytestmark = pytest.mark.usefixtures("engine")


def config(ca: CA, directives: str = "", *, text: str = "hello", **options: object) -> ServerConfig:
    leaf = ca.issue("www.example.test")
    return ServerConfig(
        VirtualHost("www.example.test", tls=leaf, directives=directives, files={"index.html": text}),
        VirtualHost("www.example.test", files={"index.html": f"plain {text}"}),
        **options,  # type: ignore[arg-type] # passed on as they are
    )


class Launch(Protocol):
    def __call__(self, configuration: ServerConfig, *, single_process: bool = False) -> Server: ...


@pytest.fixture
def target(engine: Engine, image: str, owner: Owner) -> Iterator[ContainerTarget]:
    target = ContainerTarget(engine, image, owner, start_seconds=20)
    yield target
    target.close()


@pytest.fixture
def launch(target: ContainerTarget) -> Iterator[Launch]:
    servers: list[Server] = []

    def launch(configuration: ServerConfig, *, single_process: bool = False) -> Server:
        servers.append(target.launch(configuration, single_process=single_process))
        return servers[-1]

    yield launch
    for server in servers:
        server.stop()


def container_of(server: Server) -> Container:
    container: Container = server.instance._container  # type: ignore[attr-defined] # a ContainerInstance
    return container


def containers_of(engine: Engine, owner: Owner) -> list[str]:
    """Ids of the containers that a registry's owner has, running or not."""
    label = f"org.pytest-modssl.owner={owner.folder}"
    return [found["Id"] for found in engine.client.api.containers(all=True, filters={"label": [label]})]


def test_a_server_answers_on_every_port_as_soon_as_it_is_there(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    assert server.get("https://www.example.test/").text == "hello"
    assert server.get("http://www.example.test/").text == "plain hello"
    assert server.handshake("www.example.test").ok


@pytest.mark.parametrize("via", ["cgi", "ssi", "header"])
def test_the_variables_are_read_in_each_way(launch: Launch, ca: CA, via: Via) -> None:
    server = launch(config(ca, "SSLOptions +StdEnvVars"))
    assert server.environment("https://www.example.test/", via=via)["SSL_PROTOCOL"] == "TLSv1.3"


def test_another_configuration_is_served_by_the_same_container_with_nothing_of_the_last(
    launch: Launch, ca: CA, engine: Engine, owner: Owner
) -> None:
    cache = 'SSLSessionCache "shmcb:${MODSSL_RUN}/cache(512000)"\nSSLSessionTickets off'
    first = launch(config(ca, directives="# first").extended(cache))
    name = "www.example.test"
    session = first.handshake(name, protocol="TLSv1.2").session
    assert first.handshake(name, protocol="TLSv1.2", session=session).resumed
    before, container = first.log.records, container_of(first)
    assert before
    first.stop()
    second = launch(config(ca, directives="# second", text="second").extended(cache))
    assert container_of(second) is container
    assert second.get(f"https://{name}/").text == "second"
    assert not second.handshake(name, protocol="TLSv1.2", session=session).resumed
    assert not set(before) & set(second.log.records)
    status, out, _ = container.run(["ls", "/modssl"], {})
    assert (status, out.decode().split()) == (0, [second.instance.folder.name])
    assert len(containers_of(engine, owner)) == 1


# As the children's user: files and folders, some of which only their owner may enter, and a process that stays.
LEAVES = """#!/bin/sh
for place in /tmp /dev/shm "$RUN"; do
    mkdir -p "$place/.hidden/deep" && touch "$place/file" "$place/.hidden/deep/file" && chmod 0 "$place/.hidden"
done
(while :; do touch /tmp/again; sleep 0.01; done) >/dev/null 2>&1 &
printf 'Content-Type: text/plain\\n\\n'
ls -A /tmp /dev/shm "$RUN"
"""


def test_what_a_program_of_one_configuration_left_is_gone_in_the_next(launch: Launch, ca: CA) -> None:
    leaf = ca.issue("www.example.test")
    host = VirtualHost(
        "www.example.test", tls=leaf, files={"leave.cgi": LEAVES}, directives='SetEnv RUN "${MODSSL_RUN}"'
    )
    first = launch(ServerConfig(host))
    assert first.get("https://www.example.test/leave.cgi").text.split().count("file") == 3
    container = container_of(first)
    first.stop()
    second = launch(config(ca))
    assert container_of(second) is container
    _, out, _ = container.run(["sh", "-c", "ls -A /tmp /dev/shm; ls -A /modssl; cat /proc/[0-9]*/comm"], {})
    assert set(out.decode().split()) <= {"/tmp:", "/dev/shm:", second.instance.folder.name, *PROCESSES}, out


PROCESSES = {"sh", "apache2", "httpd", "timeout", "cat"}


def test_every_answer_after_a_swap_is_of_the_new_configuration(launch: Launch, ca: CA) -> None:
    for n in range(20):
        server = launch(config(ca, text=f"n{n}"))
        assert server.get("https://www.example.test/").text == f"n{n}"
        assert server.get("http://www.example.test/").text == f"plain n{n}"
        server.stop()


def test_servers_that_are_held_at_once_have_containers_of_their_own(
    launch: Launch, ca: CA, engine: Engine, owner: Owner
) -> None:
    one, two = launch(config(ca, text="one")), launch(config(ca, text="two"))
    assert one.get("https://www.example.test/").text == "one"
    assert two.get("https://www.example.test/").text == "two"
    assert len(containers_of(engine, owner)) == 2


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_every_mpm_runs_in_the_same_container(launch: Launch, ca: CA, mpm: str, target: ContainerTarget) -> None:
    if mpm not in target.installation.mpms:
        pytest.skip(f"the image's httpd has no {mpm}")
    launch(config(ca)).stop()
    server = launch(config(ca, "SSLOptions +StdEnvVars", mpm=mpm))
    assert server.environment("https://www.example.test/")["SSL_PROTOCOL"] == "TLSv1.3"


def test_a_port_that_is_unusual_gets_a_container_that_publishes_it(launch: Launch, ca: CA) -> None:
    server = launch(ServerConfig(VirtualHost("a.test", port=8443, tls=ca.issue("a.test"))))
    assert server.get("https://a.test:8443/").status_code == 200


def test_a_reload_changes_what_is_served_and_removes_old_files(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    server.reload(config(ca, text="second"))
    assert server.get("https://www.example.test/").text == "second"
    with pytest.raises(ConfigError, match=r"\[80, 443, 8080\] differ|\[8080\] differ"):
        server.reload(config(ca, listen=[80, 443, 8080]))
    with pytest.raises(StartError, match="SSLProtocol Nonsense"):
        server.reload(config(ca, "SSLProtocol Nonsense"))
    assert server.exit_status is not None


def test_a_configuration_that_is_refused_is_told_at_its_line_and_the_container_serves_the_next(
    launch: Launch, ca: CA, target: ContainerTarget
) -> None:
    with pytest.raises(StartError, match=r"test_container.py:\d+: SSLFoo on\n(.*\n)*.*Invalid command 'SSLFoo'"):
        launch(config(ca, "SSLFoo on"))
    with pytest.raises(StartError, match="Invalid command 'SSLFoo'"):
        target.check(config(ca, "SSLFoo on"))
    target.check(config(ca))
    assert launch(config(ca)).get("https://www.example.test/").text == "hello"
    assert len(target._all) == 1


def test_lines_of_the_log_are_there_when_a_test_ends_and_not_in_the_next(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    for n in range(10):
        server.begin_test()
        assert server.handshake("www.example.test").ok
        server.end_test()
        records = server.log.records
        assert {one.client for one in records if one.client} != set()
        assert sum(one.ah == "AH01964" for one in records) == 1, (n, [one.raw for one in records])


def test_a_child_that_crashes_is_in_the_log(launch: Launch, ca: CA) -> None:
    server = launch(config(ca).extended("ThreadStackSize 20480"))
    server.handshake("www.example.test")
    server.end_test()
    assert [one.ah for one in server.log.unexpected()] == ["AH00052"]


def test_the_container_has_no_right_that_httpd_does_not_need(launch: Launch, ca: CA, engine: Engine) -> None:
    server = launch(config(ca))
    found = engine.client.api.inspect_container(container_of(server).id)
    host = found["HostConfig"]
    _, out, _ = container_of(server).run(["cat", "/proc/1/status"], {})
    bounds = next(line for line in out.decode().splitlines() if line.startswith("CapBnd:"))
    # capabilities(7): CHOWN 0, DAC_OVERRIDE 1, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10.
    assert int(bounds.split()[1], 16) == 1 << 0 | 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 10
    assert "NoNewPrivs:\t1" in out.decode()
    assert "no-new-privileges" in host["SecurityOpt"]
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert [(mount["Type"], mount["Destination"]) for mount in found["Mounts"]] == [("volume", "/modssl")]
    published = [to["HostIp"] for bound in found["NetworkSettings"]["Ports"].values() for to in bound]
    assert set(published) == {"127.0.0.1"}
    status, _, _ = container_of(server).run(["touch", "/etc/x"], {})
    assert status != 0


def test_a_container_ends_with_its_stream_and_is_removed(
    target: ContainerTarget, ca: CA, engine: Engine, owner: Owner
) -> None:
    server = target.launch(config(ca))
    container = container_of(server)
    container.close()
    until(lambda: not containers_of(engine, owner), seconds=30, what="the container to be removed")
    assert server.exit_status is not None
    server.stop()
    # The next server gets another container.
    again = target.launch(config(ca))
    assert again.get("https://www.example.test/").text == "hello"


# A process that is forked, and executes nothing, lives on beside it.
OWNER = """
    import os, signal, sys
    from pathlib import Path
    from pytest_modssl import ServerConfig, VirtualHost
    from pytest_modssl.targets.container_target import ContainerTarget
    from pytest_modssl.targets.engine import connect
    from pytest_modssl.targets.registry import Owner

    owner = Owner("run1", base=Path(sys.argv[1]))
    target = ContainerTarget(connect(), sys.argv[2], owner, start_seconds=20)
    target.launch(ServerConfig(VirtualHost("a.test")))
    forked = os.fork()
    if not forked:
        signal.pause()
    print(owner.folder, forked, flush=True)
    sys.stdin.read()
"""


def test_a_container_ends_within_two_seconds_of_its_owners_death(engine: Engine, image: str, base: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), str(base), image],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        folder, forked = owner.stdout.readline().split()
        filters = {"label": [f"org.pytest-modssl.owner={folder}"]}
        assert engine.client.api.containers(all=True, filters=filters)
        owner.kill()
    try:
        until(lambda: not engine.client.api.containers(all=True, filters=filters), seconds=30, what="its removal")
    finally:
        os.kill(int(forked), signal.SIGKILL)


def test_what_a_dead_owner_left_is_removed_and_nothing_else(
    engine: Engine, image: str, owner: Owner, target: ContainerTarget, ca: CA
) -> None:
    dead = Owner(new_run(), base=owner.base)
    api = engine.client.api
    labels = {"org.pytest-modssl.host": socket.gethostname()}
    left = api.create_container(image, labels=labels | {"org.pytest-modssl.owner": str(dead.folder)})["Id"]
    foreign = api.create_container(image, labels=labels | {"org.pytest-modssl.owner": "/elsewhere/run-1"})["Id"]
    plain = api.create_container(image)["Id"]
    try:
        server = target.launch(config(ca))
        target.clean_up(None)  # its owner lives
        assert containers_of(engine, dead) == [left]
        dead.close()
        target.clean_up("anotherrun")
        assert containers_of(engine, dead) == [left]
        target.clean_up(None)
        assert containers_of(engine, dead) == []
        assert {foreign, plain} <= {found["Id"] for found in api.containers(all=True)}
        assert server.get("https://www.example.test/").text == "hello"
    finally:
        for made in (foreign, plain):
            api.remove_container(made)


def test_an_image_without_httpd_is_an_error_that_says_so(engine: Engine, owner: Owner, bare_image: str) -> None:
    with pytest.raises(HttpdNotFoundError, match=f"image {bare_image} has no httpd"):
        ContainerTarget(engine, bare_image, owner, start_seconds=20)
    until(lambda: not containers_of(engine, owner), seconds=30, what="its container to be removed")


def test_an_image_that_is_not_there_is_an_error_that_says_so(engine: Engine, owner: Owner) -> None:
    with pytest.raises(EngineError, match=r"(?i)no such image"):
        ContainerTarget(engine, "no.such.registry.test/nothing:none", owner, start_seconds=20)
