"""Logins by TLS-SRP, and refusals that a test wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost, assert_srp, assert_srp_refused, srp_verifier, srp_verifier_file
from tests.faq.healthy._model import NAME, Healthy

if TYPE_CHECKING:
    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

_SRP = """
    SSLProtocol -all +TLSv1.2
    SSLCipherSuite "ECDHE+AESGCM:SRP"
    SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
"""


def _with_srp(scene: Scene) -> ServerConfig:
    if not scene.installation.can("srp"):
        return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)))
    users = srp_verifier_file(srp_verifier("alice", "open sesame"))
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=_SRP), pki={"users.srpv": users})


def _log_in(server: Server) -> None:
    if server.installation.can("srp"):
        assert_srp(server, NAME, "alice", "open sesame", newest="TLSv1.2")
        assert_srp_refused(server, NAME, "alice", "guessed", alert="bad_record_mac")
        assert_srp_refused(server, NAME, "mallory", "guessed", alert="unknown_psk_identity")
        server.handshake(NAME, protocol="TLSv1.2", ciphers="ECDHE+AESGCM")


HEALTHY = (Healthy("SRP beside certificates, and refusals of it", _with_srp, _log_in),)
