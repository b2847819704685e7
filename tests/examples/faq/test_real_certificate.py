"""From the key to the request, from the request to the certificate, and into the server."""

import pytest

from pytest_modssl import CSR, ServerConfig, VirtualHost, assert_certificate, generate_key
from pytest_modssl.errors import PkiError

NAMES = ("www.example.test", "example.test")
REQUEST = CSR.create(generate_key("rsa-2048"), *NAMES, subject={"O": "Example"})


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    certificate = modssl_ca.sign(REQUEST, names=NAMES)
    return ServerConfig(VirtualHost("www.example.test", tls=certificate, aliases=["example.test"]))


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_is_for_every_name(modssl_server, name):
    assert assert_certificate(modssl_server, name).verification.ok


def test_a_request_for_another_name_is_refused(modssl_ca):
    with pytest.raises(PkiError, match=r"asks for www\.example\.test, example\.test, but shop\.example\.test"):
        modssl_ca.sign(REQUEST, names=["shop.example.test"])
