"""Ports, hosts, variables, redirects and pages as they may well be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost, assert_answers_by_hand, assert_handshake_fails
from tests.faq.healthy._model import NAME, OTHER, Healthy, over_tls

if TYPE_CHECKING:
    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

SWITCH = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
"""
DENIED = """
    <Location />
        Require all denied
    </Location>
"""


def _denied(server: Server) -> None:
    assert server.get(f"https://{NAME}/").status_code == 403


def _not_found(server: Server) -> None:
    assert server.get(f"https://{NAME}/nothing").status_code == 404


def _no_tls_spoken(server: Server) -> None:
    assert_handshake_fails(server, NAME, port=80, failure="not_tls")


def _unused_host(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME), VirtualHost(NAME, tls=scene.ca.issue(NAME), port=8443), listen=[80])


def _not_listening(server: Server) -> None:
    server.get(f"http://{NAME}/")
    assert server.handshake(NAME, port=8443).ok is False
    server.accept(server.observations)


def _engine_outside(scene: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, directives="SSLEngine off"),
        VirtualHost(NAME, tls=scene.ca.issue(NAME)),
        directives='SSLEngine on\nSSLCertificateFile "${MODSSL_PKI}/server.pem"',
        pki={"server.pem": scene.ca.issue(NAME).private_key_and_cert_chain_pem},
    )


def _switching(server: Server) -> None:
    assert server.redirects(f"http://{NAME}/page_SSL").url == f"https://{NAME}/page"


def _no_redirect(server: Server) -> None:
    assert server.redirects(f"https://{NAME}/page").hops == ()


def _with_cache(scene: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME)),
        directives='SSLSessionCache "dbm:${MODSSL_RUN}/cache/sessions"\nMutex "flock:${MODSSL_RUN}/cache" ssl-cache',
        folders={"cache": 0o755},
    )


def _by_hand(server: Server) -> None:
    assert_answers_by_hand(server, NAME, b"GET / HTTP/1.0\n\n", status=400)


def _only_https_variable(server: Server) -> None:
    assert "SSL_PROTOCOL" not in server.environment(f"https://{NAME}/")


HEALTHY = (
    Healthy("HTTP alone", lambda _: ServerConfig(VirtualHost(NAME))),
    Healthy("HTTPS alone", over_tls()),
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
    Healthy("variables for scripts", over_tls("SSLOptions +StdEnvVars")),
    Healthy("no variables for scripts, as is meant", over_tls(), _only_https_variable),
    Healthy("a redirect", over_tls("Redirect permanent / https://shop.example.test/")),
    Healthy("no Listen, on purpose", _unused_host, _not_listening),
    Healthy("SSLEngine off inside, on outside", _engine_outside),
    Healthy(
        "rules that switch",
        lambda scene: ServerConfig(
            VirtualHost(NAME, directives=SWITCH),
            VirtualHost(NAME, tls=scene.ca.issue(NAME)),
            directives="RewriteEngine on",
        ),
        _switching,
    ),
    Healthy("a path that no rule is for", over_tls(SWITCH), _no_redirect),
    Healthy("a cache in a folder of its own", _with_cache),
    Healthy("a request that is refused by hand, as is meant", over_tls(), _by_hand),
    Healthy("a page that is denied", over_tls(DENIED), _denied),
    Healthy("a page that is not there", over_tls(), _not_found),
    Healthy("plain HTTP, asked for TLS on purpose", lambda _: ServerConfig(VirtualHost(NAME)), _no_tls_spoken),
    Healthy("a source of randomness", over_tls(server="SSLRandomSeed startup builtin")),
)
