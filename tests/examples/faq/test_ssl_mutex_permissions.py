"""httpd's children get to every file that they open by name, and sessions are resumed."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_handshake, assert_runtime_paths


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test")),
        directives='SSLSessionTickets off\nSSLSessionCache "dbm:${MODSSL_RUN}/cache/sessions"',
        folders={"cache": 0o755},
    )


def test_paths(modssl_server):
    assert_runtime_paths(modssl_server)


def test_paths_before_the_start(modssl_target, modssl_config):
    with modssl_target.prepared(modssl_config) as prepared:
        assert_runtime_paths(prepared)


def test_resumption(modssl_server):
    first = modssl_server.handshake("www.example.test", protocol="TLSv1.2")
    assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.2", session=first.session, resumed=True)
