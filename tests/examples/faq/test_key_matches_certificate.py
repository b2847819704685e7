"""A certificate and the key of another do not start; those that belong together do."""

import pytest

from pytest_modssl import ServerConfig, StartError, VirtualHost, assert_handshake


def test_the_key_of_another_certificate_is_refused(modssl_server_factory, modssl_ca):
    leaf, other = modssl_ca.issue("www.example.test"), modssl_ca.issue("shop.example.test")
    with pytest.raises(StartError, match="do not belong together"):
        modssl_server_factory(ServerConfig(VirtualHost("www.example.test", tls=leaf.with_key(other.private_key))))


def test_certificate_and_key_belong_together(modssl_server_factory, modssl_ca):
    leaf = modssl_ca.issue("www.example.test")
    assert leaf.public_key_sha256 == leaf.private_key.public_key_sha256
    server = modssl_server_factory(ServerConfig(VirtualHost("www.example.test", tls=leaf)))
    assert_handshake(server, "www.example.test", certificate=leaf)
