"""Every virtual host has its Listen, and every Listen its virtual host: seen before the server is started."""

import pytest

from pytest_modssl import ModsslAssertionError, ServerConfig, VirtualHost, assert_listens


def test_ports_match(modssl_target, modssl_config):
    with modssl_target.prepared(modssl_config) as prepared:
        assert_listens(prepared)


def test_ports_that_do_not_match_are_told(modssl_target, modssl_ca):
    config = ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), port=8443), listen=[443]
    )
    with modssl_target.prepared(config) as prepared, pytest.raises(ModsslAssertionError, match="has no Listen"):
        assert_listens(prepared)
