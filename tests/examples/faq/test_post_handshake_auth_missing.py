"""A place for members that browsers can reach too, and one that asks only clients that can be asked later."""

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost, assert_client_certificate

STAFF = CA(common_name="Example staff root")
ADA, EVE = STAFF.issue_client("Ada"), CA(common_name="Somebody else").issue_client("Eve")
STAFF_ONLY = 'SSLCACertificateFile "${MODSSL_PKI}/staff.pem"'
ASKED_FIRST = """
    SSLVerifyClient optional
    <Location /members>
        Require ssl-verify-client
    </Location>
"""
ASKED_LATER = """
    <Location /members>
        SSLVerifyClient require
    </Location>
"""


def host(ca, name, directives):
    files = {"members/index.html": "members only\n"}
    return VirtualHost(name, tls=ca.issue(name), directives=f"{STAFF_ONLY}\n{directives}", files=files)


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        host(modssl_ca, "www.example.test", ASKED_FIRST),
        host(modssl_ca, "api.example.test", ASKED_LATER),
        pki={"staff.pem": STAFF.cert_pem},
    )


def test_a_browser_shows_its_certificate_in_the_handshake(modssl_server):
    url = "https://www.example.test/members/"
    assert_client_certificate(
        modssl_server, url, client=ADA, how="handshake", protocol="TLSv1.3", post_handshake_auth=False
    )


@pytest.mark.parametrize("how", ["renegotiation", "post-handshake"])
def test_a_program_is_asked_when_it_comes_to_the_place(modssl_server, how):
    url = "https://api.example.test/members/"
    assert_client_certificate(modssl_server, url, client=ADA, how=how, refused=[EVE], SSL_CLIENT_S_DN_CN="Ada")
