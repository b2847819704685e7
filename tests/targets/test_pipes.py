"""Named pipes of a configuration: who reads one waits, and no longer than the server lives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.local import LocalTarget

NAME = "www.example.test"


def config(ca: CA) -> ServerConfig:
    """One that reads a pipe for every connection over TLS."""
    return ServerConfig(
        VirtualHost(NAME, tls=ca.issue(NAME)),
        VirtualHost(NAME),
        directives='SSLRandomSeed connect "file:${MODSSL_RUN}/deep/entropy" 16',
        pipes=["deep/entropy"],
    )


def test_a_server_waits_for_a_pipe_until_somebody_writes_into_it(
    modssl_server_factory: ServerFactory, modssl_ca: CA
) -> None:
    server = modssl_server_factory(config(modssl_ca), fresh=True)
    seen = server.handshake(NAME, timeout=0.2)
    assert (seen.failure, seen.stage) == ("timeout", "hello")
    assert server.get(f"http://{NAME}/").status_code == 200
    write = ["sh", "-c", 'head -c 4096 /dev/urandom >"$0"', f"{server.prepared.root}/run/deep/entropy"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.handshake, NAME, timeout=20)

        def written() -> bool:
            server.installation.run(write, timeout=1)
            return waiting.done()

        until(written, seconds=20, what="the handshake to go on")
    assert waiting.result().ok


def test_a_server_that_waits_ends_at_once_when_it_is_told_to(local_target: LocalTarget, modssl_ca: CA) -> None:
    server = local_target.launch(config(modssl_ca))
    server.reload(config(modssl_ca))
    assert server.handshake(NAME, timeout=0.2).failure == "timeout"
    server.instance.begin_stop()
    until(lambda: server.exit_status is not None, seconds=30, what="httpd to end")
    # AH00045: a child did not end on SIGTERM within 3 s; AH00046: nor later, and is killed (server/mpm_unix.c).
    assert server.log.find("AH00045") is None
    assert server.log.find("AH00046") is None
    server.instance.finish_stop()
