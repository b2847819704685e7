"""What to do about a server that did not start stands in the error, after httpd's own words."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, StartError, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.targets.local import LocalTarget


def refused(local: LocalTarget, config: ServerConfig) -> list[str]:
    with pytest.raises(StartError) as caught:
        local.launch(config)
    return str(caught.value).splitlines()


def test_an_encrypted_key_is_told_in_few_lines(local: LocalTarget, ca: CA) -> None:
    lines = refused(local, ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test").with_pass_phrase("secret"))))
    assert lines[-1].startswith("to do: give the key without a pass phrase")
    assert sum("SSL Library Error" in line for line in lines) == 2
    assert "  (and more errors of the library)" in lines
    assert any("AH02564" in line for line in lines)
    assert all(line.strip() for line in lines)


def test_a_level_that_is_too_high_for_a_key_can_be_lowered_as_advised(local: LocalTarget, ca: CA) -> None:
    host = VirtualHost("a.test", tls=ca.issue("a.test", key_type="rsa-1024"))
    advice = refused(local, ServerConfig(host))[-1]
    server = local.launch(ServerConfig(host, directives=advice[advice.index("SSLCipherSuite") :]))
    try:
        assert server.handshake("a.test", security_level=0).ok
    finally:
        server.stop()


def test_a_list_without_suites_and_a_taken_port_have_their_advice(local: LocalTarget, ca: CA) -> None:
    host = VirtualHost("a.test", tls=ca.issue("a.test"), directives="SSLCipherSuite ADH")
    assert refused(local, ServerConfig(host))[-1].startswith("to do: name a suite in SSLCipherSuite")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = ServerConfig(VirtualHost("a.test"), directives=f"Listen 127.0.0.1:{taken.getsockname()[1]}")
        assert refused(local, config)[-1].startswith("to do: end what listens on that address and port")
