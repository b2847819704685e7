"""Servers that crash: the crash is in the log of the test that saw it, and nothing is left of them."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost
from pytest_modssl.targets.local import LocalInstance
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.targets.server import Server


@pytest.fixture
def server(local: LocalTarget, ca: CA) -> Iterator[Server]:
    """One whose children crash at every TLS connection: their threads have no room for a handshake."""
    leaf = ca.issue("www.example.test")
    server = local.launch(
        ServerConfig(
            VirtualHost("www.example.test", tls=leaf),
            VirtualHost("www.example.test"),
            directives="ThreadStackSize 32768",
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


def test_children_of_a_server_that_was_killed_are_not_waited_for(server: Server) -> None:
    assert server.get("http://www.example.test/").status_code == 200
    assert isinstance(server.instance, LocalInstance)
    os.kill(server.instance.pid, signal.SIGKILL)
    until(lambda: server.exit_status is not None, seconds=5, what="its end")
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 4  # five seconds are the deadline after which all are killed
