"""Servers that crash: the crash is in the log of the test that saw it, and nothing is left of them."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost
from pytest_modssl.targets import local
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.targets.server import Server


@pytest.fixture
def server(local_target: LocalTarget, ca: CA) -> Iterator[Server]:
    """One whose children crash at every TLS connection: their threads have no room for a handshake."""
    leaf = ca.issue("www.example.test")
    server = local_target.launch(
        ServerConfig(
            VirtualHost("www.example.test", tls=leaf),
            VirtualHost("www.example.test"),
            directives="ThreadStackSize 20480",
        )
    )
    yield server
    server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only there can one see that a child is ending")
def test_a_crash_is_in_the_log_when_the_test_ends_also_when_its_parent_was_slow_to_notice(server: Server) -> None:
    assert server.handshake("www.example.test").failure in {"reset", "closed"}
    server.end_test()
    assert server.log.find("AH00052") is not None
    assert server.log.unexpected()


def test_children_of_a_server_that_was_killed_are_not_waited_for(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_STOP_SECONDS", 1000.0)  # longer than a test may take
    assert server.get("http://www.example.test/").status_code == 200
    assert isinstance(server.instance, local.LocalInstance)
    os.kill(server.instance.pid, signal.SIGKILL)
    until(lambda: server.exit_status is not None, seconds=30, what="its end")
    server.stop()
