"""Demonstrations of certificates, keys and lists whose files do not hold what they should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.demos._play import Demonstration, started_by_an_ordinary_user
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.pki import Blob

NAME = "www.example.test"

_CLIENTS = """
    SSLVerifyClient optional
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""
_LISTS = """
    SSLVerifyClient optional
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
    SSLCARevocationCheck chain
    SSLCARevocationFile "${MODSSL_PKI}/crl.pem"
"""

_OWN = """
    SSLEngine on
    SSLCertificateFile "${MODSSL_PKI}/site.pem"
    SSLCertificateKeyFile "${MODSSL_PKI}/site.key"
"""
_CLOSED_KEY = """
    SSLEngine on
    SSLCertificateFile "${MODSSL_PKI}/site.pem"
    SSLCertificateKeyFile /etc/shadow
"""
_CLOSED_CERTIFICATE = """
    SSLEngine on
    SSLCertificateFile /etc/shadow
    SSLCertificateKeyFile "${MODSSL_PKI}/site.key"
"""


def _host(scene: Scene, directives: str = "", pki: Mapping[str, Blob | str | bytes] | None = None) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives), pki=pki)


def _files(scene: Scene, directives: str) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    files = {"site.pem": leaf.cert_file_pem, "site.key": leaf.key_file_pem}
    return ServerConfig(VirtualHost(NAME, port=443, directives=directives), pki=files)


DEMONSTRATIONS = (
    Demonstration(
        entry="ca-file-without-certificate",
        problem=lambda scene: _host(scene, _CLIENTS, {"ca.pem": "no certificate\n"}),
        remedy=lambda scene: _host(scene, _CLIENTS, {"ca.pem": scene.ca.cert_pem}),
        place='SSLCACertificateFile "${MODSSL_PKI}/ca.pem"',
        number="AH01895",
    ),
    Demonstration(
        entry="ca-file-without-certificate",
        name="nor the folder",
        problem=lambda scene: _host(scene, 'SSLCACertificatePath "${MODSSL_PKI}"'),
        remedy=lambda scene: _host(scene, _CLIENTS, {"ca.pem": scene.ca.cert_pem}),
        place='SSLCACertificatePath "${MODSSL_PKI}"',
        number="AH01896",
    ),
    Demonstration(
        entry="revocation-list-unreadable",
        problem=lambda scene: _host(scene, _LISTS, {"ca.pem": scene.ca.cert_pem, "crl.pem": "no list\n"}),
        remedy=lambda scene: _host(scene, _LISTS, {"ca.pem": scene.ca.cert_pem, "crl.pem": scene.ca.crl()}),
        place='SSLCARevocationFile "${MODSSL_PKI}/crl.pem"',
        number="AH01901",
    ),
    Demonstration(
        entry="key-file-unreadable",
        problem=lambda scene: _files(scene, _CLOSED_KEY),
        remedy=lambda scene: _files(scene, _OWN),
        place="SSLCertificateKeyFile /etc/shadow",
        number="AH02574",
        available=started_by_an_ordinary_user,
    ),
    Demonstration(
        entry="key-file-unreadable",
        name="nor the certificate",
        problem=lambda scene: _files(scene, _CLOSED_CERTIFICATE),
        remedy=lambda scene: _files(scene, _OWN),
        place="SSLCertificateFile /etc/shadow",
        number="AH02562",
        available=started_by_an_ordinary_user,
    ),
    Demonstration(
        entry="certificate-folder-missing",
        problem=lambda scene: _host(scene, "SSLCACertificatePath /no/such/folder"),
        remedy=lambda scene: _host(scene, _CLIENTS, {"ca.pem": scene.ca.cert_pem}),
        place="SSLCACertificatePath /no/such/folder",
        number="AH00526",
    ),
    Demonstration(
        entry="ticket-key-too-short",
        problem=lambda scene: _host(
            scene, 'SSLSessionTicketKeyFile "${MODSSL_PKI}/ticket.key"', {"ticket.key": "short"}
        ),
        remedy=lambda scene: _host(
            scene, 'SSLSessionTicketKeyFile "${MODSSL_PKI}/ticket.key"', {"ticket.key": bytes(range(48))}
        ),
        place='SSLSessionTicketKeyFile "${MODSSL_PKI}/ticket.key"',
        number="AH02287",
    ),
)
