"""Demonstrations of the group Configuration."""

from __future__ import annotations

import socket
from functools import partial
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_answers, assert_handshake, assert_ssl_env
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.http import Via
    from pytest_modssl.targets.server import Server

_PAGES: tuple[Via, ...] = ("cgi", "ssi")
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


def _without_variables(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives="SSLOptions +StrictRequire"))


def _with_variables(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives="SSLOptions +StdEnvVars"))


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
    *(
        Demonstration(
            entry="ssl-variables-missing",
            name=f"in a page by {via.upper()}",
            problem=_without_variables,
            remedy=_with_variables,
            check=partial(assert_ssl_env, url=f"https://{NAME}/", via=via, SSL_PROTOCOL="TLSv1.3"),
            place="SSLOptions +StrictRequire",
        )
        for via in _PAGES
    ),
)
