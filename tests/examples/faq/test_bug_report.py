"""What to send when asking for help: versions, build, configuration, log and what was seen, without secrets."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, bug_report


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    host = VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives="SetEnv DB_PASSWORD abc")
    return ServerConfig(host)


def test_a_report_of_this_server(modssl_server):
    modssl_server.get("https://www.example.test/")
    report = bug_report(modssl_server)
    assert "GET https://www.example.test/" in report
    assert "SetEnv DB_PASSWORD [removed]" in report
    assert report.partition("Where to send it")[2]
