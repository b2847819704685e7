"""Demonstrations of which suites are there, and which both sides have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_ciphers, assert_groups, assert_handshake, assert_policy
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
# What the intermediate configuration of Mozilla's guideline 6.0 asks of httpd.
_INTERMEDIATE = """
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20
    SSLHonorCipherOrder off
    SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1
    Header always set Strict-Transport-Security "max-age=63072000"
    SSLUseStapling on
    SSLStaplingForceURL "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""
_AS_DELIVERED = """
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite HIGH
    SSLHonorCipherOrder on
"""
_OLD_PROTOCOL = """
    SSLProtocol TLSv1.1
    SSLCipherSuite DEFAULT:@SECLEVEL=0
"""
_NEWER_TOO = """
    SSLProtocol -all +TLSv1.1 +TLSv1.2
    SSLCipherSuite DEFAULT:@SECLEVEL=0
"""
_WEAK_KEY = "SSLCipherSuite DEFAULT:@SECLEVEL=0"


def _host(scene: Scene, directives: str, key_type: str = "ec-p256") -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME, key_type=key_type), directives=directives))


def _stapled(scene: Scene, directives: str) -> ServerConfig:
    issuer = scene.ca.intermediate()
    leaf = issuer.issue(NAME)
    return ServerConfig(
        VirtualHost(NAME, tls=leaf, directives=directives),
        VirtualHost("ocsp.example.test", port=8888, files=issuer.ocsp_site(leaf)),
        directives='SSLStaplingCache "shmcb:${MODSSL_RUN}/stapling(32768)"',
    )


def _two_keys(scene: Scene) -> ServerConfig:
    leaves = [scene.ca.issue(NAME, key_type=one) for one in ("ec-p256", "rsa-2048")]
    return ServerConfig(VirtualHost(NAME, tls=leaves))


def _no_sha1(server: Server) -> None:
    assert_ciphers(server, NAME, never=["kRSA", "SHA1"])


def _aes_alone(server: Server) -> None:
    assert_ciphers(server, NAME, only=["AESGCM"])


def _offers_tls12(server: Server, ciphers: str) -> None:
    assert_handshake(server, NAME, protocol="TLSv1.2", ciphers=ciphers)


def _offers_rsa(server: Server) -> None:
    _offers_tls12(server, "aRSA:@SECLEVEL=0")


def _offers_chacha20(server: Server) -> None:
    _offers_tls12(server, "ECDHE+CHACHA20")


def _offers_anonymous(server: Server) -> None:
    _offers_tls12(server, "AECDH:ADH:@SECLEVEL=0")


