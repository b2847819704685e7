"""The command lines in a failure, run as they are printed, show what failed; names and URLs may hold any character."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    ModsslAssertionError,
    ServerConfig,
    VirtualHost,
    assert_answers,
    assert_ciphers,
    assert_clean_shutdown,
    assert_java7_compatible,
    assert_no_compression,
    assert_policy,
    assert_sni,
    assert_switches_to_https,
    assert_unclean_shutdown,
)
from pytest_modssl.asserts import Served
from pytest_modssl.tls import shell_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.pki import CA
    from pytest_modssl.targets.server import Server

WWW = "www.example.test"
IDN, A_LABEL = "müller.example.test", "xn--mller-kva.example.test"
ADDRESS = "127.0.0.9"
TO_HTTPS = """
    RewriteEngine on
    RewriteRule ^/(.*) https://%{SERVER_NAME}/$1 [R,L]
"""
UNCLEAN = "SetEnvIfExpr \"%{QUERY_STRING} == 'unclean'\" ssl-unclean-shutdown"


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    rsa = modssl_ca.issue(WWW, key_type="rsa-2048")
    return ServerConfig(
        VirtualHost(ADDRESS, tls=modssl_ca.issue(ADDRESS)),
        VirtualHost(WWW, tls=rsa, directives=UNCLEAN, files={"a b{1}[2].html": "an odd name"}),
        VirtualHost(WWW, directives=TO_HTTPS),
        VirtualHost(A_LABEL, tls=modssl_ca.issue(IDN)),
    )


def printed(action: Callable[[], object]) -> list[subprocess.CompletedProcess[str]]:
    """What comes of the commands of a failure."""
    with pytest.raises(ModsslAssertionError) as caught:
        action()
    lines = [shell_line(one) for one in caught.value.commands]
    assert lines
    return [subprocess.run(["sh", "-c", one], capture_output=True, text=True, check=False) for one in lines]


def test_redirects_are_followed_to_every_port(modssl_server: Server) -> None:
    elsewhere = "https://elsewhere.example.test/"
    (done,) = printed(lambda: assert_switches_to_https(modssl_server, f"http://{WWW}/", to=elsewhere))
    assert [line for line in done.stderr.splitlines() if line.startswith("< HTTP")] == [
        "< HTTP/1.1 302 Found",
        "< HTTP/1.1 200 OK",
    ]


@pytest.mark.parametrize("url", [f"https://{WWW}/a b{{1}}[2].html", f"https://{WWW}/?a[1-3]", f"https://{IDN}/"])
def test_one_request_is_made_whatever_characters_a_url_has(modssl_server: Server, url: str) -> None:
    (done,) = printed(lambda: assert_answers(modssl_server, url, status=299))
    assert done.stderr.count("< HTTP/1.1 200 OK") == 1, done.stderr
    assert done.stderr.count("> GET ") == 1


def test_the_last_step_is_told_also_where_it_was_made_before(modssl_server: Server) -> None:
    for agent in ("one", "two"):
        assert_clean_shutdown(modssl_server, f"https://{WWW}/", user_agent=agent)
    with pytest.raises(ModsslAssertionError) as caught:
        assert_unclean_shutdown(modssl_server, f"https://{WWW}/", user_agent="one", version=None, keep_alive=None)
    (command,) = caught.value.commands
    assert "User-Agent: one" in shell_line(command)


def test_a_shutdown_is_that_of_the_whole_url(modssl_server: Server) -> None:
    url = f"https://{WWW}/?unclean"
    assert_unclean_shutdown(modssl_server, url, user_agent="one", version=None, keep_alive=None)
    for ends in (f"https://{WWW}/", f"https://{WWW}/?ä", f"https://{IDN}/"):
        assert_clean_shutdown(modssl_server, ends)


def test_suites_by_number_are_those_of_the_command(modssl_server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_java7_compatible(modssl_server, WWW, suites=(0x0033, 0x00FF))
    (command,) = caught.value.commands
    assert command[command.index("-cipher") + 1] == "DHE-RSA-AES128-SHA:@SECLEVEL=0"


def test_an_international_name_is_scanned_and_put_under_load(modssl_server: Server) -> None:
    assert_ciphers(modssl_server, IDN, accepts=["AESGCM"])
    assert_no_compression(modssl_server, IDN)
    assert_policy(modssl_server, "intermediate", name=IDN, except_for=["suite", "order", "group", "hsts", "stapling"])
    assert modssl_server.load(f"https://{IDN}/", connections=4).failures == {}


def test_no_name_is_sent_for_an_address(modssl_server: Server) -> None:
    assert_sni(modssl_server, {ADDRESS: Served(certificate=ADDRESS, status=200)}, via="header")
