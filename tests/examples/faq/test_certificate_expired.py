"""The certificate is valid, and will be for another week."""

from datetime import timedelta

from pytest_modssl import assert_certificate


def test_certificate(modssl_server):
    assert_certificate(modssl_server, "www.example.test", remaining=timedelta(days=7))
