"""A client that sends no SNI gets the first host's certificate: one for all names is right for every host."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_sni


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    wildcard = modssl_ca.issue("*.example.test")
    return ServerConfig(VirtualHost("www.example.test", tls=wildcard), VirtualHost("shop.example.test", tls=wildcard))


def test_every_name_with_and_without_sni(modssl_server):
    assert_sni(
        modssl_server,
        {"shop.example.test": "shop.example.test", "www.example.test": "www.example.test"},
        no_sni="shop.example.test",
        unknown="www.example.test",
    )
