"""Under load every session is resumed and nothing fails; and what each kind of session cache does, side by side."""

import pytest

from pytest_modssl import LoadComparison, ServerConfig, VirtualHost, assert_sessions_resumed

CACHES = ["shmcb:${MODSSL_RUN}/sessions(512000)", "dbm:${MODSSL_RUN}/sessions", "none"]


@pytest.fixture(scope="module")
def config(modssl_ca):
    leaf = modssl_ca.issue("www.example.test")

    def with_cache(cache):
        directives = f'SSLSessionTickets off\nSSLSessionCache "{cache}"'
        return ServerConfig(VirtualHost("www.example.test", tls=leaf), directives=directives)

    return with_cache


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_sessions(modssl_server_factory, config, protocol):
    server = modssl_server_factory(config(CACHES[0]))
    assert_sessions_resumed(server, "www.example.test", by="session id", protocol=protocol, rate=0.95)


def test_caches_side_by_side(modssl_server_factory, config):
    servers = {cache: modssl_server_factory(config(cache)) for cache in CACHES}
    url = "https://www.example.test/"
    compared = LoadComparison({cache: one.load(url, connections=60) for cache, one in servers.items()})
    print(compared)
    assert [one.failures for one in compared.reports.values()] == [{}, {}, {}]
    assert compared.reports["none"].resumed == 0
