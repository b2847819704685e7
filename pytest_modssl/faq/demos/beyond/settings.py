"""Demonstrations of settings of TLS that this httpd, or the OpenSSL behind it, does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"


def _host(scene: Scene, directives: str = "", server: str = "") -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives), directives=server)


DEMONSTRATIONS = (
    Demonstration(
        entry="no-protocol",
        problem=lambda scene: _host(scene, "SSLProtocol -all"),
        remedy=lambda scene: _host(scene, "SSLProtocol -all +TLSv1.2 +TLSv1.3"),
        place="SSLProtocol -all",
        number="AH02231",
    ),
    Demonstration(
        entry="protocol-unknown",
        name="a name that does not exist",
        problem=lambda scene: _host(scene, "SSLProtocol TLSv1.4"),
        remedy=lambda scene: _host(scene, "SSLProtocol TLSv1.3"),
        place="SSLProtocol TLSv1.4",
        number="AH00526",
    ),
    Demonstration(
        entry="protocol-unknown",
        name="one that OpenSSL lacks",
        problem=lambda scene: _host(scene, "SSLProtocol SSLv2"),
        remedy=lambda scene: _host(scene, "SSLProtocol TLSv1.2"),
        place="SSLProtocol SSLv2",
        number="AH00526",
    ),
    Demonstration(
        entry="openssl-command-unknown",
        problem=lambda scene: _host(scene, "SSLOpenSSLConfCmd Kurves P-256"),
        remedy=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves P-256"),
        place="SSLOpenSSLConfCmd Kurves P-256",
        number="AH00526",
    ),
    Demonstration(
        entry="openssl-command-refused",
        problem=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves P-123"),
        remedy=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves P-256"),
        place="SSLOpenSSLConfCmd Curves P-123",
        number="AH02407",
    ),
    Demonstration(
        entry="session-cache-not-supported",
        problem=lambda scene: _host(scene, server="SSLSessionCache shmbc:/tmp/cache"),
        remedy=lambda scene: _host(scene, server='SSLSessionCache "shmcb:${MODSSL_RUN}/cache(512000)"'),
        place="SSLSessionCache shmbc:/tmp/cache",
        number="AH00526",
    ),
)
