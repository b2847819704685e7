"""A child of httpd that crashes fails the test in which it did, also when the client tried again and was served."""

import pytest
import requests

from pytest_modssl import ModsslAssertionError, ServerConfig, VirtualHost, assert_no_crash


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    # A TLS handshake needs more stack than this.
    hosts = VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test")), VirtualHost("www.example.test")
    return ServerConfig(*hosts, directives="ThreadStackSize 20480", mpm="event")


@pytest.mark.modssl(errors=["exit signal"], fresh=True)  # without "errors" the test would fail at its end
def test_it_is_named_with_its_signal(modssl_server):
    with pytest.raises(requests.ConnectionError):
        modssl_server.get("https://www.example.test/")
    assert modssl_server.get("http://www.example.test/").status_code == 200
    with pytest.raises(ModsslAssertionError, match=r"ended by Segmentation fault \(11\)"):
        assert_no_crash(modssl_server)
