"""What TLS costs the server, told beside plain HTTP; and that its sessions are resumed, which saves most of it."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_sessions_resumed


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test")),
        VirtualHost("www.example.test"),
    )


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_sessions(modssl_server, protocol):
    assert_sessions_resumed(modssl_server, "www.example.test", by="ticket", protocol=protocol)


def test_costs(modssl_server):
    compared = modssl_server.compare_load("www.example.test", connections=60)
    print(compared)  # a report: times and ratios are no reason for a test to fail
    assert compared.reports["resumed"].resumption_rate == 1
