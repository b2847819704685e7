"""Real servers as local processes: ready, reloaded, stopped, and gone without a trace."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

import psutil
import pytest

from pytest_modssl import CA, ConfigError, MissingModuleError, ServerConfig, StartError, VirtualHost
from pytest_modssl.httpd.render import ERROR_LOG
from pytest_modssl.targets import executor
from pytest_modssl.targets import local as module
from pytest_modssl.targets.addresses import Listening, allocate
from pytest_modssl.targets.children import Children
from pytest_modssl.targets.registry import Owner, new_run
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.targets.server import Server

UNSEEN = "has ended; how went unseen, and httpd logs nothing of a child that SIGKILL or SIGTERM ends"

linux = pytest.mark.skipif(sys.platform != "linux", reason="nothing else tells of children that have ended")


class Launch(Protocol):
    def __call__(self, config: ServerConfig, *, single_process: bool = False) -> Server: ...


def config(ca: CA, directives: str = "", *, text: str = "hello", **options: Any) -> ServerConfig:
    leaf = ca.issue("www.example.test")
    return ServerConfig(
        VirtualHost("www.example.test", tls=leaf, directives=directives, files={"index.html": text}),
        VirtualHost("www.example.test", files={"index.html": f"plain {text}"}),
        **options,
    )


@pytest.fixture
def launch(local: LocalTarget) -> Iterator[Launch]:
    """Starts servers that are stopped when the test ends."""
    servers: list[Server] = []

    def launch(config: ServerConfig, *, single_process: bool = False) -> Server:
        servers.append(local.launch(config, single_process=single_process))
        return servers[-1]

    yield launch
    for server in servers:
        server.stop()


def processes_in(folder: Path) -> list[psutil.Process]:
    """Those that a folder stands in the command line of; the last will of its owner is none of them."""
    lines = {one: " ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])}
    return [one for one, line in lines.items() if str(folder) in line and executor.__name__ not in line]


def pid_of(server: Server) -> int:
    assert isinstance(server.instance, module.LocalInstance)
    return server.instance.pid


def test_a_server_answers_on_every_port_as_soon_as_it_is_there(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    assert server.get("https://www.example.test/").text == "hello"
    assert server.get("http://www.example.test/").text == "plain hello"


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_every_mpm_runs_and_stops(launch: Launch, local: LocalTarget, ca: CA, mpm: str) -> None:
    server = launch(config(ca, "SSLOptions +StdEnvVars", mpm=mpm))
    assert server.environment("https://www.example.test/")["SSL_PROTOCOL"] == "TLSv1.3"
    folder = server.instance.folder
    server.stop()
    assert server.exit_status is not None
    assert not folder.exists()
    assert processes_in(folder) == []


def test_stopping_frees_the_port_and_removes_every_process_and_file(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    address, folder = server.address(443), server.instance.folder
    assert processes_in(folder)
    server.stop()
    assert not folder.exists()
    assert processes_in(folder) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    server.stop()


@pytest.mark.parametrize("milliseconds", [0, 2, 5, 10])
def test_a_server_that_reads_its_configuration_again_is_stopped_as_any_other(
    launch: Launch, ca: CA, milliseconds: int
) -> None:
    server = launch(config(ca))
    assert server.get("https://www.example.test/").text == "hello"
    os.kill(pid_of(server), signal.SIGHUP)
    time.sleep(milliseconds / 1000)  # how far it has come is not to be seen from outside
    server.stop()
    assert server.exit_status == 0


def test_keys_are_for_their_owner_alone_and_pages_for_all(launch: Launch, ca: CA) -> None:
    folder = launch(config(ca, pki={"extra.pem": ca.cert_pem})).instance.folder
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes["0-0.key"] == modes["extra.pem"] == 0o600
    assert modes["index.html"] == modes["0-0.crt"] == 0o644
    assert modes["env.cgi"] == 0o755


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_a_reload_changes_what_is_served_on_the_same_ports(launch: Launch, ca: CA, mpm: str) -> None:
    server = launch(config(ca, mpm=mpm))
    before = server.address(443)
    for text in ("second", "third"):
        server.reload(config(ca, mpm=mpm, text=text))
        assert server.get("https://www.example.test/").text == text
        assert server.get("http://www.example.test/").text == f"plain {text}"
    assert server.address(443) == before


def test_a_reload_changes_the_certificate(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    other = CA().issue("www.example.test")
    server.reload(ServerConfig(VirtualHost("www.example.test", tls=other), VirtualHost("www.example.test")))
    assert server.handshake("www.example.test").leaf == other.certificate


def test_a_reload_to_a_broken_configuration_is_told_and_ends_the_server(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    with pytest.raises(StartError, match="SSLProtocol Nonsense"):
        server.reload(config(ca, "SSLProtocol Nonsense"))
    assert server.exit_status is not None


def test_a_reload_to_other_ports_is_refused_and_the_server_stays(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    with pytest.raises(ConfigError, match=r"\[8080\] differ"):
        server.reload(config(ca, listen=[80, 443, 8080]))
    assert server.get("https://www.example.test/").text == "hello"


def test_single_process_mode_has_no_children(launch: Launch, ca: CA) -> None:
    server = launch(config(ca), single_process=True)
    assert server.get("https://www.example.test/").text == "hello"
    names = [child.cmdline()[:1] for child in psutil.Process(pid_of(server)).children(recursive=True)]
    # mod_cgid keeps its daemon also under -X.
    assert len(names) <= 1


def test_a_port_taken_between_look_and_bind_is_tried_again_elsewhere(
    launch: Launch, ca: CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.99.99.99", 0)) as taken:
        port = taken.getsockname()[1]
        answers = [Listening("127.99.99.99", {443: port, 80: port + 1})]
        monkeypatch.setattr(module, "allocate", lambda ports: answers.pop() if answers else allocate(ports))
        assert launch(config(ca)).get("https://www.example.test/").text == "hello"
        assert answers == []


def test_a_port_that_stays_taken_is_an_error_that_names_it(
    local: LocalTarget, ca: CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.99.99.98", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(module, "allocate", lambda _: Listening("127.99.99.98", {443: port, 80: port + 1}))
        with pytest.raises(StartError, match=rf"AH00072: make_sock: could not bind to address 127\.99\.99\.98:{port}"):
            local.launch(config(ca))


def test_a_server_that_is_not_ready_in_time_is_an_error_and_leaves_nothing(
    local_installation: Installation, owner: Owner, ca: CA
) -> None:
    slow = module.LocalTarget(local_installation, owner, start_seconds=0.001)
    host = VirtualHost("www.example.test", tls=ca.issue("www.example.test"))
    with pytest.raises(StartError, match=r"was not ready within 0\.001 s"):
        slow.launch(ServerConfig(host, directives="SSLRandomSeed startup exec:/bin/sleep 60"))  # the argument is 60
    assert [path.name for path in owner.folder.iterdir()] == ["owner.lock"]
    assert processes_in(owner.folder / "s1") == []


def test_a_missing_module_is_told_before_anything_starts(local: LocalTarget, ca: CA) -> None:
    with pytest.raises(MissingModuleError, match="mod_nonsense"):
        local.launch(config(ca, modules=["nonsense"]))


def test_a_check_accepts_and_refuses_as_httpd_does(local: LocalTarget, owner: Owner, ca: CA) -> None:
    local.check(config(ca))
    with pytest.raises(StartError, match="Invalid command 'SSLFoo'"):
        local.check(config(ca, "SSLFoo on"))
    assert [path.name for path in owner.folder.iterdir()] == ["owner.lock"]


def test_a_server_whose_parent_is_killed_leaves_no_children(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    folder, pid = server.instance.folder, pid_of(server)
    os.kill(pid, signal.SIGKILL)
    until(lambda: server.exit_status is not None, seconds=30, what="the parent's end")
    assert server.exit_status == -signal.SIGKILL
    server.stop()
    assert processes_in(folder) == []
    assert not psutil.pid_exists(pid)


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_child_that_is_killed_is_told_with_the_signal(launch: Launch, ca: CA, number: signal.Signals) -> None:
    server = launch(config(ca))
    server.get("https://www.example.test/")
    server.instance.settle()
    child = next(one for one in psutil.Process(pid_of(server)).children() if one.num_threads() > 1)
    child.send_signal(number)

    def told() -> tuple[str, ...]:
        server.instance.settle()
        return server.ended

    if number == signal.SIGKILL:
        (words,) = until(told, seconds=30, what="the child's end")
        # Httpd asks for the ends of its children once a second; just then it may have been before us.
        assert words.removeprefix(f"child {child.pid} of httpd ") in {
            "was ended by signal 9 (SIGKILL)",
            UNSEEN,
        }
    else:
        assert not told()
    server.begin_test()
    assert not server.ended
    if number == signal.SIGSTOP:
        child.kill()


@linux
def test_what_httpd_logs_of_a_child_that_ended_is_awaited(
    launch: Launch, ca: CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does so after it has asked for its end, so that for a moment neither the child nor its line is there."""
    server = launch(config(ca))
    assert isinstance(server.instance, module.LocalInstance)
    log = server.instance.folder / ERROR_LOG
    words = "child pid 4711 exit signal Segmentation fault (11)\n"
    looks = 0

    def look(self: Children, _: int) -> None:
        nonlocal looks
        looks += 1
        self.crashed.add("4711")

    def late(condition: Callable[[], object], **options: Any) -> object:
        if not condition():
            log.write_text(log.read_text() + words)
        return until(condition, **options)

    monkeypatch.setattr(Children, "look", look)
    server.instance.settle()
    assert looks == 1
    assert not server.instance._children.crashed
    monkeypatch.setattr(module, "until", late)
    server.instance.settle()
    assert words in log.read_text()


