"""Demonstrations of failures that show in the handshake."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_certificate, assert_handshake
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"


def _leaf(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)))


def _expired(scene: Scene) -> ServerConfig:
    yesterday = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME, not_after=yesterday)))


def _ca_certificate(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME, ca=True)))


def _for_tomorrow(scene: Scene) -> ServerConfig:
    tomorrow = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1)
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME, not_before=tomorrow)))


def _for_clients(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME, usages=("clientAuth",))))


def _sha1(scene: Scene) -> ServerConfig:
    # A server takes such a certificate at level 0 alone.
    leaf = scene.ca.issue(NAME, signature_hash="sha1")
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives="SSLCipherSuite DEFAULT:@SECLEVEL=0"))


DEMONSTRATIONS = (
    Demonstration(
        entry="certificate-expired",
        problem=_expired,
        remedy=_leaf,
        check=lambda server: assert_handshake(server, NAME),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="ca-certificate-as-server",
        problem=_ca_certificate,
        remedy=_leaf,
        check=lambda server: assert_certificate(server, NAME),
        place="VirtualHost(NAME",
        number="AH01906",
    ),
    Demonstration(
        entry="certificate-not-yet-valid",
        problem=_for_tomorrow,
        remedy=_leaf,
        check=lambda server: assert_handshake(server, NAME),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="certificate-for-another-purpose",
        problem=_for_clients,
        remedy=_leaf,
        check=lambda server: assert_handshake(server, NAME),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="signature-too-weak",
        problem=_sha1,
        remedy=_leaf,
        check=lambda server: assert_handshake(server, NAME),
        place="VirtualHost(NAME",
    ),
)
