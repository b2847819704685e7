"""What a real httpd makes of the files: `-t` does not load certificates (httpd 2.4.71), so it is started."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, StartError, VirtualHost
from pytest_modssl.pki import CA, LeafCert, dh_parameters, generate_key, self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_modssl import Server
    from pytest_modssl.pki import Blob
    from pytest_modssl.targets.local import LocalTarget


@contextlib.contextmanager
def httpd(
    target: LocalTarget,
    leaf: LeafCert,
    directives: str = "",
    *,
    server_directives: str = "",
    pki: Mapping[str, Blob] | None = None,
) -> Iterator[Server]:
    """An httpd that answers with the leaf, to whatever name."""
    host = VirtualHost("www.example.test", tls=leaf, directives=directives)
    server = target.launch(ServerConfig(host, directives=server_directives, pki=pki))
    try:
        yield server
    finally:
        server.stop()


def served(address: tuple[str, int], trust: bytes, name: str = "www.example.test") -> bytes:
    """The certificate, as DER, that the server presents to a client that verifies it."""
    context = ssl.create_default_context(cadata=trust.decode())
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
        der = tls.getpeercert(binary_form=True)
        assert der is not None
        return der


@pytest.mark.parametrize("key_type", ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "ed25519"])
def test_httpd_serves_a_leaf_with_its_chain(
    local_target: LocalTarget, root: CA, intermediate: CA, key_type: str
) -> None:
    leaf = intermediate.issue("www.example.test", key_type=key_type)
    with httpd(local_target, leaf) as server:
        assert served(server.address(), root.cert_pem.bytes()) == leaf.der


def test_httpd_serves_the_dh_block_behind_the_chain(local_target: LocalTarget, intermediate: CA) -> None:
    leaf = intermediate.issue("www.example.test", key_type="rsa-2048").with_dh_parameters(dh_parameters("rfc3526-3072"))
    with httpd(local_target, leaf) as server:
        host, port = server.address()
        said = subprocess.run(
            ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    # "Server" up to OpenSSL 3.4, "Peer" in 3.5.
    assert re.search(r"(Server|Peer) Temp Key: DH, 3072 bits\n", said), (
        "without the block it is 2048, by the size of the key"
    )


def test_httpd_serves_a_dsa_and_a_small_rsa_leaf_at_security_level_0(local_target: LocalTarget, root: CA) -> None:
    for key_type in ("dsa-1024", "dsa-2048", "rsa-1024"):
        leaf = root.issue("www.example.test", key_type=key_type)
        with httpd(local_target, leaf, "SSLCipherSuite ALL:@SECLEVEL=0") as server:
            host, port = server.address()
            said = subprocess.run(
                ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-cipher", "ALL:@SECLEVEL=0"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        assert "BEGIN CERTIFICATE" in said
        assert leaf.cert_pem.text() in said


def test_httpd_opens_an_encrypted_key_with_its_pass_phrase(local_target: LocalTarget, tmp_path: Path, root: CA) -> None:
    dialog = tmp_path / "pass-phrase"
    dialog.write_text("#!/bin/sh\necho 'open sesame'\n")
    dialog.chmod(0o755)
    for key_type in ("ec-p256", "rsa-2048"):
        leaf = root.issue("www.example.test", key_type=key_type).with_pass_phrase("open sesame")
        with httpd(local_target, leaf, server_directives=f'SSLPassPhraseDialog "exec:{dialog}"') as server:
            assert served(server.address(), root.cert_pem.bytes()) == leaf.der


def test_httpd_serves_a_self_signed_leaf(local_target: LocalTarget) -> None:
    leaf = self_signed("www.example.test")
    with httpd(local_target, leaf) as server:
        assert served(server.address(), leaf.cert_pem.bytes()) == leaf.der


@pytest.mark.parametrize(
    ("mistake", "ah"),
    [("other key", "AH02565"), ("locked key", "AH02578"), ("small key", "AH02562")],
)
def test_httpd_refuses_a_mistake_with_its_own_words(local_target: LocalTarget, root: CA, mistake: str, ah: str) -> None:
    leaf = {
        "other key": root.issue("www.example.test").with_key(generate_key()),
        "locked key": root.issue("www.example.test").with_pass_phrase("secret"),
        "small key": root.issue("www.example.test", key_type="rsa-1024"),
    }[mistake]
    with pytest.raises(StartError, match=ah), httpd(local_target, leaf):
        pass


def test_httpd_warns_of_a_ca_certificate(local_target: LocalTarget, root: CA) -> None:
    with httpd(local_target, root.issue("www.example.test", ca=True)) as server:
        assert server.log.find("AH01906")


def test_httpd_asks_for_and_checks_a_client_certificate_against_ca_and_list(
    local_target: LocalTarget, tmp_path: Path
) -> None:
    ca = CA()
    alice, mallory = ca.issue_client("alice"), ca.issue_client("mallory")
    ca.revoke(mallory)
    directives = """
        SSLVerifyClient require
        SSLProtocol TLSv1.2
        SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
        SSLCARevocationFile "${MODSSL_PKI}/ca.crl"
        SSLCARevocationCheck leaf
    """
    with httpd(
        local_target, ca.issue("www.example.test"), directives, pki={"ca.pem": ca.cert_pem, "ca.crl": ca.crl()}
    ) as server:
        outcome = {}
        for client in (alice, mallory):
            client.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
            context = ssl.create_default_context(cadata=ca.cert_pem.text())
            context.load_cert_chain(tmp_path / "client.pem")
            with socket.create_connection(server.address()) as plain:
                try:
                    context.wrap_socket(plain, server_hostname="www.example.test").close()
                    outcome[client] = "accepted"
                except ssl.SSLError as error:
                    outcome[client] = str(error.reason)
    assert outcome[alice] == "accepted"
    assert "REVOKED" in outcome[mallory]
