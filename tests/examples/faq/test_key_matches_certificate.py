"""Whether a key, a request and a certificate belong together: compared, and as httpd sees it."""

import pytest

from pytest_modssl import (
    CSR,
    ModsslAssertionError,
    ServerConfig,
    StartError,
    VirtualHost,
    assert_handshake,
    assert_key_matches,
    generate_key,
)


@pytest.mark.parametrize("key_type", ["rsa-2048", "ec-p256", "ed25519", "dsa-2048"])
def test_by_public_key(modssl_ca, key_type):
    key = generate_key(key_type)
    certificate = modssl_ca.issue("www.example.test", key=key)
    assert_key_matches(key, CSR.create(key, "www.example.test"), certificate, certificate.cert_pem)
    with pytest.raises(ModsslAssertionError, match="key-matches-certificate"):
        assert_key_matches(key, modssl_ca.issue("www.example.test"))


def test_by_modulus_as_the_faq_does(modssl_ca, tmp_path):
    certificate = modssl_ca.issue("www.example.test", key_type="rsa-2048")
    files = tmp_path / "server.key", tmp_path / "server.crt"
    certificate.key_file_pem.write_to_path(files[0])
    certificate.cert_file_pem.write_to_path(files[1])
    assert_key_matches(*files, by_modulus=True)


def test_httpd_refuses_the_key_of_another_certificate(modssl_server_factory, modssl_ca):
    leaf, other = modssl_ca.issue("www.example.test"), modssl_ca.issue("shop.example.test")
    with pytest.raises(StartError, match="do not belong together"):
        modssl_server_factory(ServerConfig(VirtualHost("www.example.test", tls=leaf.with_key(other.private_key))))


def test_httpd_serves_those_that_belong_together(modssl_server_factory, modssl_ca):
    leaf = modssl_ca.issue("www.example.test")
    server = modssl_server_factory(ServerConfig(VirtualHost("www.example.test", tls=leaf)))
    assert_handshake(server, "www.example.test", certificate=leaf)
