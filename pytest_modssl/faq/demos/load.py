"""Demonstrations of load, and of how long a handshake takes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_handshake_within, assert_sessions_resumed
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.pki import CA

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
# The blocked source never gives anything, so that no deadline is long enough; this one is for the server that is cured.
_SECONDS = 2.0

CLIENTS = """
    SSLVerifyClient require
    SSLCACertificateFile "${MODSSL_PKI}/clients.pem"
"""
DBM = """
    SSLSessionTickets off
    SSLSessionCache "dbm:${MODSSL_RUN}/sessions"
"""
QUIET_DBM = """
    SSLSessionTickets off
    SSLSessionCache "dbm:${MODSSL_RUN}/quiet"
    LogLevel socache_dbm:warn
"""
SHMCB = """
    SSLSessionTickets off
    SSLSessionCache "shmcb:${MODSSL_RUN}/sessions(512000)"
"""
NOTHING = """
    SSLSessionTickets off
"""
NO_CACHE = """
    SSLSessionCache none
"""
BLOCKED = """
    SSLRandomSeed connect "file:${MODSSL_RUN}/entropy" 512
"""


@cache
def _client() -> tuple[CA, LeafCert]:
    """A client certificate as companies have them: RSA keys, also the CA's. It makes a session of a kilobyte."""
    ca = CA(common_name="the clients' CA", key_type="rsa-2048")
    return ca, ca.issue_client("a client", key_type="rsa-2048", emails=["a.client@example.test"])


def _with_clients(scene: Scene, directives: str) -> ServerConfig:
    ca, _ = _client()
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=CLIENTS)
    return ServerConfig(host, directives=directives, pki={"clients.pem": ca.cert_pem})


def _clients_resume(server: Server, protocol: str | None = None) -> None:
    _, client = _client()
    assert_sessions_resumed(server, NAME, client=client, protocol=protocol)


def _sessions(scene: Scene, directives: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), directives=directives)


def _seeded(scene: Scene, directives: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), directives=directives, pipes=["entropy"])


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="errors-under-load",
        name="sessions that are too large for a DBM",
        problem=lambda scene: _with_clients(scene, DBM),
        remedy=lambda scene: _with_clients(scene, SHMCB),
        check=_clients_resume,
        place='SSLSessionCache "dbm:${MODSSL_RUN}/sessions"',
        number="AH00806",
    ),
    Demonstration(
        entry="errors-under-load",
        name="sessions that are too large for a DBM, with a log that does not say so",
        problem=lambda scene: _with_clients(scene, QUIET_DBM),
        remedy=lambda scene: _with_clients(scene, SHMCB),
        check=lambda server: _clients_resume(server, protocol="TLSv1.2"),
        place='SSLSessionCache "dbm:${MODSSL_RUN}/quiet"',
    ),
    Demonstration(
        entry="load-of-tls",
        name="neither tickets nor a session cache",
        problem=lambda scene: _sessions(scene, NOTHING),
        remedy=lambda scene: _sessions(scene, SHMCB),
        check=lambda server: assert_sessions_resumed(server, NAME),
        place="SSLSessionTickets off",
    ),
    Demonstration(
        entry="load-of-tls",
        name="clients without tickets, and no session cache",
        problem=lambda scene: _sessions(scene, NO_CACHE),
        remedy=lambda scene: _sessions(scene, SHMCB),
        check=lambda server: assert_sessions_resumed(server, NAME, by="session id", protocol="TLSv1.2"),
        place="SSLSessionCache none",
        number="AH01873",
    ),
    Demonstration(
        entry="load-of-tls",
        name="no tickets",
        problem=lambda scene: _sessions(scene, SHMCB),
        remedy=lambda scene: _sessions(scene, "SSLSessionTickets on"),
        check=lambda server: assert_sessions_resumed(server, NAME, by="ticket"),
        place="SSLSessionTickets off",
    ),
    Demonstration(
        entry="slow-handshake",
        problem=lambda scene: _seeded(scene, BLOCKED),
        remedy=lambda scene: _seeded(scene, "SSLRandomSeed connect builtin"),
        check=lambda server: assert_handshake_within(server, NAME, seconds=_SECONDS),
        place='SSLRandomSeed connect "file:${MODSSL_RUN}/entropy" 512',
    ),
)
