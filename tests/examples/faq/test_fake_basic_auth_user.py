"""Client certificates as users of Basic authentication: the file has a line for each subject, in OpenSSL's old form."""

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost, assert_client_certificate

STAFF = CA(common_name="Example staff root")
ADA, EVE = (STAFF.issue_client(name, subject={"O": "Example"}) for name in ("Ada", "Eve"))
# The password is the word "password" for every user.
USERS = "/O=Example/CN=Ada:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"
MEMBERS = """
    SSLVerifyClient require
    SSLCACertificateFile "${MODSSL_PKI}/staff.pem"
    <Location />
        SSLOptions +FakeBasicAuth
        AuthType Basic
        AuthName "Members"
        AuthUserFile "${MODSSL_SITE}/.htusers"
        Require valid-user
    </Location>
"""


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    tls = modssl_ca.issue("www.example.test")
    host = VirtualHost("www.example.test", tls=tls, directives=MEMBERS, files={".htusers": USERS})
    return ServerConfig(host, pki={"staff.pem": STAFF.cert_pem})


def test_who_is_in_the_file_may_enter(modssl_server):
    assert_client_certificate(modssl_server, "https://www.example.test/", client=ADA, refused=[EVE])
