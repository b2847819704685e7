"""Demonstrations of Diffie-Hellman parameters that are not those in force."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_dh_bits, assert_handshake, assert_java7_compatible
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.pki import Blob, dh_parameters

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.httpd.installation import Installation

NAME = "www.example.test"
_SMALL = "rfc2409-1024"
_LARGE = "rfc3526-4096"
# What `openssl ecparam -name prime256v1 -genkey` writes before the key: an object identifier (RFC 5480 section 2.1.1).
_CURVE = Blob(b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")
_ECDHE_FIRST = """
    SSLHonorCipherOrder on
    SSLCipherSuite ECDHE+AESGCM:DHE+AESGCM
"""
_DHE_FIRST = """
    SSLHonorCipherOrder on
    SSLCipherSuite DHE+AESGCM:ECDHE+AESGCM
"""


def _in_file(scene: Scene, directives: str, *blocks: Blob) -> ServerConfig:
    leaf = scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(sum(blocks, Blob(b"")))
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives=directives))


def _in_command(scene: Scene, group: str) -> ServerConfig:
    leaf = scene.ca.issue(NAME, key_type="rsa-2048")
    directives = 'SSLOpenSSLConfCmd DHParameters "${MODSSL_PKI}/dh.pem"'
    return ServerConfig(VirtualHost(NAME, tls=leaf, directives=directives), pki={"dh.pem": dh_parameters(group)})


def _two_certificates(scene: Scene, *, first: bool) -> ServerConfig:
    rsa = scene.ca.issue(NAME, key_type="rsa-2048").with_dh_parameters(dh_parameters(_LARGE))
    leaves = [scene.ca.issue(NAME), rsa]
    return ServerConfig(VirtualHost(NAME, tls=leaves[::-1] if first else leaves))


def _chooses_by_itself(installation: Installation) -> bool:
    """With OpenSSL 1.1.1 no DHE is left, and an EC block does no harm."""
    return (installation.openssl or ()) >= (3,)


_small = functools.partial(assert_dh_bits, name=NAME, bits=1024)
_large = functools.partial(assert_dh_bits, name=NAME, bits=4096)

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="dh-parameters-ignored",
        problem=lambda scene: _in_file(scene, "SSLCipherSuite DHE+AES", dh_parameters(_SMALL)),
        remedy=lambda scene: _in_file(scene, "SSLCipherSuite DHE+AES:@SECLEVEL=1", dh_parameters(_SMALL)),
        check=_small,
        place="SSLCipherSuite DHE+AES",
        available=_chooses_by_itself,
    ),
    Demonstration(
        entry="dh-parameters-ignored",
        name="in the second certificate file",
        problem=lambda scene: _two_certificates(scene, first=False),
        remedy=lambda scene: _two_certificates(scene, first=True),
        check=_large,
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="dh-parameters-command",
        name="without effect",
        problem=lambda scene: _in_command(scene, _LARGE),
        remedy=lambda scene: _in_file(scene, "", dh_parameters(_LARGE)),
        check=_large,
        place="SSLOpenSSLConfCmd DHParameters",
    ),
    Demonstration(
        entry="dh-parameters-command",
        name="at the start",
        problem=lambda scene: _in_command(scene, _SMALL),
        remedy=lambda scene: _in_file(scene, "", dh_parameters(_LARGE)),
        place="SSLOpenSSLConfCmd DHParameters",
        number="AH02407",
    ),
    Demonstration(
        entry="ec-parameters-before-dh",
        problem=lambda scene: _in_file(scene, "", _CURVE, dh_parameters(_LARGE)),
        remedy=lambda scene: _in_file(scene, "", dh_parameters(_LARGE)),
        check=_large,
        place="VirtualHost(NAME",
        available=_chooses_by_itself,
    ),
    Demonstration(
        entry="dhe-never-chosen",
        problem=lambda scene: _in_file(scene, _ECDHE_FIRST, dh_parameters(_LARGE)),
        remedy=lambda scene: _in_file(scene, _DHE_FIRST, dh_parameters(_LARGE)),
        check=lambda server: assert_handshake(server, NAME, protocol="TLSv1.2", cipher_suite=re.compile("^DHE-RSA-")),
        place="SSLCipherSuite ECDHE+AESGCM:DHE+AESGCM",
    ),
    Demonstration(
        entry="dhe-never-chosen",
        name="by Java 7",
        problem=lambda scene: _in_file(scene, "SSLCipherSuite DEFAULT:@SECLEVEL=1", dh_parameters(_SMALL)),
        remedy=lambda scene: _in_file(scene, "SSLCipherSuite DHE+AES:@SECLEVEL=1", dh_parameters(_SMALL)),
        check=lambda server: assert_java7_compatible(server, NAME, protocol="TLSv1.2", dh_bits=1024),
        place="SSLCipherSuite DEFAULT:@SECLEVEL=1",
    ),
)
