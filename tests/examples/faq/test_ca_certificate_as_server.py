"""The server has a certificate of its own: valid, for its name, and not that of a CA."""

from pytest_modssl import assert_certificate


def test_certificate(modssl_server):
    assert_certificate(modssl_server, "www.example.test")
