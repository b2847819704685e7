"""Demonstrations of a proxy's back end that is not reached, or not trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_answers
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.pki import CA

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
BACK = "back.example.test"
_REFUSED = 'ProxyPass / "http://${MODSSL_ADDRESS}:1/"'
_PLAIN = 'ProxyPass / "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8080}/"'
# RFC 1035 2.3.4: a label has 63 octets at most, so that a resolver refuses this one without asking a name server.
_UNKNOWN = "ProxyPass / http://unresolvable-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid/"
_TLS_OFF = 'ProxyPass / "https://${MODSSL_ADDRESS}:${MODSSL_PORT_443}/"'
_NAME_NOT_CHECKED = """
    SSLProxyEngine on
    SSLProxyCheckPeerName off
    ProxyPass / "https://${MODSSL_ADDRESS}:${MODSSL_PORT_443}/"
"""
_NAME_CHECKED = """
    SSLProxyEngine on
    ProxyPass / "https://${MODSSL_ADDRESS}:${MODSSL_PORT_443}/"
"""
_VERIFIED = """
    SSLProxyEngine on
    SSLProxyVerify require
    SSLProxyCheckPeerName off
    SSLProxyCACertificateFile "${MODSSL_PKI}/ca.pem"
    ProxyPass / "https://${MODSSL_ADDRESS}:${MODSSL_PORT_443}/"
"""
_TLS_TO_PLAIN = """
    SSLProxyEngine on
    SSLProxyCheckPeerName off
    ProxyPass / "https://${MODSSL_ADDRESS}:${MODSSL_PORT_8080}/"
"""


def _proxy(scene: Scene, directives: str, ca: CA | None = None) -> ServerConfig:
    """A host that passes requests on to others of the same server, by TLS or without."""
    return ServerConfig(
        VirtualHost(NAME, directives=directives),
        VirtualHost(BACK, port=8080),
        VirtualHost(BACK, tls=scene.ca.issue(BACK)),
        pki={"ca.pem": (ca or scene.ca).cert_pem},
        modules=["proxy_http"],
    )


def _answers(server: Server) -> None:
    assert_answers(server, f"http://{NAME}/")


DEMONSTRATIONS = (
    Demonstration(
        entry="backend-refused",
        problem=lambda scene: _proxy(scene, _REFUSED),
        remedy=lambda scene: _proxy(scene, _PLAIN),
        check=_answers,
        place='ProxyPass / "http://${MODSSL_ADDRESS}:1/"',
        number="AH00957",
    ),
    Demonstration(
        entry="backend-not-resolved",
        problem=lambda scene: _proxy(scene, _UNKNOWN),
        remedy=lambda scene: _proxy(scene, _PLAIN),
        check=_answers,
        place=_UNKNOWN,
        number="AH00898",
    ),
    Demonstration(
        entry="backend-tls-off",
        problem=lambda scene: _proxy(scene, _TLS_OFF),
        remedy=lambda scene: _proxy(scene, _NAME_NOT_CHECKED),
        check=_answers,
        place="ProxyPass /",
        number="AH00961",
    ),
    Demonstration(
        entry="backend-not-trusted",
        problem=lambda scene: _proxy(scene, _VERIFIED, CA()),
        remedy=lambda scene: _proxy(scene, _VERIFIED),
        check=_answers,
        place="SSLProxyCACertificateFile",
        number="AH02003",
    ),
    Demonstration(
        entry="backend-speaks-no-tls",
        problem=lambda scene: _proxy(scene, _TLS_TO_PLAIN),
        remedy=lambda scene: _proxy(scene, _PLAIN),
        check=_answers,
        place="ProxyPass /",
        number="AH02003",
    ),
    Demonstration(
        entry="backend-for-another-name",
        problem=lambda scene: _proxy(scene, _NAME_CHECKED),
        remedy=lambda scene: _proxy(scene, _NAME_NOT_CHECKED),
        check=_answers,
        place="ProxyPass /",
        number="AH02411",
    ),
)
