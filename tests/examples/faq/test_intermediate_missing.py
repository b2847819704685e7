"""The server sends all that a client needs to verify its certificate, in order and no more."""

import pytest

from pytest_modssl import CA, ModsslAssertionError, ServerConfig, VirtualHost, assert_chain_complete

LEAF = CA().intermediate(common_name="Example intermediate").issue("www.example.test")
CHAIN_FILE = 'SSLCertificateChainFile "${MODSSL_PKI}/chain.pem"'


def test_the_chain_in_the_file_of_the_certificate(modssl_server_factory):
    server = modssl_server_factory(ServerConfig(VirtualHost("www.example.test", tls=LEAF)))
    assert_chain_complete(server, "www.example.test")


def test_the_chain_in_a_file_of_its_own(modssl_server_factory):
    host = VirtualHost("www.example.test", tls=LEAF.without_chain(), directives=CHAIN_FILE)
    server = modssl_server_factory(ServerConfig(host, pki={"chain.pem": LEAF.chain_pem}))
    assert_chain_complete(server, "www.example.test")


def test_the_issuer_that_is_missing_is_named(modssl_server_factory):
    server = modssl_server_factory(ServerConfig(VirtualHost("www.example.test", tls=LEAF.without_chain())))
    with pytest.raises(ModsslAssertionError, match="does not send the certificate of CN=Example intermediate"):
        assert_chain_complete(server, "www.example.test")
