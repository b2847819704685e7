"""Keys, certificates and chains as they may well be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost, self_signed
from tests.faq.healthy._model import NAME, Healthy, over_tls

if TYPE_CHECKING:
    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

CLIENTS = """
    SSLVerifyClient optional
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""


def _untrusted(server: Server) -> None:
    assert not server.handshake(NAME, trust=()).verification.ok


def _a_key_of_each_type(scene: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, tls=[scene.ca.issue(NAME, key_type="rsa-2048"), scene.ca.issue(NAME, key_type="ec-p256")])
    )


def _client_certificates(scene: Scene) -> ServerConfig:
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=CLIENTS)
    return ServerConfig(host, pki={"ca.pem": scene.ca.cert_pem})


HEALTHY = (
    Healthy("an intermediate", lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.intermediate().issue(NAME)))),
    Healthy(
        "two intermediates",
        lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.intermediate().intermediate().issue(NAME))),
    ),
    *(
        Healthy(f"a key of type {kind}", over_tls(key_type=kind))
        for kind in ("rsa-2048", "rsa-3072", "ec-p384", "ed25519")
    ),
    Healthy("a key of each type", _a_key_of_each_type),
    Healthy("self-signed", lambda _: ServerConfig(VirtualHost(NAME, tls=self_signed(NAME)))),
    Healthy(
        "self-signed, as openssl makes it", lambda _: ServerConfig(VirtualHost(NAME, tls=self_signed(NAME, ca=True)))
    ),
    Healthy(
        "self-signed, and not trusted", lambda _: ServerConfig(VirtualHost(NAME, tls=self_signed(NAME))), _untrusted
    ),
    Healthy("client certificates", _client_certificates),
)
