"""Servers that resume sessions, or are not asked to, and sources of randomness that give what they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import (
    CA,
    ServerConfig,
    VirtualHost,
    assert_handshake,
    assert_handshake_within,
    assert_sessions_resumed,
)
from tests.faq.healthy._model import NAME, Healthy, over_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

DBM = """
    SSLSessionTickets off
    SSLSessionCache "dbm:${MODSSL_RUN}/sessions"
"""
CLIENT_CA = CA(common_name="the clients' CA")
# A small certificate: the session that it is part of fits into a DBM.
CLIENT = CLIENT_CA.issue_client("a client")


def _clients(scene: Scene) -> ServerConfig:
    required = 'SSLVerifyClient require\nSSLCACertificateFile "${MODSSL_PKI}/ca.pem"'
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=required)
    return ServerConfig(host, directives=DBM, pki={"ca.pem": CLIENT_CA.cert_pem})


def _resumed(by: str, protocol: str) -> Callable[[Server], object]:
    return lambda server: assert_sessions_resumed(server, NAME, by=by, protocol=protocol)  # type: ignore[arg-type]


def _small_sessions(server: Server) -> None:
    assert_sessions_resumed(server, NAME, by="session id", client=CLIENT)


def _not_resumed_as_is_meant(server: Server) -> None:
    first = server.handshake(NAME)
    assert_handshake(server, NAME, session=first.session, resumed=False)


def _load_without_sessions(server: Server) -> None:
    assert not server.load(f"https://{NAME}/", connections=20, resume=False).failures


def _soon(server: Server) -> None:
    assert_handshake_within(server, NAME, seconds=5)


def _two_sources(scene: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME)),
        directives="SSLRandomSeed connect file:/dev/urandom 512\nSSLRandomSeed connect builtin",
        pipes=["unused"],
    )


HEALTHY = (
    Healthy("sessions in a DBM, TLS 1.2", over_tls(server=DBM), _resumed("session id", "TLSv1.2")),
    Healthy("sessions in a DBM, TLS 1.3", over_tls(server=DBM), _resumed("session id", "TLSv1.3")),
    Healthy("sessions of clients with small certificates in a DBM", _clients, _small_sessions),
    Healthy("tickets and no cache", over_tls(), _resumed("ticket", "TLSv1.2")),
    Healthy("no session is resumed, as is meant", over_tls("SSLSessionTickets off"), _not_resumed_as_is_meant),
    Healthy("a load of full handshakes", over_tls("SSLSessionTickets off"), _load_without_sessions),
    Healthy("sources of randomness for each connection", _two_sources, _soon),
)
