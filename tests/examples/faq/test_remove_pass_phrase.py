"""No dialog: the key is stored plain, and nobody but its owner can read the file."""

import pytest

from pytest_modssl import PrivateKey, ServerConfig, VirtualHost, assert_private_keys_protected, generate_key

LOCKED = generate_key("rsa-2048").encrypted("open sesame")


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    plain = PrivateKey.load(LOCKED.pem, "open sesame").plain()
    return ServerConfig(VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test", key=plain)))


def test_nobody_else_can_read_it(modssl_server):
    assert len(assert_private_keys_protected(modssl_server)) == 1
