"""Virtual hosts from what httpd tells of a configuration."""

from __future__ import annotations

import pytest

from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.listening import Ports
from pytest_modssl.repo.told import told_hosts
from tests.repo.dumped import dumped

PORTS = Ports(of={("*", 443): 443}, listens=(), further=())


@pytest.mark.parametrize(
    ("word", "demanded"), [("require", True), ("Require", True), ("optional", False), ("None", False)]
)
def test_a_client_certificate_is_demanded_in_any_letters(word: str, *, demanded: bool) -> None:
    """`SSLVerifyClient Require`: httpd compares its words by `strcasecmp` (ssl_engine_config.c)."""
    text = f"<VirtualHost *:443>\nServerName www.example\nSSLEngine on\nSSLVerifyClient {word}\n</VirtualHost>"
    (host,) = told_hosts(dumped(text), PORTS, Origin, {}).hosts
    assert host.demands_certificate is demanded
