"""Demonstrations of connections that hang or are refused."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_answers, assert_handshake, assert_listens
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"


def _tls(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8080))


def _plain(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, port=8080))


def _one_worker(scene: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME)),
        directives="""
            ServerLimit 1
            ThreadsPerChild 1
            MaxRequestWorkers 1
        """,
        mpm="worker",
    )


def _workers(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), mpm="worker")


def _while_another_client_waits(server: Server) -> None:
    with socket.create_connection(server.address(443)) as other:
        # The first byte of a TLS record: httpd gets a connection from the kernel when something has come on it.
        other.sendall(b"\x16")
        assert_handshake(server, NAME, timeout=1.0)


def _one_worker_plain(_: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME),
        directives="""
            ServerLimit 1
            ThreadsPerChild 1
            MaxRequestWorkers  1
        """,
        mpm="worker",
    )


def _while_another_request_waits(server: Server) -> None:
    with socket.create_connection(server.address(80)) as other:
        other.sendall(b"GET / HTTP/1.1\r\n")
        assert_answers(server, f"http://{NAME}/", timeout=2.0)


def _not_listened_to(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME), VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443), listen=[80])


def _listened_to(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME), VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443))


def _no_virtual_host(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME), listen=[80, 8443])


DEMONSTRATIONS = (
    Demonstration(
        entry="connection-hangs",
        name="HTTP to a port that speaks TLS",
        problem=_tls,
        remedy=_plain,
        check=lambda server: assert_answers(server, f"http://{NAME}:8080/"),
        place="VirtualHost(NAME",
        number="AH01996",
    ),
    Demonstration(
        entry="connection-hangs",
        name="HTTPS to a port that speaks HTTP",
        problem=_plain,
        remedy=_tls,
        check=lambda server: assert_answers(server, f"https://{NAME}:8080/"),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="connection-hangs",
        name="a port that takes the connection and stays silent",
        problem=_one_worker,
        remedy=_workers,
        check=_while_another_client_waits,
        place="MaxRequestWorkers 1",
        available=lambda installation: "worker" in installation.mpms,
    ),
    Demonstration(
        entry="connection-hangs",
        name="a request that is not answered",
        problem=_one_worker_plain,
        remedy=lambda _: ServerConfig(VirtualHost(NAME), mpm="worker"),
        check=_while_another_request_waits,
        place="MaxRequestWorkers  1",
        number="AH00286",
        available=lambda installation: "worker" in installation.mpms,
    ),
    Demonstration(
        entry="connection-refused",
        name="a virtual host without Listen, before a client sees it",
        problem=_not_listened_to,
        remedy=_listened_to,
        check=assert_listens,
        place="VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443)",
    ),
    Demonstration(
        entry="connection-refused",
        name="a handshake with a port without Listen",
        problem=_not_listened_to,
        remedy=_listened_to,
        check=lambda server: assert_handshake(server, NAME, port=8443),
        place="VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443)",
    ),
    Demonstration(
        entry="connection-refused",
        name="a URL with a port without Listen",
        problem=_not_listened_to,
        remedy=_listened_to,
        check=lambda server: assert_answers(server, f"https://{NAME}:8443/"),
        place="VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443)",
    ),
    Demonstration(
        entry="connection-refused",
        name="a Listen without virtual host",
        problem=_no_virtual_host,
        remedy=_listened_to,
        check=assert_listens,
        place="listen=[80, 8443]",
    ),
    Demonstration(
        entry="connection-refused",
        name="a handshake with a port without virtual host",
        problem=_no_virtual_host,
        remedy=_listened_to,
        check=lambda server: assert_handshake(server, NAME, port=8443),
        place="listen=[80, 8443]",
    ),
)
