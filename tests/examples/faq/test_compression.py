"""No server compresses inside TLS; where a test needs one that does, OpenSSL must be told so twice."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_compression, assert_no_compression, requires

COMPRESSES = """
    SSLOpenSSLConfCmd Options Compression
    SSLCipherSuite ALL:@SECLEVEL=1
"""


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test")))


def test_nothing_is_compressed(modssl_server):
    assert_no_compression(modssl_server, "www.example.test")


@requires(feature="compression", httpd=">=2.4.39")
def test_an_openssl_with_zlib_can_be_made_to_compress(modssl_server_factory, modssl_ca):
    host = VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives=COMPRESSES)
    assert_compression(modssl_server_factory(ServerConfig(host)), "www.example.test")
