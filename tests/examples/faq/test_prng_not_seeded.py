"""Every source of randomness is there, and gives what it should, before the server is started."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_random_seed


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test")),
        directives="SSLRandomSeed startup file:/dev/urandom 512",
    )


def test_sources(modssl_target, modssl_config):
    with modssl_target.prepared(modssl_config) as prepared:
        assert_random_seed(prepared)
