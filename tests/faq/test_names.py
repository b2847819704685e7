"""A client without SNI that gets another host's certificate, where a test compares the names by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.faq import diagnose

if TYPE_CHECKING:
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.server import Server

WWW, SHOP = "www.example.test", "shop.example.test"


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    return ServerConfig(VirtualHost(WWW, tls=modssl_ca.issue(WWW)), VirtualHost(SHOP, tls=modssl_ca.issue(SHOP)))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"assert '{SHOP}' in ('{WWW}',)\n +  where ...", ["name-based-without-sni"]),
        (f"assert ('{WWW}',) == ('{SHOP}',)", ["name-based-without-sni"]),
        (f"assert False\n +  where False = <Server for {WWW}, {SHOP}: running>", []),
        (f"assert '{SHOP}' == 'x'", []),
    ],
)
def test_both_names_in_what_pytest_says_tell_it(modssl_server: Server, said: str, told: list[str]) -> None:
    assert modssl_server.handshake().names == (WWW,)
    found = diagnose(modssl_server.evidence(error=AssertionError(said)))
    assert [one.entry.id for one in found] == told
