"""Keys, certificates and chains as they may well be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import File, ServerConfig, VirtualHost, assert_handshake, self_signed
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


def _with_the_root(server: Server) -> None:
    assert server.handshake(NAME).verification.ok


def _a_chain_in_its_own_file(scene: Scene) -> ServerConfig:
    leaf = scene.ca.intermediate().issue(NAME)
    host = VirtualHost(NAME, tls=leaf.without_chain(), directives='SSLCertificateChainFile "${MODSSL_PKI}/chain.pem"')
    return ServerConfig(host, pki={"chain.pem": leaf.chain_pem})


def _the_root_sent_too(scene: Scene) -> ServerConfig:
    leaf = scene.ca.intermediate().issue(NAME)
    return ServerConfig(VirtualHost(NAME, tls=leaf.with_chain(*leaf.chain, scene.ca.certificate)))


def _a_locked_key(scene: Scene) -> ServerConfig:
    program = File(b"#!/bin/sh\necho 'open sesame'\n", executable=True)
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME).with_pass_phrase("open sesame"), files={"phrase": program})
    return ServerConfig(host, directives="SSLPassPhraseDialog exec:${MODSSL_RUN}/../sites/0-www.example.test/phrase")


def _another_name_on_purpose(server: Server) -> None:
    assert_handshake(server, "other.example.test", verified=False)


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
    Healthy("a chain in a file of its own", _a_chain_in_its_own_file),
    Healthy("the root sent too, where nobody minds", _the_root_sent_too, _with_the_root),
    Healthy("a key with a pass phrase that a program tells", _a_locked_key),
    Healthy("another name than the certificate's, as is meant", over_tls(), _another_name_on_purpose),
)
