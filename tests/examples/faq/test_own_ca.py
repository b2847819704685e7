"""A CA of one's own: root, intermediate, server and client certificates, and revocation by list and by OCSP."""

import pytest

from pytest_modssl import (
    CA,
    ServerConfig,
    VirtualHost,
    assert_chain_complete,
    assert_handshake,
    assert_handshake_fails,
)

ROOT = CA(common_name="Example root", key_type="rsa-2048")
SERVERS = ROOT.intermediate(common_name="Example servers")
STAFF = ROOT.intermediate(common_name="Example staff")
ADA, EVE = STAFF.issue_client("Ada"), STAFF.issue_client("Eve")
STAFF.revoke(EVE)

CLIENTS = """
    SSLVerifyClient require
    SSLVerifyDepth 2
    SSLCACertificateFile "${MODSSL_PKI}/root.pem"
"""
LIST = """
    SSLCARevocationFile "${MODSSL_PKI}/staff.crl"
    SSLCARevocationCheck leaf
"""
OCSP = """
    SSLOCSPEnable leaf
    SSLOCSPUseRequestNonce off
    SSLOCSPOverrideResponder on
    SSLOCSPDefaultResponder "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8888}/ocsp.cgi"
"""


@pytest.fixture(scope="module", params=[LIST, OCSP], ids=["list", "ocsp"])
def modssl_config(request):
    return ServerConfig(
        VirtualHost("www.example.test", tls=SERVERS.issue("www.example.test"), directives=CLIENTS + request.param),
        VirtualHost("ocsp.example.test", port=8888, files=STAFF.ocsp_site(ADA, EVE)),
        pki={"root.pem": ROOT.cert_pem, "staff.crl": STAFF.crl()},
    )


def test_whoever_has_the_root_trusts_the_server(modssl_server):
    assert_chain_complete(modssl_server, "www.example.test", client=ADA)


def test_staff_may_enter(modssl_server):
    assert_handshake(modssl_server, "www.example.test", client=ADA)


def test_who_has_left_may_not(modssl_server):
    assert_handshake_fails(modssl_server, "www.example.test", client=EVE, alert="certificate_revoked", log="revoked")
