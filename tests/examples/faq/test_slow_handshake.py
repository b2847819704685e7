"""No client waits for randomness before its handshake begins."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake_within


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test")),
        directives="SSLRandomSeed connect file:/dev/urandom 512",
    )


def test_handshake(modssl_server):
    assert_handshake_within(modssl_server, "www.example.test", seconds=5)
