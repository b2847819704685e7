"""Demonstrations of which suites are there, and which both sides have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"


def _host(scene: Scene, directives: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives))


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="anonymous-dh",
        problem=lambda scene: _host(scene, "SSLCipherSuite ADH"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite HIGH"),
        place="SSLCipherSuite ADH",
        number="AH01898",
    ),
)
