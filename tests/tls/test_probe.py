from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import names
from pytest_modssl.tls.hello import JAVA7
from pytest_modssl.tls.probe import probe
from pytest_modssl.tls.records import HandshakeMessage, Record

from .conftest import ALL_SUITES, NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.pki import CA, LeafCert

    from .conftest import StartHttpd


@contextlib.contextmanager
def peer(*replies: bytes, close: bool = True, reset: bool = False) -> Iterator[tuple[str, int]]:
    """A server that takes one connection, answers the first bytes with these, and closes or waits for the client."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                for reply in replies:
                    connection.sendall(reply)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                elif not close:
                    connection.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()
        finally:
            thread.join()


def test_a_tls13_selection_is_seen_without_a_key_share(start_httpd: StartHttpd) -> None:
    result = probe(start_httpd().address, NAME, versions=("TLSv1.3",), suites=("TLS_AES_256_GCM_SHA384",))
    assert (result.protocol, result.cipher_suite, result.group) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519")
    assert result.server_hello is not None
    assert result.server_hello.is_retry
    assert result.failure is None


def test_a_tls13_selection_is_seen_with_a_key_share(start_httpd: StartHttpd) -> None:
    result = probe(start_httpd().address, NAME, versions=("TLSv1.3",), key_shares=("x25519",))
    assert result.server_hello is not None
    assert not result.server_hello.is_retry
    assert result.group == "x25519"


def test_a_tls12_flight_is_read_to_its_end(start_httpd: StartHttpd, rsa_leaf: LeafCert) -> None:
    result = probe(start_httpd().address, NAME, versions=("TLSv1.2",), suites=("ECDHE-RSA-AES128-GCM-SHA256",))
    assert (result.protocol, result.cipher_suite) == ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
    assert result.group == "x25519"
    assert result.certificates == (rsa_leaf.der,)
    assert result.certificate_request is None
    assert (result.failure, result.closed) == (None, False)
    assert [(direction, record.type_name) for direction, _, record in result.records][:2] == [
        ("sent", "handshake"),
        ("received", "handshake"),
    ]
    seconds = [second for _, second, _ in result.records]
    assert 0 < seconds[0] <= seconds[-1] <= result.elapsed
    assert str(result).endswith("selected TLSv1.2, ECDHE-RSA-AES128-GCM-SHA256, x25519, 1 certificate(s)")


@pytest.mark.parametrize(("level", "bits"), [("2", 2048), ("1", 1024)])
def test_the_prime_in_force_is_read_from_the_wire(
    start_httpd: StartHttpd, dh1024_leaf: LeafCert, level: str, bits: int
) -> None:
    """OpenSSL passes over a 1024-bit block in silence at its default level (measured on httpd 2.4.71, OpenSSL 3.0.22).

    OpenSSL 1.1.1 takes the block, and then offers no DHE suite at all (measured on 1.1.1w).
    """
    server = start_httpd(f"SSLCipherSuite ALL:@SECLEVEL={level}", certificates=[dh1024_leaf])
    result = probe(server.address, NAME, versions=("TLSv1.2",), suites=("DHE-RSA-AES128-GCM-SHA256",))
    assert result.group is None
    if bits > 1024 and (server.server.installation.openssl or ()) < (3,):
        assert (result.dh_bits, result.failure) == (None, "alert")
        return
    assert result.dh_bits == bits
    assert f"DH {bits} bits" in str(result)


def test_a_server_that_demands_a_client_certificate_still_answers(start_httpd: StartHttpd, tls_ca: CA) -> None:
    server = start_httpd('SSLVerifyClient require\nSSLCACertificateFile "${MODSSL_PKI}/ca.pem"')
    result = probe(server.address, NAME, versions=("TLSv1.2",))
    assert result.failure is None
    assert result.certificate_request is not None
    assert result.certificate_request.ca_names == (tls_ca.certificate.subject.public_bytes(),)
    assert "asks for a client certificate" in str(result)


@pytest.mark.parametrize(
    ("version", "suite", "alert"),
    [
        ("TLSv1.2", "ADH-AES128-SHA", "handshake_failure"),
        ("TLSv1.1", "ECDHE-RSA-AES128-SHA", "protocol_version"),
    ],
)
def test_a_refusal_is_told_by_its_alert(start_httpd: StartHttpd, version: str, suite: str, alert: str) -> None:
    address = start_httpd("SSLProtocol TLSv1.2").address
    result = probe(address, NAME, versions=(version,), suites=(suite,))
    assert result.server_hello is None
    assert (result.protocol, result.cipher_suite, result.group, result.dh_bits) == (None, None, None, None)
    assert result.failure == "alert"
    assert result.alert is not None
    assert result.alert.name == alert
    assert alert in str(result)


def test_java7_is_served_a_prime_that_it_can_use(start_httpd: StartHttpd, dh1024_leaf: LeafCert) -> None:
    directives = f"{ALL_SUITES}:!kECDHE:!kRSA\nSSLProtocol -all +TLSv1\nSSLHonorCipherOrder on"
    result = probe(start_httpd(directives, certificates=[dh1024_leaf]).address, NAME, **JAVA7)
    assert (result.protocol, result.cipher_suite, result.dh_bits) == ("TLSv1", "DHE-RSA-AES128-SHA", 1024)
    assert result.key_exchange is not None
    assert result.key_exchange.signature_scheme is None


def test_the_alert_of_java7_is_in_the_servers_log_when_the_probe_ends(start_httpd: StartHttpd) -> None:
    server = start_httpd(f"{ALL_SUITES}:!kECDHE:!kRSA\nSSLProtocol -all +TLSv1")
    result = probe(server.address, NAME, send_alert="internal_error", **JAVA7)
    assert (result.dh_bits, result.closed, result.failure) == (2048, True, None)
    assert "tlsv1 alert internal error (SSL alert number 80)" in server.log()


def test_an_unknown_alert_to_send_is_an_error_before_anything_is_sent() -> None:
    with pytest.raises(TlsError, match="No alert is called 'sigh'"):
        probe(("127.0.0.1", 1), send_alert="sigh")


def test_a_closed_port_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        result = probe(bound.getsockname())
    assert result.failure == "refused"
    assert result.records == ()


def test_a_plain_http_answer_is_shown() -> None:
    with peer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        result = probe(address)
    assert result.failure == "not_tls"
    assert result.reply_plain is not None
    assert result.reply_plain.startswith(b"HTTP/1.1 400")
    assert "Not TLS" in str(result)


def test_a_silent_port_is_told_at_the_deadline() -> None:
    with peer(close=False) as address:
        result = probe(address, timeout=0.2)
    assert result.failure == "timeout"
    assert 0.2 <= result.elapsed < 2


def test_a_server_that_trickles_cannot_stretch_the_deadline() -> None:
    with peer(b"\x16", b"\x03", b"\x03", close=False) as address:
        result = probe(address, timeout=0.2)
    assert result.failure == "timeout"
    assert result.elapsed < 2


def test_an_end_in_the_middle_is_told() -> None:
    with peer(b"\x16\x03\x03\x00\x50ab") as address:
        result = probe(address)
    assert (result.failure, result.closed) == ("closed", True)


def test_a_reset_is_told() -> None:
    with peer(reset=True) as address:
        result = probe(address)
    assert result.failure == "reset"


@pytest.mark.parametrize(
    "reply",
    [
        Record(22, 0x0303, b"\x02\0\0\x03abc").to_bytes(),
        Record(22, 0x0303, b"\x0b\0\0\x03\0\0\0").to_bytes(),
        Record(23, 0x0303, b"data").to_bytes(),
        Record(21, 0x0303, b"\x02").to_bytes(),
        Record(22, 0x0303, b"\x02\xff\xff\xff").to_bytes(),
    ],
    ids=["short-server-hello", "certificate-first", "application-data", "half-alert", "endless-message"],
)
def test_a_malformed_answer_is_told(reply: bytes) -> None:
    with peer(reply) as address:
        result = probe(address)
    assert result.failure == "malformed"
    assert result.error
    assert result.reply_plain is None


def test_compression_is_told_where_the_server_selects_it(start_httpd: StartHttpd) -> None:
    hello = b"\x03\x03" + bytes(32) + b"\0" + b"\x00\x2f" + b"\x01"
    answer = Record(22, 0x0303, HandshakeMessage(2, hello).to_bytes() + HandshakeMessage(14, b"").to_bytes())
    with peer(answer.to_bytes()) as address:
        result = probe(address, versions=("TLSv1.2",), compressions=("DEFLATE", "NULL"))
    assert result.compression == "DEFLATE"
    assert "AES128-SHA, compression DEFLATE" in str(result)
    # mod_ssl compresses nothing unless it is told to (manual, SSLCompression).
    address = start_httpd().address
    result = probe(address, NAME, versions=("TLSv1.2",), compressions=("DEFLATE", "NULL"))
    assert result.compression == "NULL"
    assert "compression" not in str(result)
    with peer() as address:
        assert probe(address).compression is None


def test_a_warning_does_not_end_the_answer() -> None:
    warning = Record(21, 0x0303, bytes([1, names.ALERTS["unrecognized_name"]]))
    fatal = Record(21, 0x0303, bytes([2, names.ALERTS["access_denied"]]))
    with peer(warning.to_bytes(), fatal.to_bytes()) as address:
        result = probe(address)
    assert [str(alert) for alert in result.alerts] == ["unrecognized_name (warning)", "access_denied (fatal)"]
    assert result.alert == result.alerts[1]


def test_rubbish_after_a_record_is_told() -> None:
    warning = Record(21, 0x0303, bytes([1, names.ALERTS["unrecognized_name"]]))
    with peer(warning.to_bytes() + b"HTTP/1.1", close=False) as address:
        result = probe(address)
    assert result.failure == "malformed"
