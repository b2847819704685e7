"""Demonstrations of virtual hosts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import Served, assert_answered_by, assert_sni
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
OTHER = "shop.example.test"
OLD = "old.example.test"

_SHARED = """
    SSLEngine on
    SSLCertificateFile "${MODSSL_PKI}/both.pem"
"""
_OWN = """
    SSLEngine on
    SSLCertificateFile "${MODSSL_PKI}/shop.pem"
"""
_MEMBERS = """
    SSLEngine on
    SSLCertificateFile "${MODSSL_PKI}/both.pem"
    SSLVerifyClient optional
    SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
"""


def _two(scene: Scene, first: str, second: str, *, aliases: tuple[str, ...] = (), server: str = "") -> ServerConfig:
    """Two hosts, each with a certificate of its own for the names given."""
    return ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(*first.split())),
        VirtualHost(OTHER, tls=scene.ca.issue(*second.split()), aliases=aliases),
        directives=server,
    )


def _of_files(scene: Scene, second: str, server: str = "") -> ServerConfig:
    """Two hosts whose certificates are files: the first has that for both names."""
    return ServerConfig(
        VirtualHost(NAME, port=443, directives=_SHARED),
        VirtualHost(OTHER, port=443, directives=second),
        directives=server,
        pki={
            "both.pem": scene.ca.issue(NAME, OTHER).private_key_and_cert_chain_pem,
            "shop.pem": scene.ca.issue(OTHER).private_key_and_cert_chain_pem,
            "ca.pem": scene.ca.cert_pem,
        },
    )


def _without_sni(server: Server) -> None:
    assert_sni(server, {OTHER: OTHER, NAME: NAME}, no_sni=OTHER)


def _old_name(server: Server) -> None:
    assert_sni(server, {NAME: NAME, OLD: OLD})


def _for_the_other(server: Server) -> None:
    assert_answered_by(server, OTHER, sni=NAME, by=OTHER)


def _refused(server: Server) -> None:
    assert_answered_by(server, OTHER, sni=NAME, by=421)


def _served_without_sni(server: Server) -> None:
    assert_sni(server, {NAME: NAME}, no_sni=Served(status=200))


def _has_policies(installation: Installation) -> bool:
    return installation.can("sni-policy")


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="name-based-without-sni",
        problem=lambda scene: _two(scene, NAME, OTHER),
        remedy=lambda scene: _two(scene, f"{NAME} {OTHER}", f"{NAME} {OTHER}"),
        check=_without_sni,
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="sni",
        name="another certificate for the Host",
        problem=lambda scene: _of_files(scene, _OWN),
        remedy=lambda scene: _of_files(scene, _SHARED),
        check=_for_the_other,
        place='SSLCertificateFile "${MODSSL_PKI}/shop.pem"',
        number="AH02032",
    ),
    Demonstration(
        entry="sni",
        name="client certificates for the Host alone",
        problem=lambda scene: _of_files(scene, _MEMBERS),
        remedy=lambda scene: _of_files(scene, _SHARED),
        check=_for_the_other,
        place="SSLVerifyClient optional",
        number="AH02032",
    ),
    Demonstration(
        entry="sni",
        name="a strict policy",
        problem=lambda scene: _of_files(scene, _SHARED, "SSLVHostSNIPolicy strict"),
        remedy=lambda scene: _of_files(scene, _SHARED, "SSLVHostSNIPolicy secure"),
        check=_for_the_other,
        place="SSLVHostSNIPolicy strict",
        number="AH02032",
        available=_has_policies,
    ),
    Demonstration(
        entry="sni",
        name="a policy that lets through",
        problem=lambda scene: _of_files(scene, _OWN, "SSLVHostSNIPolicy insecure"),
        remedy=lambda scene: _of_files(scene, _OWN, "SSLVHostSNIPolicy secure"),
        check=_refused,
        place="SSLVHostSNIPolicy insecure",
        available=_has_policies,
    ),
    Demonstration(
        entry="sni",
        name="a client without SNI, refused",
        problem=lambda scene: _two(scene, NAME, OTHER, server="SSLStrictSNIVHostCheck on"),
        remedy=lambda scene: _two(scene, NAME, OTHER, server="SSLStrictSNIVHostCheck off"),
        check=_served_without_sni,
        place="SSLStrictSNIVHostCheck on",
        number="AH02033",
    ),
    Demonstration(
        entry="sni",
        name="a name that no host has",
        problem=lambda scene: _two(scene, NAME, f"{OTHER} {OLD}"),
        remedy=lambda scene: _two(scene, NAME, f"{OTHER} {OLD}", aliases=(OLD,)),
        check=_old_name,
        place="VirtualHost(NAME",
    ),
)
