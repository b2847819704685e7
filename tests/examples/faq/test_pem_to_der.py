"""The same certificate as PEM and as DER."""

from pytest_modssl import Blob, assert_handshake


def test_there_and_back(modssl_ca):
    pem = modssl_ca.issue("www.example.test").cert_pem
    assert Blob.from_der(pem.der) == pem


def test_the_server_sends_der(modssl_server, modssl_config):
    seen = assert_handshake(modssl_server, "www.example.test")
    assert seen.certificates[0] == modssl_config.virtual_hosts[0].certificates[0].cert_pem.der
