"""Demonstrations of client certificates that are missing, or that the server does not take."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_handshake
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.pki import CA

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
_REQUIRED = """
    SSLVerifyClient require
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""
_OPTIONAL = """
    SSLVerifyClient optional
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""
_WITHOUT_CA = "SSLVerifyClient require"
_DEEPER = """
    SSLVerifyClient require
    SSLVerifyDepth 2
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""
_SHALLOW = """
    SSLVerifyClient require
    SSLVerifyDepth 1
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""
_CA = CA(common_name="the clients' CA")
_DAY = dt.timedelta(days=1)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


# Who comes to the server; a configuration names one of them by its Define CLIENT.
_CLIENTS: dict[str, Callable[[], LeafCert | None]] = {
    "nobody": lambda: None,
    "valid": functools.cache(lambda: _CA.issue_client("a client")),
    "expired": functools.cache(lambda: _CA.issue_client("a client of old", not_after=_now() - _DAY)),
    "too early": functools.cache(lambda: _CA.issue_client("a client to be", not_before=_now() + _DAY)),
    "server": functools.cache(lambda: _CA.issue_client("no client", usages=("serverAuth",))),
    "below an intermediate": functools.cache(lambda: _CA.intermediate().issue_client("a client far down")),
}


def _host(scene: Scene, client: str, directives: str = _REQUIRED) -> ServerConfig:
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives)
    return ServerConfig(host, pki={"ca.pem": _CA.cert_pem}, defines={"CLIENT": client})


def _comes(server: Server, protocol: str | None = None) -> None:
    assert isinstance(server.config, ServerConfig), "a demonstration's server has what it wrote"
    assert_handshake(server, NAME, protocol=protocol, client=_CLIENTS[server.config.defines["CLIENT"]]())


DEMONSTRATIONS = (
    *(
        Demonstration(
            entry="client-certificate-missing",
            name=protocol,
            problem=lambda scene: _host(scene, "nobody"),
            remedy=lambda scene: _host(scene, "nobody", _OPTIONAL),
            check=functools.partial(_comes, protocol=protocol),
            place="SSLVerifyClient require",
        )
        for protocol in ("TLSv1.2", "TLSv1.3")
    ),
    Demonstration(
        entry="client-ca-not-configured",
        problem=lambda scene: _host(scene, "valid", _WITHOUT_CA),
        remedy=lambda scene: _host(scene, "valid"),
        check=_comes,
        place="SSLVerifyClient require",
        number="AH01897",
    ),
    Demonstration(
        entry="client-certificate-expired",
        problem=lambda scene: _host(scene, "expired"),
        remedy=lambda scene: _host(scene, "valid"),
        check=_comes,
        place="SSLVerifyClient require",
        number="AH02276",
    ),
    Demonstration(
        entry="client-certificate-expired",
        name="not yet valid",
        problem=lambda scene: _host(scene, "too early"),
        remedy=lambda scene: _host(scene, "valid"),
        check=_comes,
        place="SSLVerifyClient require",
        number="AH02276",
    ),
    Demonstration(
        entry="client-certificate-purpose",
        problem=lambda scene: _host(scene, "server"),
        remedy=lambda scene: _host(scene, "valid"),
        check=_comes,
        place="SSLVerifyClient require",
        number="AH02276",
    ),
    Demonstration(
        entry="client-chain-too-long",
        problem=lambda scene: _host(scene, "below an intermediate", _SHALLOW),
        remedy=lambda scene: _host(scene, "below an intermediate", _DEEPER),
        check=_comes,
        place="SSLVerifyDepth 1",
        number="AH02040",
    ),
)
