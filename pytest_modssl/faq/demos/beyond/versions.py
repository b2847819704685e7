"""Demonstrations of protocol versions and groups that client and server do not share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_handshake
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"
_WITH_A_HOLE = """
    SSLCipherSuite DEFAULT:@SECLEVEL=0
    SSLProtocol -all +TLSv1.1 +TLSv1.3
"""
_WITHOUT_HOLE = """
    SSLCipherSuite DEFAULT:@SECLEVEL=0
    SSLProtocol -all +TLSv1.1 +TLSv1.2 +TLSv1.3
"""


def _host(scene: Scene, directives: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives))


DEMONSTRATIONS = (
    Demonstration(
        entry="protocol-not-offered",
        name="the only one",
        problem=lambda scene: _host(scene, "SSLProtocol TLSv1.3"),
        remedy=lambda scene: _host(scene, "SSLProtocol -all +TLSv1.2 +TLSv1.3"),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.2"),
        place="SSLProtocol TLSv1.3",
    ),
    Demonstration(
        entry="protocol-not-offered",
        name="below a hole in the range",
        problem=lambda scene: _host(scene, _WITH_A_HOLE),
        remedy=lambda scene: _host(scene, _WITHOUT_HOLE),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.1"),
        place="SSLProtocol -all +TLSv1.1 +TLSv1.3",
    ),
    Demonstration(
        entry="protocol-below-security-level",
        problem=lambda scene: _host(scene, "SSLProtocol all +TLSv1.1"),
        remedy=lambda scene: _host(scene, _WITHOUT_HOLE),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.1"),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="no-shared-group",
        problem=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves secp521r1"),
        remedy=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves X25519:P-256"),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.3", groups=["x25519"]),
        place="SSLOpenSSLConfCmd Curves secp521r1",
    ),
)
