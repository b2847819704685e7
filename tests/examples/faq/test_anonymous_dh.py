"""No suite without authentication is accepted, whatever SSLCipherSuite says."""

import pytest

from pytest_modssl import ServerConfig, StartError, VirtualHost, assert_ciphers, assert_handshake_fails


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    leaf = modssl_ca.issue("www.example.test", key_type="rsa-2048")
    return ServerConfig(VirtualHost("www.example.test", tls=leaf, directives="SSLCipherSuite ALL:@SECLEVEL=0"))


def test_no_anonymous_suite_is_accepted(modssl_server):
    assert_ciphers(modssl_server, "www.example.test", never=["aNULL"])


def test_a_client_that_offers_nothing_else_is_refused(modssl_server):
    assert_handshake_fails(
        modssl_server,
        "www.example.test",
        protocol="TLSv1.2",
        ciphers="ADH:AECDH:@SECLEVEL=0",
        alert="handshake_failure",
        log="no shared cipher",
    )


@pytest.mark.parametrize("directive", ["SSLCipherSuite ADH", "SSLOpenSSLConfCmd CipherString ADH"])
def test_a_list_of_anonymous_suites_stops_the_start(modssl_server_factory, modssl_ca, directive):
    host = VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives=directive)
    with pytest.raises(StartError, match=r"mod_ssl forbids suites without authentication.*\(anonymous-dh\)"):
        modssl_server_factory(ServerConfig(host))