@linux
def test_a_child_that_went_unseen_is_told_and_those_of_a_reload_are_not(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    server.get("https://www.example.test/")
    server.instance.settle()
    server.reload(config(ca, text="new"))
    server.get("https://www.example.test/")
    server.instance.settle()
    assert not server.ended
    child = next(one for one in psutil.Process(pid_of(server)).children() if one.num_threads() > 1)
    child.kill()
    until(lambda: not psutil.pid_exists(child.pid), seconds=30, what="httpd to take note of its end")
    server.instance.settle()
    assert server.ended == (f"child {child.pid} of httpd {UNSEEN}",)


def test_an_httpd_that_was_asked_to_end_is_told_with_its_last_words(launch: Launch, ca: CA) -> None:
    server = launch(config(ca))
    server.get("https://www.example.test/")  # by now its parent is one that SIGTERM asks
    os.kill(pid_of(server), signal.SIGTERM)
    until(lambda: server.exit_status is not None, seconds=30, what="its end")
    server.begin_test()
    how, words = server.ended
    assert how == "httpd ended with status 0 while a test was using it"
    assert words.endswith("caught SIGTERM, shutting down")


def test_a_target_that_is_abandoned_ends_its_servers_and_those_that_are_started_later(
    local: LocalTarget, launch: Launch, ca: CA
) -> None:
    server = launch(config(ca))
    local.abandon()
    until(lambda: server.exit_status is not None, seconds=30, what="its end")
    with pytest.raises(StartError, match=r"was ended by signal 9 \(SIGKILL\) before it was ready"):
        launch(config(ca))


def test_a_folder_with_spaces_in_its_path_serves(local_installation: Installation, base: Path, ca: CA) -> None:
    spaced = base / "a b"
    spaced.mkdir()
    spaced.chmod(0o755)
    owner = Owner(new_run(), base=spaced)
    server = module.LocalTarget(local_installation, owner, start_seconds=20).launch(
        config(ca, "SSLOptions +StdEnvVars")
    )
    assert server.environment("https://www.example.test/", via="cgi")["SSL_PROTOCOL"] == "TLSv1.3"
    server.stop()
    owner.close()


def test_the_environment_of_the_run_does_not_reach_the_server(
    launch: Launch, ca: CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODSSL_SECRET", "secret")
    server = launch(config(ca, "PassEnv MODSSL_SECRET"))
    assert "MODSSL_SECRET" not in server.environment("https://www.example.test/")
