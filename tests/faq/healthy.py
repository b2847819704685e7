"""Servers with which nothing is wrong, and a look at each that a test may well take: none may get a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake_fails, dh_parameters, self_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
OTHER = "shop.example.test"


def look(server: Server) -> None:
    """Every host by a handshake and a request, as most tests look."""
    for host in server.config.virtual_hosts:
        if host.certificates:
            server.handshake(host.name, port=host.port)
        scheme = "https" if host.certificates else "http"
        server.session().request("GET", f"{scheme}://{host.name}:{host.port}/", verify=False, allow_redirects=False)


@dataclass(frozen=True)
class Healthy:
    """A configuration with which nothing is wrong."""

    name: str
    config: Callable[[Scene], ServerConfig]
    look: Callable[[Server], object] = field(default=look)


def _tls(directives: str = "", *, server: str = "", **leaf: str) -> Callable[[Scene], ServerConfig]:
    return lambda scene: ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME, **leaf), directives=directives),  # type: ignore[arg-type]
        directives=server,
    )


def _denied(server: Server) -> None:
    assert server.get(f"https://{NAME}/").status_code == 403


def _not_found(server: Server) -> None:
    assert server.get(f"https://{NAME}/nothing").status_code == 404


def _anonymous_refused(server: Server) -> None:
    assert_handshake_fails(server, NAME, protocol="TLSv1.2", ciphers="AECDH:ADH:@SECLEVEL=0", alert="handshake_failure")


def _old_protocol_refused(server: Server) -> None:
    assert_handshake_fails(server, NAME, protocol="TLSv1.2", alert="protocol_version")


def _no_tls_spoken(server: Server) -> None:
    assert_handshake_fails(server, NAME, port=80, failure="not_tls")


def _only_https_variable(server: Server) -> None:
    assert "SSL_PROTOCOL" not in server.environment(f"https://{NAME}/")


def _untrusted(server: Server) -> None:
    assert not server.handshake(NAME, trust=()).verification.ok


HEALTHY = (
    Healthy("HTTP alone", lambda _: ServerConfig(VirtualHost(NAME))),
    Healthy("HTTPS alone", _tls()),
    Healthy(
        "HTTP and HTTPS",
        lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), VirtualHost(NAME)),
    ),
    Healthy("another port", lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443))),
    Healthy(
        "two hosts by name",
        lambda scene: ServerConfig(
            VirtualHost(NAME, tls=scene.ca.issue(NAME)), VirtualHost(OTHER, tls=scene.ca.issue(OTHER))
        ),
    ),
    Healthy(
        "an intermediate",
        lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.intermediate().issue(NAME))),
    ),
    Healthy(
        "two intermediates",
        lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.intermediate().intermediate().issue(NAME))),
    ),
    *(Healthy(f"a key of type {kind}", _tls(key_type=kind)) for kind in ("rsa-2048", "rsa-3072", "ec-p384", "ed25519")),
    Healthy("a key of each type", lambda scene: ServerConfig(VirtualHost(NAME, tls=_both(scene)))),
    Healthy("self-signed", lambda _: ServerConfig(VirtualHost(NAME, tls=self_signed(NAME)))),
    Healthy(
        "self-signed, as openssl makes it", lambda _: ServerConfig(VirtualHost(NAME, tls=self_signed(NAME, ca=True)))
    ),
    Healthy(
        "self-signed, and not trusted", lambda _: ServerConfig(VirtualHost(NAME, tls=self_signed(NAME))), _untrusted
    ),
    Healthy("TLS 1.2 alone", _tls("SSLProtocol TLSv1.2")),
    Healthy("TLS 1.3 alone", _tls("SSLProtocol TLSv1.3")),
    Healthy("TLS 1.3 alone, seen by an old client", _tls("SSLProtocol TLSv1.3"), _old_protocol_refused),
    Healthy("few suites", _tls("SSLCipherSuite ECDHE+AESGCM")),
    Healthy("anonymous suites refused", _tls(), _anonymous_refused),
    Healthy("variables for scripts", _tls("SSLOptions +StdEnvVars")),
    Healthy("no variables for scripts, as is meant", _tls(), _only_https_variable),
    Healthy("a redirect", _tls("Redirect permanent / https://shop.example.test/")),
    Healthy("a page that is denied", _tls("<Location />\nRequire all denied\n</Location>"), _denied),
    Healthy("a page that is not there", _tls(), _not_found),
    Healthy("plain HTTP, asked for TLS on purpose", lambda _: ServerConfig(VirtualHost(NAME)), _no_tls_spoken),
    Healthy("a session cache", _tls(server='SSLSessionCache "shmcb:${MODSSL_RUN}/cache(512000)"')),
    Healthy("no session tickets", _tls("SSLSessionTickets off")),
    Healthy("a source of randomness", _tls(server="SSLRandomSeed startup builtin")),
    Healthy(
        "DH parameters",
        lambda scene: ServerConfig(
            VirtualHost(
                NAME,
                tls=scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(dh_parameters("ffdhe2048")),
            )
        ),
    ),
    Healthy(
        "client certificates",
        lambda scene: ServerConfig(
            VirtualHost(
                NAME,
                tls=scene.ca.issue(NAME),
                directives='SSLVerifyClient optional\nSSLCACertificateFile "${MODSSL_PKI}/ca.pem"',
            ),
            pki={"ca.pem": scene.ca.cert_pem},
        ),
    ),
)


def _both(scene: Scene) -> list[LeafCert]:
    return [scene.ca.issue(NAME, key_type=kind) for kind in ("rsa-2048", "ec-p256")]
