"""The server staples an OCSP response that says that its certificate is good.

A virtual host of the same server is the responder, so that httpd reaches it wherever it runs.
"""

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost, assert_stapled

ISSUER = CA().intermediate()
LEAF = ISSUER.issue("www.example.test")
STAPLING = """
    SSLUseStapling on
    SSLStaplingForceURL "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""


@pytest.fixture(scope="module")
def modssl_config():
    return ServerConfig(
        VirtualHost("www.example.test", tls=LEAF, directives=STAPLING),
        VirtualHost("ocsp.example.test", port=8888, files=ISSUER.ocsp_site(LEAF)),
        directives='SSLStaplingCache "shmcb:${MODSSL_RUN}/stapling(32768)"',
    )


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_a_good_response_is_stapled(modssl_server, protocol):
    seen = assert_stapled(modssl_server, "www.example.test", protocol=protocol)
    assert seen.stapled.serial == LEAF.certificate.serial_number
