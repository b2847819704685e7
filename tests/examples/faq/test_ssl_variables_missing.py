"""A script and a page with server-side includes see the variables of mod_ssl."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_ssl_env


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives="SSLOptions +StdEnvVars")
    )


@pytest.mark.parametrize("via", ["cgi", "ssi"])
def test_variables(modssl_server, via):
    assert_ssl_env(
        modssl_server,
        "https://www.example.test/",
        via=via,
        HTTPS="on",
        SSL_TLS_SNI="www.example.test",
        SSL_CLIENT_VERIFY="NONE",
        absent=["SSL_SRP_USER"],
    )


def test_values_have_types(modssl_server):
    seen = modssl_server.environment("https://www.example.test/", via="header")
    assert seen.value("SSL_CIPHER_USEKEYSIZE") in (128, 256)
    assert seen.value("SSL_SERVER_V_END").year > 2000
