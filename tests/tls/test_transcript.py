"""The transcript: each record once, named as far as it can be, and nothing secret in it."""

from __future__ import annotations

import pytest

from pytest_modssl.errors import RecordError
from pytest_modssl.tls.client import connect, handshake
from pytest_modssl.tls.transcript import Entry, Recorder, Transcript
from tests.tls.watched_httpd import NAME, WatchedHttpd


def told(transcript: Transcript) -> list[tuple[str, str]]:
    """(direction, message) of all messages, whether clear or encrypted."""
    lines: list[tuple[str, str]] = []
    for entry in transcript.entries:
        clear = [text for text in str(entry).splitlines()[1:] if text.startswith(" " * 6) and text[6] != " "]
        lines += [(entry.direction, name) for name in entry.names]
        lines += [(entry.direction, text.split()[0]) for text in clear]
    return lines


def test_a_tls12_handshake_shows_every_message_in_order(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("require"), NAME, protocol="TLSv1.2", client_certificate=httpd.client_certificate)
    assert told(seen.transcript) == [
        ("sent", "ClientHello"),
        ("received", "ServerHello"),
        ("received", "Certificate"),
        ("received", "ServerKeyExchange"),
        ("received", "CertificateRequest"),
        ("received", "ServerHelloDone"),
        ("sent", "Certificate"),
        ("sent", "ClientKeyExchange"),
        ("sent", "CertificateVerify"),
        ("sent", "Finished"),
        ("received", "NewSessionTicket"),
        ("received", "Finished"),
        ("sent", "Alert close_notify (warning)"),
        ("received", "Alert close_notify (warning)"),
    ]


def test_a_tls13_handshake_shows_every_message_in_order(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("require"), NAME, protocol="TLSv1.3", client_certificate=httpd.client_certificate)
    names = told(seen.transcript)
    assert names[:2] == [("sent", "ClientHello"), ("received", "ServerHello")]
    assert names[2:] == [
        ("received", "EncryptedExtensions"),
        ("received", "CertificateRequest"),
        ("received", "Certificate"),
        ("received", "CertificateVerify"),
        ("received", "Finished"),
        ("sent", "Certificate"),
        ("sent", "CertificateVerify"),
        ("sent", "Finished"),
        ("sent", "Alert close_notify (warning)"),
        ("received", "NewSessionTicket"),
        ("received", "NewSessionTicket"),
        ("received", "Alert close_notify (warning)"),
    ]


def test_a_hello_retry_request_is_told_and_the_second_hello_stays_clear(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("p256"), NAME, groups=["x25519", "secp256r1"])
    clear = [line for line in told(seen.transcript) if line[1].endswith("Hello")]
    assert clear == [("sent", "ClientHello"), ("received", "ServerHello")] * 2
    assert str(seen.transcript).count("(HelloRetryRequest)") == 1


def test_lengths_add_up_to_the_bytes_on_the_wire(httpd: WatchedHttpd) -> None:
    for host in ("any", "tls12"):
        seen = handshake(httpd.address(host), NAME)
        for direction, total in (("sent", seen.bytes_out), ("received", seen.bytes_in)):
            lengths = [entry.length + 5 for entry in seen.transcript.entries if entry.direction == direction]
            assert sum(lengths) == total


def test_application_data_is_counted_and_not_kept(httpd: WatchedHttpd) -> None:
    with connect(httpd.address("tls12"), NAME) as connection:
        connection.send(f"GET /?very-secret HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())
        connection.read_until_close()
        transcript = connection.handshake.transcript
    data = [entry for entry in transcript.entries if entry.record_type == 23]
    assert {entry.direction for entry in data} == {"sent", "received"}
    assert not any(entry.messages for entry in data)
    assert "very-secret" not in repr(transcript)


def test_every_record_prints_with_direction_time_type_and_length() -> None:
    entry = Entry("sent", 0.0015, 23, 0x0303, 19, True, names=("Finished",))
    assert str(entry) == ">>>     1.50 ms  application_data, 19 bytes, encrypted: Finished"


def test_a_message_may_span_records_and_counts_where_it_ends() -> None:
    recorder = Recorder()
    message = bytes.fromhex("0e000000")
    for part in (message[:1], message[1:]):
        for record in recorder.split(b"\x16\x03\x03" + len(part).to_bytes(2, "big") + part):
            recorder.receive(record)
    first, second = recorder.transcript().entries
    assert first.messages == ()
    assert str(second).endswith("ServerHelloDone")


def test_a_malformed_message_is_told_as_such() -> None:
    recorder = Recorder()
    for record in recorder.split(bytes.fromhex("1603030006 020000020303")):
        recorder.receive(record)
    assert "ServerHello that is malformed" in str(recorder.transcript())
    assert recorder.server_hello is None


def test_bytes_that_are_no_records_raise() -> None:
    with pytest.raises(RecordError):
        Recorder().split(b"HTTP/1.1 400 Bad Request\r\n")
