"""The client against peers that misbehave: each kind of failure is told apart, and in time."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import TlsError, WaitTimeoutError
from pytest_modssl.pki import CA
from pytest_modssl.tls import _binding
from pytest_modssl.tls.client import connect, handshake
from pytest_modssl.tls.probe import probe
from tests.tls.watched_httpd import free_ports, raw_peer, tls_peer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from pytest_modssl.pki import LeafCert


@pytest.fixture(scope="module")
def leaf() -> LeafCert:
    return CA().issue("www.example.test")


def answer(data: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(data)

    return serve


def reset(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def wait_for_end(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_port_without_a_listener_is_refused() -> None:
    seen = handshake(("127.0.0.1", free_ports(1)[0]))
    assert (seen.ok, seen.failure, seen.stage) == (False, "refused", "connect")
    assert "connection refused" in str(seen)
    assert str(seen.transcript) == "no record was exchanged"


# Names that no name server is asked about: none has a space, and a label has 63 octets at most (RFC 1035 2.3.4).
@pytest.mark.parametrize("name", ["no name", "a..b", f"{'a' * 64}.invalid"])
def test_a_name_without_an_address_is_unreachable(name: str) -> None:
    seen = handshake((name, 443))
    assert seen.failure == "unreachable"
    assert f"no TCP connection with {name} port 443: " in str(seen)
    assert probe((name, 443)).failure == "unreachable"


def test_a_silent_port_ends_at_the_deadline() -> None:
    with raw_peer(wait_for_end) as address:
        seen = handshake(address, timeout=0.2)
    assert (seen.ok, seen.failure, seen.stage) == (False, "timeout", "hello")
    assert seen.bytes_in == 0
    assert seen.bytes_out > 100


def test_a_reset_and_a_plain_close_are_told_apart() -> None:
    with raw_peer(reset) as address:
        assert handshake(address).failure == "reset"
    with raw_peer(answer(b"")) as address:
        seen = handshake(address)
    assert (seen.failure, seen.stage, seen.peer_closed) == ("closed", "hello", True)


@pytest.mark.parametrize(
    "reply", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x09\x09\0\x02ab"]
)
def test_what_is_not_tls_is_kept_as_the_plain_reply(reply: bytes) -> None:
    with raw_peer(answer(reply)) as address:
        seen = handshake(address)
    assert (seen.failure, seen.plain_reply) == ("not_tls", reply)


@pytest.mark.parametrize("reply", [
    bytes.fromhex("1603030004 0e000000"),
    bytes.fromhex("1603030006 020000020303"),
    bytes.fromhex("1503030003 020000"),
    bytes.fromhex("1703030004 00000000"),
    bytes.fromhex("1603030004 02ffffff"),
])  # fmt: skip
def test_malformed_tls_is_this_clients_refusal(reply: bytes) -> None:
    with raw_peer(answer(reply)) as address:
        seen = handshake(address, timeout=1)
    assert seen.failure in ("client", "closed"), seen
    assert str(seen.transcript)


def test_a_clear_alert_is_told_by_name() -> None:
    with raw_peer(answer(bytes.fromhex("1503030002 0250"))) as address:
        seen = handshake(address)
    assert (seen.failure, seen.stage) == ("alert", "hello")
    assert [str(alert) for alert in seen.alerts_received] == ["internal_error (fatal)"]


def test_a_close_without_close_notify_after_the_handshake_is_no_failure_but_told(leaf: LeafCert) -> None:
    with (
        tls_peer(leaf, lambda session: session.sendall(b"half an ans")) as address,
        connect(address, "www.example.test") as connection,
    ):
        assert connection.read_until_close() == b"half an ans"
        seen = connection.handshake
    assert seen.ok
    assert seen.unexpected_eof
    assert "without close_notify" in str(seen)


def test_a_silent_server_lets_a_read_run_into_its_deadline_and_stays_usable(leaf: LeafCert) -> None:
    def echo_once(session: ssl.SSLSocket) -> None:
        session.sendall(session.recv(100))
        wait_for_end(session)

    with tls_peer(leaf, echo_once) as address, connect(address, timeout=0.2) as connection:
        with pytest.raises(WaitTimeoutError, match="waiting for data"):
            connection.recv(10)
        assert connection.handshake.ok
        connection.send(b"ping")
        assert connection.recv(10) == b"ping"
        with pytest.raises(WaitTimeoutError, match=r"within 0\.2 s"):
            connection.read_until_close()


def test_a_connection_that_failed_says_so_when_it_is_used() -> None:
    connection = connect(("127.0.0.1", free_ports(1)[0]))
    with pytest.raises(TlsError, match="No TLS connection is open for sending 4 bytes"):
        connection.send(b"ping")
    connection.close()


def test_tls13_has_no_renegotiation(leaf: LeafCert) -> None:
    with tls_peer(leaf, wait_for_end) as address, connect(address) as connection:
        assert connection.handshake.protocol == "TLSv1.3"
        with pytest.raises(TlsError, match=r"TLS 1\.3 has none"):
            connection.renegotiate()


def test_more_data_than_a_socket_buffer_goes_through_both_ways(leaf: LeafCert) -> None:
    sent = bytes(range(256)) * 8192

    def take_then_give(session: ssl.SSLSocket) -> None:
        taken = b""
        while len(taken) < len(sent):
            taken += session.recv(65536)
        session.sendall(taken)
        session.unwrap()

    with tls_peer(leaf, take_then_give) as address, connect(address) as connection:
        connection.send(sent)
        assert connection.read_until_close() == sent
        assert connection.handshake.close_notify_received
        assert connection.handshake.close_notify_sent


def test_no_key_material_shows_in_what_is_printed(leaf: LeafCert) -> None:
    client = CA().issue_client("Alice")
    with tls_peer(leaf, wait_for_end) as address:
        seen = handshake(address, client_certificate=(client.cert_file_pem.bytes(), client.key_file_pem.bytes()))
    for text in (repr(seen), str(seen), str(seen.transcript), repr(seen.session)):
        assert "PRIVATE" not in text
        assert client.key_file_pem.text().splitlines()[1] not in text


@pytest.mark.parametrize(("options", "message"), [
    ({"ciphers": "NONSENSE"}, "no cipher match"),
    ({"ciphersuites": "NONSENSE"}, "ciphersuites='NONSENSE'"),
    ({"groups": ["x25519", "nonsense"]}, "groups="),
    ({"signature_schemes": ["nonsense"]}, "signature_schemes="),
    ({"protocol": "SSLv3"}, "raw hello"),
    ({"trust": [b"nonsense"]}, "no PEM certificate"),
    ({"client_certificate": (b"nonsense", b"nonsense")}, "client_certificate cannot be used"),
])  # fmt: skip
def test_options_that_cannot_be_carried_out_say_why(options: dict[str, object], message: str) -> None:
    with pytest.raises(TlsError, match=message):
        connect(("127.0.0.1", 1), **options)  # type: ignore[arg-type]


def test_a_binding_without_the_function_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_binding, "GROUPS", "SSL_CTX_no_such_function")
    with pytest.raises(TlsError, match=r"install `cryptography` 47 or later"):
        connect(("127.0.0.1", 1), groups=["secp521r1", "x448"])
