"""What is seen on the wire of the real server: secrets, compression, and how connections end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    ModsslAssertionError,
    ModsslError,
    ServerConfig,
    VirtualHost,
    assert_clean_shutdown,
    assert_compression,
    assert_never_on_wire,
    assert_no_compression,
    assert_unclean_shutdown,
)

if TYPE_CHECKING:
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.server import Server

WWW = "www.example.test"
URL = f"https://{WWW}/"
AGENT = "Mozilla/4.0 (compatible; MSIE 4.01; Windows 95)"
WORKAROUND = 'SetEnvIf User-Agent "MSIE [2-5]" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0'
SECRET = "open sesame"


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    return ServerConfig(VirtualHost(WWW, tls=modssl_ca.issue(WWW), directives=WORKAROUND), VirtualHost(WWW))


def test_what_goes_over_http_is_on_the_wire_and_what_goes_over_tls_is_not(modssl_server: Server) -> None:
    with modssl_server.capture() as wire:
        assert modssl_server.get(URL, auth=("alice", SECRET)).status_code == 200
    assert [one.port for one in wire.streams] == [443]
    assert_never_on_wire(modssl_server, SECRET)
    with modssl_server.capture():
        modssl_server.get(f"http://{WWW}/", auth=("alice", SECRET))
    with pytest.raises(ModsslAssertionError) as caught:
        assert_never_on_wire(modssl_server, SECRET)
    assert [one.seen for one in caught.value.mismatches] == [
        "port 80, client to server: the secret, base64 in the field Authorization of a request for www.example.test"
    ]
    assert SECRET not in str(caught.value)


def test_every_kind_of_client_is_captured_and_none_by_an_old_connection(modssl_server: Server) -> None:
    modssl_server.get(URL)
    with modssl_server.capture() as wire:
        modssl_server.get(URL)
        assert modssl_server.handshake(WWW).ok
        assert modssl_server.probe(WWW).failure is None
        host, port = modssl_server.address(443)
        assert f"{host}:{port}" not in " ".join(modssl_server.s_client_command(WWW))
    assert [one.port for one in wire.streams] == [443, 443, 443]
    assert all(one.sent[:1] == b"\x16" == one.received[:1] for one in wire.streams)
    modssl_server.get(URL)
    assert len(wire.streams) == 3


def test_nothing_captured_proves_nothing(modssl_server: Server) -> None:
    modssl_server.get(URL)
    with pytest.raises(ModsslAssertionError, match="capture: expected bytes of both directions, from inside `with"):
        assert_never_on_wire(modssl_server, SECRET)
    with pytest.raises(ValueError, match="at least one secret"):
        assert_never_on_wire(modssl_server)
    with modssl_server.capture(), pytest.raises(ModsslError, match="one block at a time"), modssl_server.capture():
        pass


def test_a_handshake_through_a_relay_is_diagnosed_as_one_with_the_server(modssl_server: Server) -> None:
    with modssl_server.capture():
        seen = modssl_server.handshake(WWW)
        assert modssl_server.evidence().ports[seen.address] == 443


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_the_end_of_a_connection_is_by_the_name_of_the_client(modssl_server: Server, protocol: str) -> None:
    seen = assert_unclean_shutdown(modssl_server, URL, user_agent=AGENT, protocol=protocol)
    assert not seen.close_notify
    assert assert_clean_shutdown(modssl_server, URL, keep_alive=True, protocol=protocol).close_notify
    with pytest.raises(ModsslAssertionError) as caught:
        assert_clean_shutdown(modssl_server, URL, user_agent=AGENT, keep_alive=True, protocol=protocol)
    assert [(one.what, one.expected, one.seen) for one in caught.value.mismatches] == [
        ("close_notify", "the alert", "none"),
        ("HTTP version", "'HTTP/1.1'", "'HTTP/1.0'"),
        ("keep-alive", "True", "False"),
    ]
    with pytest.raises(ModsslAssertionError) as caught:
        assert_unclean_shutdown(modssl_server, URL, user_agent="curl/8", protocol=protocol)
    assert [one.what for one in caught.value.mismatches] == ["close_notify", "HTTP version", "keep-alive"]


def test_a_host_that_does_not_answer_is_told(modssl_server: Server) -> None:
    with pytest.raises(ModsslAssertionError, match="answer: expected one, seen none: the handshake failed"):
        assert_clean_shutdown(modssl_server, URL, protocol="TLSv1.2", ciphers="AECDH:ADH:@SECLEVEL=0")
    with pytest.raises(ValueError, match="only an https: URL ends with or without close_notify"):
        assert_clean_shutdown(modssl_server, f"http://{WWW}/")


def test_no_compression_is_found_with_every_version_asked(modssl_server: Server) -> None:
    assert assert_no_compression(modssl_server, WWW)[0].compression == "NULL"
    with pytest.raises(ModsslAssertionError, match="compression: expected 'DEFLATE', seen 'NULL'") as caught:
        assert_compression(modssl_server, WWW)
    assert [one.entry.id for one in caught.value.diagnoses] == ["compression"]
    with pytest.raises(ModsslAssertionError, match="answer: expected one of TLS, seen Not TLS"):
        assert_no_compression(modssl_server, WWW, port=80)
