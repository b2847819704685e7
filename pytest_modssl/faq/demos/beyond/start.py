"""Demonstrations of failures that keep httpd from starting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"


def _host(scene: Scene, directives: str = "", *, key_type: str = "ec-p256") -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME, key_type=key_type), directives=directives))


def _plain(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME))


def _listens_twice(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME), directives="Listen [::ffff:${MODSSL_ADDRESS}]:${MODSSL_PORT_80}")


def _engine_alone(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, port=443, directives="SSLEngine on"))


DEMONSTRATIONS = (
    Demonstration(
        entry="address-in-use",
        problem=_listens_twice,
        remedy=_plain,
        place="Listen [::ffff:${MODSSL_ADDRESS}]:${MODSSL_PORT_80}",
        number="AH00072",
    ),
    Demonstration(
        entry="certificate-file-missing",
        problem=lambda scene: _host(scene, "SSLCertificateFile /no/such/file.pem"),
        remedy=_host,
        place="SSLCertificateFile /no/such/file.pem",
        number="AH00526",
    ),
    Demonstration(
        entry="unknown-directive",
        name="a misspelled name",
        problem=lambda scene: _host(scene, "SSLHonourCipherOrder on"),
        remedy=lambda scene: _host(scene, "SSLHonorCipherOrder on"),
        place="SSLHonourCipherOrder on",
        number="AH00526",
    ),
    Demonstration(
        entry="unknown-directive",
        name="a module that is not loaded",
        # What an included file needs is not known before httpd reads it.
        problem=lambda _: ServerConfig(
            VirtualHost(NAME, directives='Include "${MODSSL_PKI}/part.conf"'), pki={"part.conf": "RewriteEngine on\n"}
        ),
        remedy=lambda _: ServerConfig(
            VirtualHost(NAME, directives='Include "${MODSSL_PKI}/part.conf"'),
            pki={"part.conf": "RewriteEngine on\n"},
            modules=["rewrite"],
        ),
        number="AH00526",
    ),
    Demonstration(
        entry="key-too-small",
        problem=lambda scene: _host(scene, key_type="rsa-1024"),
        remedy=lambda scene: _host(scene, key_type="rsa-2048"),
        place="ServerConfig(VirtualHost(NAME",
        number="AH02562",
    ),
    Demonstration(
        entry="cipher-list-empty",
        problem=lambda scene: _host(scene, "SSLCipherSuite RC4"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite HIGH"),
        place="SSLCipherSuite RC4",
        number="AH01898",
    ),
    Demonstration(
        entry="cipher-list-empty",
        name="misspelt, without anonymous ones",
        problem=lambda scene: _host(scene, "SSLCipherSuite HIHG:!aNULL"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite HIGH:!aNULL"),
        place="SSLCipherSuite HIHG:!aNULL",
        number="AH01898",
    ),
    Demonstration(
        entry="cipher-list-empty",
        name="of TLS 1.3",
        problem=lambda scene: _host(scene, "SSLCipherSuite TLSv1.3 AES256"),
        remedy=lambda scene: _host(scene, "SSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384"),
        place="SSLCipherSuite TLSv1.3 AES256",
        number="AH10127",
    ),
    Demonstration(
        entry="certificate-not-configured",
        problem=_engine_alone,
        remedy=_plain,
        place='directives="SSLEngine on"',
        number="AH02572",
    ),
)
