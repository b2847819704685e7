"""What one test's HTTP requests leave for the next one: nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost
from pytest_modssl.targets.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import Server
    from pytest_modssl.targets.local import LocalTarget

NAME = "www.example.test"
URL = f"https://{NAME}/"
COOKIE = 'Header always set Set-Cookie "seen=yes"\nHeader always set X-Cookie "expr=%{HTTP_COOKIE}"'


def config(ca: CA) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=ca.issue(NAME), directives=COOKIE))


@pytest.fixture
def server(local: LocalTarget, ca: CA) -> Iterator[Server]:
    server = local.launch(config(ca))
    yield server
    server.stop()


def test_a_cookie_lasts_to_the_end_of_its_test(server: Server) -> None:
    assert server.get(URL).headers["X-Cookie"] == ""
    assert server.get(URL).headers["X-Cookie"] == "seen=yes"
    server.end_test()
    server.begin_test()
    assert server.get(URL).headers["X-Cookie"] == ""


def test_a_connection_lasts_to_the_end_of_its_test(server: Server) -> None:
    server.get(URL)
    server.get(URL)
    assert established(server) == 1
    server.end_test()
    server.begin_test()
    server.get(URL)
    assert established(server) == 1


def test_a_session_that_is_held_longer_keeps_its_cookies_and_closes_its_connections_with_each_test(
    server: Server,
) -> None:
    session = server.session()
    assert session.get(URL).headers["X-Cookie"] == ""
    for _ in range(2):
        server.end_test()
        assert server.instance.settle() == frozenset()
        server.begin_test()
        assert session.get(URL).headers["X-Cookie"] == "seen=yes"


def test_connections_are_closed_before_a_pool_ends_its_servers(local: LocalTarget, ca: CA) -> None:
    pool = Pool(local)
    server = pool.get(config(ca), "the test")
    server.get(URL)
    begin_stop, held = server.instance.begin_stop, list[int]()

    def stop() -> None:
        held.append(len(server.instance.settle() or ()))
        begin_stop()

    with patch.object(type(server.instance), "begin_stop", lambda _: stop()):
        pool.close()
    assert held == [0]


def established(server: Server) -> int:
    """How many TLS connections this test has opened: AH01964 is logged for each."""
    return sum(record.ah == "AH01964" for record in server.log.records)


def test_requests_after_a_reload_trust_the_roots_of_the_new_configuration(server: Server) -> None:
    assert server.get(URL).status_code == 200
    server.reload(config(CA()))
    assert server.get(URL).status_code == 200
