"""Logins by user name and password within the handshake: TLS-SRP."""

import pytest

from pytest_modssl import (
    ServerConfig,
    VirtualHost,
    assert_srp,
    assert_srp_refused,
    requires,
    srp_verifier,
    srp_verifier_file,
)

pytestmark = requires(feature="srp")


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    users = srp_verifier_file(srp_verifier("alice", "open sesame", info="in the office"))
    directives = """
        SSLProtocol -all +TLSv1.2
        SSLCipherSuite "!DSS:!aRSA:SRP"
        SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
    """
    host = VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives=directives)
    return ServerConfig(host, pki={"users.srpv": users})


def test_the_right_password_logs_in(modssl_server):
    assert_srp(modssl_server, "www.example.test", "alice", "open sesame", info="in the office")


def test_a_wrong_password_and_an_unknown_user_are_refused(modssl_server):
    assert_srp_refused(modssl_server, "www.example.test", "alice", "open barley", alert="bad_record_mac")
    assert_srp_refused(modssl_server, "www.example.test", "mallory", "open sesame", alert="unknown_psk_identity")