def _has_tls13(installation: Installation) -> bool:
    return installation.can("TLSv1.3")


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="supported-ciphers",
        name="more than a test wants",
        problem=lambda scene: _host(scene, "SSLCipherSuite HIGH", "rsa-2048"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite HIGH:!kRSA:!SHA1", "rsa-2048"),
        check=_no_sha1,
        place="SSLCipherSuite HIGH",
    ),
    Demonstration(
        entry="supported-ciphers",
        name="those of TLS 1.3 are set apart",
        problem=lambda scene: _host(scene, "SSLCipherSuite ECDHE+AESGCM"),
        remedy=lambda scene: _host(
            scene, "SSLCipherSuite ECDHE+AESGCM\nSSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"
        ),
        check=_aes_alone,
        place="SSLCipherSuite ECDHE+AESGCM",
        available=_has_tls13,
    ),
    Demonstration(
        entry="supported-ciphers",
        name="the client's order decides",
        problem=lambda scene: _host(scene, "SSLCipherSuite ECDHE+CHACHA20:ECDHE+AESGCM"),
        remedy=lambda scene: _host(scene, "SSLHonorCipherOrder on\nSSLCipherSuite ECDHE+CHACHA20:ECDHE+AESGCM"),
        check=lambda server: assert_ciphers(server, NAME, ordered={"TLSv1.2": ["CHACHA20", "AESGCM"]}),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="supported-ciphers",
        name="groups",
        problem=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves P-521:X25519:P-256"),
        remedy=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves X25519:P-256"),
        check=lambda server: assert_groups(server, NAME, only=["x25519", "secp256r1"]),
        place="SSLOpenSSLConfCmd Curves P-521:X25519:P-256",
    ),
    Demonstration(
        entry="supported-ciphers",
        name="a policy",
        problem=lambda scene: _stapled(scene, _AS_DELIVERED),
        remedy=lambda scene: _stapled(scene, _INTERMEDIATE),
        check=lambda server: assert_policy(server, "intermediate", name=NAME, version="6.0"),
        place="SSLCipherSuite HIGH",
        available=_has_tls13,
    ),
    Demonstration(
        entry="anonymous-dh",
        name="in SSLCipherSuite",
        problem=lambda scene: _host(scene, "SSLCipherSuite ADH"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite HIGH"),
        place="SSLCipherSuite ADH",
        number="AH01898",
    ),
    Demonstration(
        entry="anonymous-dh",
        name="in a command for OpenSSL",
        problem=lambda scene: _host(scene, "SSLOpenSSLConfCmd CipherString ADH"),
        remedy=lambda scene: _host(scene, "SSLOpenSSLConfCmd CipherString HIGH"),
        place="SSLOpenSSLConfCmd CipherString ADH",
        number="AH02407",
    ),
    Demonstration(
        entry="anonymous-dh",
        name="a client that offers nothing else",
        problem=lambda scene: _host(scene, "SSLCipherSuite ALL:@SECLEVEL=0"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite ALL:@SECLEVEL=0"),
        check=_offers_anonymous,
        cure=lambda server: _offers_tls12(server, "AECDH:ADH:ECDHE:@SECLEVEL=0"),
        place="SSLCipherSuite ALL:@SECLEVEL=0",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="a DSA key and a client of RSA",
        problem=lambda scene: _host(scene, _WEAK_KEY, "dsa-2048"),
        remedy=lambda scene: _host(scene, _WEAK_KEY, "rsa-2048"),
        check=_offers_rsa,
        place="VirtualHost(NAME",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="a DSA key and TLS 1.3",
        problem=lambda scene: _host(scene, _WEAK_KEY, "dsa-2048"),
        remedy=lambda scene: _host(scene, _WEAK_KEY),
        check=lambda server: assert_handshake(server, NAME),
        place="VirtualHost(NAME",
        number="AH02008",
        available=_has_tls13,
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="an EC key and a client of DHE-RSA",
        problem=lambda scene: _host(scene, ""),
        remedy=_two_keys,
        check=lambda server: _offers_tls12(server, "DHE-RSA-AES128-GCM-SHA256"),
        place="VirtualHost(NAME",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="an EC key and a list of RSA",
        problem=lambda scene: _host(scene, "SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite ECDHE+AESGCM"),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.2"),
        place="SSLCipherSuite ECDHE-RSA-AES128-GCM-SHA256",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="list against list",
        problem=lambda scene: _host(scene, "SSLCipherSuite ECDHE+AESGCM"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20"),
        check=_offers_chacha20,
        place="SSLCipherSuite ECDHE+AESGCM",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="list against list under TLS 1.3",
        problem=lambda scene: _host(scene, "SSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.3", ciphersuites="TLS_AES_128_GCM_SHA256"),
        place="SSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384",
        number="AH02008",
        available=_has_tls13,
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="version against version",
        problem=lambda scene: _host(scene, _OLD_PROTOCOL),
        remedy=lambda scene: _host(scene, _NEWER_TOO),
        check=lambda server: assert_handshake(
            server, NAME, protocol=("TLSv1.1", "TLSv1.2"), ciphers="ECDHE+AESGCM:@SECLEVEL=0"
        ),
        place="SSLProtocol TLSv1.1",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="group against group",
        problem=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves X25519", "rsa-2048"),
        remedy=lambda scene: _host(scene, "SSLOpenSSLConfCmd Curves X25519:P-384", "rsa-2048"),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.2", ciphers="ECDHE", groups=["secp384r1"]),
        place="SSLOpenSSLConfCmd Curves X25519",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="a curve that the client does not have",
        problem=lambda scene: _host(scene, "", "ec-p384"),
        remedy=lambda scene: _host(scene, "", "ec-p256"),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.2", groups=["x25519", "secp256r1"]),
        place="VirtualHost(NAME",
        number="AH02008",
    ),
    Demonstration(
        entry="no-shared-cipher",
        name="a signature that the client does not take",
        problem=lambda scene: _host(scene, "", "ed25519"),
        remedy=lambda scene: _host(scene, ""),
        check=lambda server: assert_handshake(
            server, NAME, protocol="TLSv1.2", signature_schemes=["ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"]
        ),
        place="VirtualHost(NAME",
        number="AH02008",
    ),
)
