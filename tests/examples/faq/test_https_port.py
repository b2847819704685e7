"""HTTPS on the usual port and on another: certificate, Host and redirects are right on both."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake, assert_ssl_env, assert_switches_to_https

NAME = "www.example.test"
PAGES = {"folder/index.html": "a page\n"}


@pytest.fixture(scope="module")
def usual(modssl_ca):
    return modssl_ca.issue(NAME)


@pytest.fixture(scope="module")
def other(modssl_ca):
    return modssl_ca.issue(NAME)


@pytest.fixture(scope="module")
def modssl_config(usual, other):
    return ServerConfig(
        VirtualHost(NAME, tls=usual, files=PAGES, directives="SSLOptions +StdEnvVars"),
        VirtualHost(NAME, tls=other, port=8443, files=PAGES, directives="SSLOptions +StdEnvVars"),
        VirtualHost(NAME, directives="Redirect /8443/ https://www.example.test:8443/"),
    )


def test_certificates(modssl_server, usual, other):
    assert_handshake(modssl_server, NAME, certificate=usual)
    assert_handshake(modssl_server, NAME, port=8443, certificate=other)


@pytest.mark.parametrize(("base", "host"), [(f"https://{NAME}", NAME), (f"https://{NAME}:8443", f"{NAME}:8443")])
def test_host_and_redirects(modssl_server, base, host):
    assert_ssl_env(modssl_server, f"{base}/", HTTP_HOST=host, HTTPS="on")
    assert modssl_server.redirects(f"{base}/folder").url == f"{base}/folder/"


def test_a_redirect_names_the_port(modssl_server):
    assert_switches_to_https(modssl_server, f"http://{NAME}/8443/folder/", to=f"https://{NAME}:8443/folder/")
