"""A self-signed certificate is served, refused by clients that do not know it, and accepted by those that do."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake, self_signed

LEAF = self_signed("www.example.test")


@pytest.fixture(scope="module")
def modssl_config():
    return ServerConfig(VirtualHost("www.example.test", tls=LEAF))


def test_a_client_that_does_not_know_it(modssl_server):
    seen = assert_handshake(modssl_server, "www.example.test", verified=False)
    assert seen.verification.reason == "depth zero self signed cert"


def test_a_client_that_was_told_to_trust_it(modssl_server):
    assert_handshake(modssl_server, "www.example.test", trust=[LEAF.cert_pem.bytes()], verified=True, certificate=LEAF)
