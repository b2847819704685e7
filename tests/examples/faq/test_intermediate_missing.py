"""The server sends all that a client needs to verify its certificate, in order and no more."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_chain_complete


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(VirtualHost("www.example.test", tls=modssl_ca.intermediate().issue("www.example.test")))


def test_chain(modssl_server):
    assert_chain_complete(modssl_server, "www.example.test")
