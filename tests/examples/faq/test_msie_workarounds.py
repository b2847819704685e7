"""Old versions of MSIE get HTTP/1.0, one answer a connection and no close_notify; every other client gets it."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_clean_shutdown, assert_unclean_shutdown

URL = "https://www.example.test/"
WORKAROUND = 'SetEnvIf User-Agent "MSIE [2-5]" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0'


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives=WORKAROUND))


def test_an_old_version_gets_the_workaround(modssl_server):
    assert_unclean_shutdown(modssl_server, URL, user_agent="Mozilla/4.0 (compatible; MSIE 5.01; Windows NT 5.0)")


@pytest.mark.parametrize("agent", ["Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2)", "Mozilla/5.0 Firefox/140.0"])
def test_nobody_else_does(modssl_server, agent):
    assert_clean_shutdown(modssl_server, URL, user_agent=agent, keep_alive=True)
