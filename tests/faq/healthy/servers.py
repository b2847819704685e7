"""Servers, hosts, clients and settings of TLS as they may well be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import CA, File, ServerConfig, VirtualHost, assert_handshake, assert_handshake_fails
from tests.faq.healthy._model import NAME, OTHER, Healthy, over_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

REQUIRED = """
    SSLVerifyClient require
    SSLVerifyDepth 2
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""
REVOCATION = """
    SSLCARevocationCheck chain
    SSLCARevocationFile "${MODSSL_PKI}/crl.pem"
"""
OLD_PROTOCOLS = """
    SSLCipherSuite DEFAULT:@SECLEVEL=0
    SSLProtocol -all +TLSv1.1 +TLSv1.2
"""
STAPLING_OFF = """
    SSLUseStapling off
    SSLOCSPEnable off
"""


CLIENT_CA = CA(common_name="the clients' CA")
CLIENT, REVOKED = CLIENT_CA.issue_client("a client"), CLIENT_CA.issue_client("a client that lost its key")
CLIENT_CA.revoke(REVOKED)


def _clients(directives: str) -> Callable[[Scene], ServerConfig]:
    return lambda scene: ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives),
        pki={"ca.pem": CLIENT_CA.cert_pem, "crl.pem": CLIENT_CA.crl()},
    )


def _with_certificate(server: Server) -> None:
    assert_handshake(server, NAME, client=CLIENT)
    assert server.session(client=CLIENT).get(f"https://{NAME}/").status_code == 200


def _without_certificate(server: Server) -> None:
    assert_handshake_fails(server, NAME, protocol="TLSv1.2", alert="handshake_failure")


def _with_revoked_certificate(server: Server) -> None:
    # Under TLS 1.2: with 1.3 the handshake ends before the server says no.
    assert_handshake_fails(server, NAME, protocol="TLSv1.2", client=REVOKED, alert="certificate_revoked")


def _protocol(protocol: str) -> Callable[[Server], object]:
    return lambda server: assert_handshake(server, NAME, protocol=protocol)


def _another_name(server: Server) -> None:
    assert not server.handshake("unknown.example.test").hostname_ok


def _many_hosts(scene: Scene) -> ServerConfig:
    names = [f"host{number}.example.test" for number in range(20)]
    return ServerConfig(*(VirtualHost(name, tls=scene.ca.issue(name)) for name in names))


def _wildcard(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue("*.example.test", "example.test")
    return ServerConfig(
        VirtualHost(NAME, tls=leaf), VirtualHost(OTHER, tls=leaf), VirtualHost("example.test", tls=leaf)
    )


def _several_ports(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    hosts = (VirtualHost(NAME, tls=leaf, port=port) for port in (443, 8443, 9443))
    return ServerConfig(*hosts, VirtualHost(NAME), VirtualHost(NAME, port=8080))


def _twice(server: Server) -> None:
    for _ in range(2):
        assert server.session().get(f"https://{NAME}/").status_code == 200


def _crashing_script(scene: Scene) -> ServerConfig:
    program = File(b"#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhere\\n'\nkill -SEGV $$\n", executable=True)
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), files={"index.cgi": program}))


def _script(server: Server) -> None:
    assert server.get(f"https://{NAME}/index.cgi").text == "here\n"


def _mpm(mpm: str) -> Callable[[Scene], ServerConfig]:
    def config(scene: Scene) -> ServerConfig:
        return ServerConfig(
            VirtualHost(NAME, tls=scene.ca.issue(NAME)), mpm=mpm if mpm in scene.installation.mpms else None
        )

    return config


HEALTHY = (
    Healthy("a client certificate that is required, and shown", _clients(REQUIRED), _with_certificate),
    Healthy("a client certificate that is required, and missing as is meant", _clients(REQUIRED), _without_certificate),
    Healthy("a client that is not revoked", _clients(REQUIRED + REVOCATION), _with_certificate),
    Healthy("a client that is revoked, as is meant", _clients(REQUIRED + REVOCATION), _with_revoked_certificate),
    Healthy("TLS 1.1, for an old client", over_tls(OLD_PROTOCOLS), _protocol("TLSv1.1")),
    Healthy("TLS 1.2 and 1.3", over_tls("SSLProtocol -all +TLSv1.2 +TLSv1.3"), _protocol("TLSv1.2")),
    Healthy("suites of TLS 1.3", over_tls("SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256"), _protocol("TLSv1.3")),
    Healthy("groups", over_tls("SSLOpenSSLConfCmd Curves X25519:P-256"), _protocol("TLSv1.3")),
    Healthy("OCSP off", over_tls(STAPLING_OFF)),
    Healthy("a stapling cache without stapling", over_tls(server='SSLStaplingCache "shmcb:${MODSSL_RUN}/st(32768)"')),
    Healthy("another name, as is meant", over_tls(), _another_name),
    Healthy("many hosts", _many_hosts),
    Healthy("children that end after one connection", over_tls(server="MaxConnectionsPerChild 1"), _twice),
    Healthy("a small stack that is enough", over_tls(server="ThreadStackSize 131072")),
    Healthy("a folder for cores", over_tls(server='CoreDumpDirectory "${MODSSL_RUN}"')),
    Healthy("a script that crashes, and not its httpd", _crashing_script, _script),
    Healthy("a wildcard", _wildcard),
    Healthy("several ports", _several_ports),
    Healthy("HTTP/2", over_tls("Protocols h2 http/1.1")),
    Healthy("a variable that is defined", over_tls("Header set X-A ${WORD}", server="Define WORD here")),
    Healthy("an optional file that is not there", over_tls("IncludeOptional /no/such/*.conf")),
    *(Healthy(f"mpm {mpm}", _mpm(mpm)) for mpm in ("worker", "prefork")),
)
