"""A key, the request made with it, and the certificate that a CA made of that, each as openssl prints it."""

import pytest

from pytest_modssl import CSR, ServerConfig, StartError, VirtualHost, generate_key

KEY = generate_key("rsa-2048")
REQUEST = CSR.create(KEY, "www.example.test", subject={"O": "Example"})


def test_what_each_says(modssl_ca):
    assert "Private-Key: (2048 bit" in KEY.text()
    assert "Subject: O = Example" in REQUEST.text().replace("O=", "O = ")
    certificate = modssl_ca.sign(REQUEST)
    assert "DNS:www.example.test" in certificate.text()
    assert "CA:FALSE" in certificate.text()


def test_a_request_is_no_certificate(modssl_server_factory):
    directives = """
        SSLEngine on
        SSLCertificateFile "${MODSSL_PKI}/www.csr"
        SSLCertificateKeyFile "${MODSSL_PKI}/www.key"
    """
    host = VirtualHost("www.example.test", port=443, directives=directives)
    with pytest.raises(StartError, match="no certificate but CERTIFICATE REQUEST"):
        modssl_server_factory(ServerConfig(host, pki={"www.csr": REQUEST.pem, "www.key": KEY.pem}))
