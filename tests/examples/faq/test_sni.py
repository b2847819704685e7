"""Each name gets its certificate, its content and SSL_TLS_SNI; a Host that is not the SNI is refused, or served."""

import re

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_answered_by, assert_sni
from pytest_modssl.asserts import Served

WWW, SHOP = "www.example.test", "shop.example.test"


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(VirtualHost(WWW, tls=modssl_ca.issue(WWW)), VirtualHost(SHOP, tls=modssl_ca.issue(SHOP)))


def test_each_name_gets_its_own(modssl_server):
    assert_sni(modssl_server, {WWW: WWW, SHOP: SHOP}, via="cgi")
    assert_sni(modssl_server, {name: Served(content=re.compile(name)) for name in (WWW, SHOP)}, unknown=WWW)


def test_a_connection_for_one_host_does_not_serve_the_other(modssl_server):
    assert_answered_by(modssl_server, SHOP, sni=WWW, by=421)
    assert_answered_by(modssl_server, "unknown.example.test", sni=WWW, by=WWW)


def test_the_version_at_hand_does_what_its_policy_says(modssl_server):
    assert_answered_by(modssl_server, SHOP, sni=None)
