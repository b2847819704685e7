"""Diffie-Hellman parameters as they may well be, and clients as old as Java 7 that get what they can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import (
    ServerConfig,
    VirtualHost,
    assert_dh_bits,
    assert_handshake,
    assert_java7_compatible,
    dh_parameters,
    java7_settings,
)
from pytest_modssl.pki import Blob
from tests.faq.healthy._model import NAME, Healthy

if TYPE_CHECKING:
    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

_CURVE = Blob(b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")


def _for_java7(scene: Scene) -> ServerConfig:
    settings = java7_settings(scene.installation)
    leaf = scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(settings.dh_parameters)
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives=settings.directives))


def _look_as_java7(server: Server) -> None:
    assert_java7_compatible(server, NAME)
    assert_java7_compatible(server, NAME, suites=("DHE-RSA-AES128-SHA",), dh_bits=1024)
    assert_handshake(server, NAME, cipher_suite=lambda suite: "GCM" in suite)


def _curve_without_dhe(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME).with_dh_parameters(_CURVE)))


def _large_parameters(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(dh_parameters("rfc3526-3072"))
    return ServerConfig(VirtualHost(NAME, tls=leaf))


def _long_prime(server: Server) -> None:
    assert_dh_bits(server, NAME, 3072)
    assert_java7_compatible(server, NAME, protocol="TLSv1.2")  # it gets ECDHE


HEALTHY = (
    Healthy("Java 7 and newer clients", _for_java7, _look_as_java7),
    Healthy("an EC block, and no DHE", _curve_without_dhe),
    Healthy("a long prime that Java 7 does not meet", _large_parameters, _long_prime),
)
