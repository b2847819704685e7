"""Which connections are open is told alike by both of the kernel's tables."""

from __future__ import annotations

import socket
import sys
from typing import NoReturn

import pytest

from pytest_modssl.targets import connections
from pytest_modssl.targets.connections import CLOSE_WAIT, ESTABLISHED, open_connections
from pytest_modssl.wait import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tables are Linux's")

HERE, ELSEWHERE = "127.83.1.9", "127.83.1.10"


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
