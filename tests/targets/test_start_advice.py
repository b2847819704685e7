"""What to do about a server that did not start stands in the error, before httpd's own words."""

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


def advice(lines: list[str]) -> str:
    (told,) = (line.strip() for line in lines if line.startswith("  to do: "))
    return told.removeprefix("to do: ")


def test_an_encrypted_key_is_told_in_few_lines(local: LocalTarget, ca: CA) -> None:
    lines = refused(local, ServerConfig(VirtualHost("a.test", tls=ca.issue("a.test").with_pass_phrase("secret"))))
    assert lines[1].startswith("diagnosis: the private key of a.test:443 is encrypted")
    assert advice(lines).startswith("give the key without a pass phrase")
    assert lines.index("its error log:") > 5
    assert sum("SSL Library Error" in line for line in lines) == 2
    assert "  (and more errors of the library)" in lines
    assert any("AH02564" in line for line in lines)
    assert all(line.strip() for line in lines)


def test_a_level_that_is_too_high_for_a_key_can_be_lowered_as_advised(local: LocalTarget, ca: CA) -> None:
    host = VirtualHost("a.test", tls=ca.issue("a.test", key_type="rsa-1024"))
    told = advice(refused(local, ServerConfig(host)))
    server = local.launch(ServerConfig(host, directives=told[told.index("SSLCipherSuite") :]))
    try:
        assert server.handshake("a.test", security_level=0).ok
    finally:
        server.stop()


def test_a_port_that_another_process_has_is_told_at_its_listen(local: LocalTarget) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = ServerConfig(VirtualHost("a.test"), directives=f"Listen 127.0.0.1:{taken.getsockname()[1]}")
        lines = refused(local, config)
        assert lines[1] == f"diagnosis: 127.0.0.1:{taken.getsockname()[1]} is taken already (address-in-use)"
        assert lines[2].startswith(f"  at {__file__}:")
        assert advice(lines).startswith("end what listens on that address and port")


def test_what_the_catalogue_does_not_know_has_no_advice(local: LocalTarget) -> None:
    lines = refused(local, ServerConfig(VirtualHost("a.test", directives="Header nonsense")))
    assert not any("to do" in line or "diagnosis" in line for line in lines)
    assert lines[1].endswith(": Header nonsense")
