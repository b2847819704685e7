"""Demonstrations of the group Certificates."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_modssl.asserts import (
    assert_certificate,
    assert_chain_complete,
    assert_handshake,
    assert_private_keys_protected,
)
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.httpd.site import File
from pytest_modssl.pki import CA, CSR, LeafCert, generate_key, self_signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.pki import Blob
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
_KEY_TYPES = ("ec-p256", "rsa-2048", "ed25519")
# The program is a file of the site, which httpd's parent runs while it starts.
_DIALOG = "SSLPassPhraseDialog exec:${MODSSL_RUN}/../sites/0-www.example.test/phrase"
_FILES = """
    SSLEngine on
    SSLCertificateFile "${MODSSL_PKI}/server.crt"
    SSLCertificateKeyFile "${MODSSL_PKI}/server.key"
"""


def _served(leaf: LeafCert) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=leaf))


def _leaf_and_key(scene: Scene) -> ServerConfig:
    return _served(scene.ca.issue(NAME))


def _from_files(certificate: Blob | bytes, key: Blob | bytes) -> ServerConfig:
    host = VirtualHost(NAME, port=443, directives=_FILES)
    return ServerConfig(host, pki={"server.crt": certificate, "server.key": key})


def _leaf_from_files(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    return _from_files(leaf.cert_pem, leaf.key_file_pem)


def _request_for_certificate(_: Scene) -> ServerConfig:
    key = generate_key()
    return _from_files(CSR.create(key, NAME).pem, key.pem)


def _key_for_certificate(_: Scene) -> ServerConfig:
    key = generate_key()
    return _from_files(key.pem, key.pem)


def _certificate_for_key(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    return _from_files(leaf.cert_pem, leaf.cert_pem)


def _der(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    return _from_files(leaf.der, leaf.key_file_pem)


def _locked(scene: Scene, pass_phrase: str, program: File | None = None) -> ServerConfig:
    locked = scene.ca.issue(NAME).with_pass_phrase(pass_phrase)
    if program is None:
        return ServerConfig(VirtualHost(NAME, tls=locked))
    return ServerConfig(VirtualHost(NAME, tls=locked, files={"phrase": program}), directives=_DIALOG)


def _says(pass_phrase: str, *, executable: bool = True) -> File:
    return File(f"#!/bin/sh\necho '{pass_phrase}'\n".encode(), executable)


def _program_missing(scene: Scene) -> ServerConfig:
    locked = scene.ca.issue(NAME).with_pass_phrase("open sesame")
    return ServerConfig(VirtualHost(NAME, tls=locked), directives="SSLPassPhraseDialog exec:/no/such/program")


def _key_in_site(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    directives = """
        SSLEngine on
        SSLCertificateFile "${MODSSL_SITE}/server.crt"
        SSLCertificateKeyFile "${MODSSL_SITE}/server.key"
    """
    files = {"server.crt": leaf.cert_pem.bytes(), "server.key": leaf.key_file_pem.bytes()}
    return ServerConfig(VirtualHost(NAME, port=443, directives=directives, files=files))


def _key_of_another(key_type: str) -> Callable[[Scene], ServerConfig]:
    def config(scene: Scene) -> ServerConfig:
        leaf, other = (scene.ca.issue(NAME, key_type=key_type) for _ in range(2))
        return _served(leaf.with_key(other.private_key))

    return config


def _leaf_of_type(key_type: str) -> Callable[[Scene], ServerConfig]:
    return lambda scene: _served(scene.ca.issue(NAME, key_type=key_type))


def _requested(scene: Scene, name: str) -> ServerConfig:
    request = CSR.create(generate_key(), name, common_name=name)
    return _served(scene.ca.sign(request, names=[name]))


@cache
def _company() -> CA:
    """The one CA that the clients of these demonstrations know, and that issues their certificates."""
    return CA(common_name="Example company root")


@cache
def _ada() -> LeafCert:
    return _company().issue_client("Ada")


def _for_clients_of(scene: Scene, ca: CA) -> ServerConfig:
    directives = """
        SSLVerifyClient require
        SSLCACertificateFile "${MODSSL_PKI}/clients.pem"
    """
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives)
    return ServerConfig(host, pki={"clients.pem": ca.cert_pem})


def _intermediate(scene: Scene) -> LeafCert:
    return scene.ca.intermediate().issue(NAME)


def _chain_file(scene: Scene) -> ServerConfig:
    leaf = _intermediate(scene)
    host = VirtualHost(NAME, tls=leaf.without_chain(), directives='SSLCertificateChainFile "${MODSSL_PKI}/chain.pem"')
    return ServerConfig(host, pki={"chain.pem": leaf.chain_pem})


def _in_disorder(scene: Scene) -> ServerConfig:
    leaf = scene.ca.intermediate().intermediate().issue(NAME)
    return _served(leaf.with_chain(*reversed(leaf.chain)))


def _in_order(scene: Scene) -> ServerConfig:
    return _served(scene.ca.intermediate().intermediate().issue(NAME))


def _with_the_root(scene: Scene) -> ServerConfig:
    leaf = _intermediate(scene)
    return _served(leaf.with_chain(*leaf.chain, scene.ca.certificate))


def _with_a_stranger(scene: Scene) -> ServerConfig:
    leaf = _intermediate(scene)
    return _served(leaf.with_chain(*leaf.chain, _company().certificate))


def _chain_is_complete(server: Server) -> None:
    assert_chain_complete(server, NAME)


DEMONSTRATIONS = (
    Demonstration(
        entry="keys-csrs-certificates",
        name="a request where the certificate belongs",
        problem=_request_for_certificate,
        remedy=_leaf_from_files,
        place="SSLCertificateFile",
        number="AH02562",
    ),
    Demonstration(
        entry="keys-csrs-certificates",
        name="the key where the certificate belongs",
        problem=_key_for_certificate,
        remedy=_leaf_from_files,
        place="SSLCertificateFile",
        number="AH02562",
    ),
    Demonstration(
        entry="keys-csrs-certificates",
        name="the certificate where the key belongs",
        problem=_certificate_for_key,
        remedy=_leaf_from_files,
        place="SSLCertificateKeyFile",
        number="AH02564",
    ),
    Demonstration(
        entry="startup-pass-phrase",
        name="nobody to ask",
        problem=lambda scene: _locked(scene, "open sesame"),
        remedy=lambda scene: _locked(scene, "open sesame", _says("open sesame")),
        place="VirtualHost(NAME",
        number="AH02578",
    ),
    Demonstration(
        entry="startup-pass-phrase",
        name="a program that is not there",
        problem=_program_missing,
        remedy=lambda scene: _locked(scene, "open sesame", _says("open sesame")),
        place="SSLPassPhraseDialog exec:/no/such/program",
    ),
    Demonstration(
        entry="startup-pass-phrase",
        name="a program that may not be run",
        problem=lambda scene: _locked(scene, "open sesame", _says("open sesame", executable=False)),
        remedy=lambda scene: _locked(scene, "open sesame", _says("open sesame")),
        place="_DIALOG",
        number="AH02580",
    ),
    Demonstration(
        entry="self-signed",
        problem=lambda _: _served(self_signed(NAME)),
        remedy=_leaf_and_key,
        check=lambda server: assert_handshake(server, NAME, verified=True),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="real-certificate",
        problem=lambda scene: _requested(scene, "example.test"),
        remedy=lambda scene: _requested(scene, NAME),
        check=lambda server: assert_certificate(server, NAME),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="own-ca",
        name="a root that the client does not know",
        problem=_leaf_and_key,
        remedy=lambda _: _served(_company().issue(NAME)),
        check=lambda server: assert_handshake(server, NAME, trust=[_company().cert_pem.bytes()]),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="own-ca",
        name="a client certificate of a CA that the server does not know",
        problem=lambda scene: _for_clients_of(scene, scene.ca),
        remedy=lambda scene: _for_clients_of(scene, _company()),
        check=lambda server: assert_handshake(server, NAME, client=_ada()),
        place="SSLCACertificateFile",
        number="AH02276",
    ),
    Demonstration(
        entry="change-pass-phrase",
        problem=lambda scene: _locked(scene, "the new one", _says("the old one")),
        remedy=lambda scene: _locked(scene, "the new one", _says("the new one")),
        place="_DIALOG",
        number="AH02580",
    ),
    Demonstration(
        entry="remove-pass-phrase",
        problem=_key_in_site,
        remedy=_leaf_from_files,
        check=assert_private_keys_protected,
        place="SSLCertificateKeyFile",
    ),
    *(
        Demonstration(
            entry="key-matches-certificate",
            name=f"of type {key_type}",
            problem=_key_of_another(key_type),
            remedy=_leaf_of_type(key_type),
            place="VirtualHost(NAME",
            number="AH02565",
        )
        for key_type in _KEY_TYPES
    ),
    Demonstration(
        entry="pem-to-der",
        problem=_der,
        remedy=_leaf_from_files,
        place="SSLCertificateFile",
        number="AH02562",
    ),
    Demonstration(
        entry="intermediate-missing",
        name="cured by SSLCertificateFile",
        problem=lambda scene: _served(_intermediate(scene).without_chain()),
        remedy=lambda scene: _served(_intermediate(scene)),
        check=_chain_is_complete,
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="intermediate-missing",
        name="cured by SSLCertificateChainFile",
        problem=lambda scene: _served(_intermediate(scene).without_chain()),
        remedy=_chain_file,
        check=_chain_is_complete,
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="intermediate-missing",
        name="in the wrong order",
        problem=_in_disorder,
        remedy=_in_order,
        check=_chain_is_complete,
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="intermediate-missing",
        name="the root beside them",
        problem=_with_the_root,
        remedy=lambda scene: _served(_intermediate(scene)),
        check=_chain_is_complete,
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="intermediate-missing",
        name="a stranger among them",
        problem=_with_a_stranger,
        remedy=lambda scene: _served(_intermediate(scene)),
        check=_chain_is_complete,
        place="VirtualHost(NAME",
    ),
)
