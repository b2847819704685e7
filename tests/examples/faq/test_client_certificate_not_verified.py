"""optional_no_ca takes any certificate; what lets in only verified ones is a rule of its own."""

import pytest

from pytest_modssl import CA, ModsslAssertionError, ServerConfig, VirtualHost, assert_client_certificate

STAFF = CA(common_name="Example staff root")
ADA, EVE = STAFF.issue_client("Ada"), CA(common_name="Somebody else").issue_client("Eve")
ANYBODY = """
    SSLVerifyClient optional_no_ca
    SSLCACertificateFile "${MODSSL_PKI}/staff.pem"
    <Location /members>
        Require ssl-verify-client
    </Location>
"""


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    files = {"members/index.html": "members only\n"}
    host = VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives=ANYBODY, files=files)
    return ServerConfig(host, pki={"staff.pem": STAFF.cert_pem})


def test_the_place_is_for_verified_clients(modssl_server):
    assert_client_certificate(modssl_server, "https://www.example.test/members/", client=ADA, refused=[EVE])


def test_the_rest_is_not(modssl_server):
    with pytest.raises(ModsslAssertionError, match="SSL_CLIENT_VERIFY: expected 'SUCCESS'"):
        assert_client_certificate(modssl_server, "https://www.example.test/", client=EVE, required=False)
