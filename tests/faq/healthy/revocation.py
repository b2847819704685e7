"""Revocation that works, and what it refuses on purpose."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_modssl import CA, ServerConfig, VirtualHost, assert_handshake_fails
from tests.faq.healthy._model import NAME, Healthy

if TYPE_CHECKING:
    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server

CLIENTS = """
    SSLVerifyClient optional
    SSLCACertificateFile "${MODSSL_PKI}/clients.pem"
"""
LIST = """
    SSLCARevocationCheck leaf
    SSLCARevocationFile "${MODSSL_PKI}/clients.crl"
"""
OCSP = """
    SSLOCSPEnable on
    SSLOCSPUseRequestNonce off
    SSLOCSPOverrideResponder on
    SSLOCSPDefaultResponder "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""
STAPLING = """
    SSLUseStapling on
    SSLStaplingForceURL "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""


@cache
def _staff() -> CA:
    return CA(common_name="Example staff root")


@cache
def _eve() -> LeafCert:
    eve = _staff().issue_client("Eve")
    _staff().revoke(eve)
    return eve


def _clients(scene: Scene, directives: str) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=CLIENTS + directives),
        VirtualHost("ocsp.example.test", port=8888, files=_staff().ocsp_site(_eve())),
        pki={"clients.pem": _staff().cert_pem, "clients.crl": _staff().crl()},
    )


def _stapled(scene: Scene) -> ServerConfig:
    ca = scene.ca.intermediate()
    leaf = ca.issue(NAME)
    return ServerConfig(
        VirtualHost(NAME, tls=leaf, directives=STAPLING),
        VirtualHost("ocsp.example.test", port=8888, files=ca.ocsp_site(leaf)),
        directives='SSLStaplingCache "shmcb:${MODSSL_RUN}/stapling(32768)"',
    )


def _refused_on_purpose(server: Server) -> None:
    assert_handshake_fails(server, NAME, client=_eve(), alert="certificate_revoked", log="revoked")


def _asked_for_the_response(server: Server) -> None:
    assert server.handshake(NAME, status_request=True).stapled is not None


def _asked_in_vain(server: Server) -> None:
    assert server.handshake(NAME, status_request=True).stapled is None


HEALTHY = (
    Healthy("a list of revoked certificates", lambda scene: _clients(scene, LIST)),
    Healthy("a client that the list names, refused", lambda scene: _clients(scene, LIST), _refused_on_purpose),
    Healthy("OCSP for client certificates", lambda scene: _clients(scene, OCSP)),
    Healthy("a client that OCSP calls revoked, refused", lambda scene: _clients(scene, OCSP), _refused_on_purpose),
    Healthy("a stapled response", _stapled, _asked_for_the_response),
    Healthy("a stapled response that nobody asks for", _stapled),
    Healthy(
        "no stapled response, where nobody minds",
        lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME))),
        _asked_in_vain,
    ),
)
