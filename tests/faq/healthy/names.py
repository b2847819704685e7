"""Hosts by name, and clients that name one, none or another, as is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost, assert_answered_by, assert_sni
from pytest_modssl.asserts import Served
from tests.faq.healthy._model import NAME, OTHER, Healthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server


def _two(directives: str = "") -> Callable[[Scene], ServerConfig]:
    return lambda scene: ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME)),
        VirtualHost(OTHER, tls=scene.ca.issue(OTHER, "*.example.test"), aliases=["*.example.test"]),
        directives=directives,
    )


def _first_without_sni(server: Server) -> None:
    assert_sni(server, {NAME: NAME, "any.example.test": OTHER}, no_sni=NAME, unknown=NAME)


def _refused_without_sni(server: Server) -> None:
    assert_sni(server, {NAME: NAME}, no_sni=Served(status=403))


def _misdirected(server: Server) -> None:
    assert_answered_by(server, OTHER, sni=NAME, by=421)
    assert_answered_by(server, OTHER, sni=NAME)
    assert_answered_by(server, "unknown.invalid", sni=NAME, by=NAME)


def _no_sni_at_all(server: Server) -> None:
    assert server.handshake().names == (NAME,)
    assert server.handshake("unknown.invalid").hostname_ok is False


HEALTHY = (
    Healthy("a client without SNI that gets the first host, as is meant", _two(), _first_without_sni),
    Healthy("names that nobody asked to be served", _two(), _no_sni_at_all),
    Healthy("a client without SNI, refused as is meant", _two("SSLStrictSNIVHostCheck on"), _refused_without_sni),
    Healthy("a Host that is not the SNI, refused as is meant", _two(), _misdirected),
)
