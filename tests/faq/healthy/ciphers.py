"""Protocols, suites and sessions as they may well be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import (
    ServerConfig,
    VirtualHost,
    assert_ciphers,
    assert_handshake,
    assert_handshake_fails,
    assert_policy,
    dh_parameters,
)
from tests.faq.healthy._model import NAME, Healthy, over_tls

if TYPE_CHECKING:
    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server


def _anonymous_refused(server: Server) -> None:
    assert_handshake_fails(server, NAME, protocol="TLSv1.2", ciphers="AECDH:ADH:@SECLEVEL=0", alert="handshake_failure")


def _old_protocol_refused(server: Server) -> None:
    assert_handshake_fails(server, NAME, protocol="TLSv1.2", alert="protocol_version")


def _nothing_shared(server: Server) -> None:
    assert_handshake_fails(server, NAME, protocol="TLSv1.2", ciphers="CHACHA20", alert="handshake_failure")


def _scanned(server: Server) -> None:
    server.scan(NAME)
    assert_ciphers(server, NAME, never=["aNULL", "eNULL", "EXP"])


def _policy_in_part(server: Server) -> None:
    assert_policy(server, name=NAME, except_for=["suite", "group", "hsts", "stapling"])


def _dss(server: Server) -> None:
    assert_handshake(server, NAME, protocol="TLSv1.2", ciphers="aDSS:@SECLEVEL=0")


def _anonymous_too(server: Server) -> None:
    assert_handshake(server, NAME, protocol="TLSv1.2", ciphers="ADH:ECDHE:@SECLEVEL=0")


def _own_dh_parameters(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(dh_parameters("ffdhe2048"))
    return ServerConfig(VirtualHost(NAME, tls=leaf))


HEALTHY = (
    Healthy("TLS 1.2 alone", over_tls("SSLProtocol TLSv1.2")),
    Healthy("TLS 1.3 alone", over_tls("SSLProtocol TLSv1.3")),
    Healthy("TLS 1.3 alone, seen by an old client", over_tls("SSLProtocol TLSv1.3"), _old_protocol_refused),
    Healthy("few suites", over_tls("SSLCipherSuite ECDHE+AESGCM")),
    Healthy("anonymous suites refused", over_tls(), _anonymous_refused),
    Healthy("anonymous suites offered beside others", over_tls(), _anonymous_too),
    Healthy("a client that has nothing in common, as is wanted", over_tls("SSLCipherSuite AESGCM"), _nothing_shared),
    Healthy("scanned", over_tls(key_type="rsa-2048"), _scanned),
    Healthy("held against a part of a policy", over_tls("SSLProtocol TLSv1.2"), _policy_in_part),
    Healthy("a DSA key", over_tls("SSLCipherSuite ALL:@SECLEVEL=0", key_type="dsa-2048"), _dss),
    Healthy("a session cache", over_tls(server='SSLSessionCache "shmcb:${MODSSL_RUN}/cache(512000)"')),
    Healthy("no session tickets", over_tls("SSLSessionTickets off")),
    Healthy("DH parameters", _own_dh_parameters),
)
