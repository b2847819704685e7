"""Which connections are open is told alike by both of the kernel's tables."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_modssl.targets import connections
from pytest_modssl.targets.connections import CLOSE_WAIT, ESTABLISHED, Watch, open_connections
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tables are Linux's")

# Of this process alone: others run the same tests at the same time.
HERE, ELSEWHERE = (f"127.{net}.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}" for net in (83, 84))


@pytest.fixture(params=["sock_diag", "proc"])
def table(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_address: str) -> NoReturn:
        raise OSError("not here")

    # Whichever table is meant, the other one must not help out.
    monkeypatch.setattr(connections, "_ask" if request.param == "proc" else "_read", refused)


def peer_of(client: socket.socket) -> str:
    host, port = client.getsockname()
    return f"{host}:{port}"


@pytest.mark.usefixtures("table")
def test_a_connection_is_established_then_half_closed_then_gone() -> None:
    with socket.create_server((HERE, 0)) as server:
        assert open_connections(HERE) == {}
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        peer = peer_of(client)
        with accepted:
            assert open_connections(HERE) == {peer: ESTABLISHED}
            assert open_connections(ELSEWHERE) == {}
            client.close()
            until(lambda: open_connections(HERE) == {peer: CLOSE_WAIT}, seconds=30, what="the other end's close")
        until(lambda: open_connections(HERE) == {}, seconds=30, what="the end of the connection")


@pytest.mark.usefixtures("table")
def test_more_connections_than_fit_into_one_answer_are_all_told() -> None:
    # An answer of sock_diag holds 64 KiB at the most, an entry of it 88 bytes.
    with socket.create_server((HERE, 0), backlog=1024) as server:
        clients = [socket.create_connection(server.getsockname()) for _ in range(400)]
        try:
            assert open_connections(HERE) == {peer_of(client): ESTABLISHED for client in clients}
        finally:
            for client in clients:
                client.close()


PARENT = """
import os, socket, sys
listener = socket.create_server((sys.argv[1], 0))
if os.fork():
    os.wait()
print(listener.getsockname()[1], flush=True)
kept = []
for line in sys.stdin:
    if line == "accept\\n":
        kept.append(listener.accept()[0])
    elif line == "close\\n":
        kept.pop().close()
    print("done", flush=True)
"""


@pytest.fixture
def program() -> Iterator[Program]:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, HERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Program(process, int(process.stdout.readline()))
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class Program:
    """A process that listens, and whose child accepts connections when it is told to."""

    process: subprocess.Popen[str]
    port: int

    def tell(self, order: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each list that the kernel is asked for."""
    calls: list[str] = []

    def counted(address: str) -> dict[str, int]:
        calls.append(address)
        return open_connections(address)

    monkeypatch.setattr(connections, "open_connections", counted)
    return calls


def test_connections_are_listed_only_where_there_may_be_any(program: Program, listed: list[str]) -> None:
    watch = Watch(HERE, [program.port])
    pid = program.process.pid
    assert watch.open_connections(pid) == {}
    listed.clear()
    assert watch.open_connections(pid) == {}
    assert listed == []
    with socket.create_connection((HERE, program.port)) as client:
        peer = peer_of(client)
        assert watch.open_connections(pid) == {peer: ESTABLISHED}, "it waits to be accepted"
        program.tell("accept")
        assert watch.open_connections(pid) == {peer: ESTABLISHED}
    until(lambda: watch.open_connections(pid) == {peer: CLOSE_WAIT}, seconds=30, what="the client's close")
    program.tell("close")
    until(lambda: watch.open_connections(pid) == {}, seconds=30, what="the end of the connection")
    listed.clear()
    assert watch.open_connections(pid) == {}
    assert listed == []


def test_what_was_closed_before_it_was_accepted_is_half_closed(program: Program) -> None:
    watch = Watch(HERE, [program.port])
    pid = program.process.pid
    assert watch.open_connections(pid) == {}
    with socket.create_connection((HERE, program.port)) as client:
        peer = peer_of(client)
    assert watch.open_connections(pid) == {peer: CLOSE_WAIT}


def test_where_the_processes_may_not_be_looked_at_connections_are_listed(listed: list[str]) -> None:
    with socket.create_server((HERE, 0)) as server:
        watch = Watch(HERE, [server.getsockname()[1]])
        gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
        for _ in range(2):
            assert watch.open_connections(int(gone.stdout)) == {}
    assert listed == [HERE, HERE]
