"""Clients with few suites find one: the server has keys of two types, and suites for both."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake

DIRECTIVES = "SSLCipherSuite ECDHE+AESGCM:DHE+AESGCM"


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    leaves = [modssl_ca.issue("www.example.test", key_type=one) for one in ("ec-p256", "rsa-2048")]
    return ServerConfig(VirtualHost("www.example.test", tls=leaves, directives=DIRECTIVES))


@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"])
def test_a_client_of_either_type_finds_a_suite(modssl_server, ciphers):
    assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.2", ciphers=ciphers, cipher_suite=ciphers)


def test_a_client_of_ecdhe_finds_a_curve(modssl_server):
    assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.2", groups=["secp256r1"], group="secp256r1")
