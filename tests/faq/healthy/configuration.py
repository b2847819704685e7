"""Ports, hosts, variables, redirects and pages as they may well be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake_fails
from tests.faq.healthy._model import NAME, OTHER, Healthy, over_tls

if TYPE_CHECKING:
    from pytest_modssl.targets.server import Server

DENIED = """
    <Location />
        Require all denied
    </Location>
"""


def _denied(server: Server) -> None:
    assert server.get(f"https://{NAME}/").status_code == 403


def _not_found(server: Server) -> None:
    assert server.get(f"https://{NAME}/nothing").status_code == 404


def _no_tls_spoken(server: Server) -> None:
    assert_handshake_fails(server, NAME, port=80, failure="not_tls")


def _only_https_variable(server: Server) -> None:
    assert "SSL_PROTOCOL" not in server.environment(f"https://{NAME}/")


HEALTHY = (
    Healthy("HTTP alone", lambda _: ServerConfig(VirtualHost(NAME))),
    Healthy("HTTPS alone", over_tls()),
    Healthy(
        "HTTP and HTTPS",
        lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), VirtualHost(NAME)),
    ),
    Healthy("another port", lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443))),
    Healthy(
        "two hosts by name",
        lambda scene: ServerConfig(
            VirtualHost(NAME, tls=scene.ca.issue(NAME)), VirtualHost(OTHER, tls=scene.ca.issue(OTHER))
        ),
    ),
    Healthy("variables for scripts", over_tls("SSLOptions +StdEnvVars")),
    Healthy("no variables for scripts, as is meant", over_tls(), _only_https_variable),
    Healthy("a redirect", over_tls("Redirect permanent / https://shop.example.test/")),
    Healthy("a page that is denied", over_tls(DENIED), _denied),
    Healthy("a page that is not there", over_tls(), _not_found),
    Healthy("plain HTTP, asked for TLS on purpose", lambda _: ServerConfig(VirtualHost(NAME)), _no_tls_spoken),
    Healthy("a source of randomness", over_tls(server="SSLRandomSeed startup builtin")),
)
