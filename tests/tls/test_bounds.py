"""Servers that never come to an end: every client of TLS ends in time, and keeps no more than it is made for."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import WaitTimeoutError
from pytest_modssl.certificates import read_certificate
from pytest_modssl.errors import PkiError, RecordError, TlsError
from pytest_modssl.pki import CA
from pytest_modssl.tls import client, connect, handshake, probe, transcript
from pytest_modssl.tls.messages import parse_server_hello
from pytest_modssl.tls.records import ALERT, HANDSHAKE, MAX_FLIGHT, HandshakeReader
from pytest_modssl.tls.stapling import read_stapled
from pytest_modssl.tls.transcript import Recorder
from tests.faults.hostile.peers import fake_server, never_ends, record
from tests.tls.watched_httpd import tls_peer

if TYPE_CHECKING:
    import ssl

WARNING = record(ALERT, bytes([1, 90]))


def endlessly(session: ssl.SSLSocket) -> None:
    while True:
        session.sendall(bytes(16_384))


def test_a_probe_of_a_server_that_never_ends_is_malformed() -> None:
    with fake_server(partial(never_ends, b"", WARNING)) as address:
        seen = probe(address, timeout=60)
    assert seen.failure == "malformed"
    assert "The answer does not end" in str(seen)
    assert sum(len(one.payload) + 5 for _, _, one in seen.records) < 2 * MAX_FLIGHT


def test_a_handshake_ends_though_there_is_always_more_to_read() -> None:
    began = time.monotonic()
    with tls_peer(CA().issue("a.test"), endlessly) as address:
        seen = handshake(address, timeout=1)
    assert seen.ok
    assert time.monotonic() - began < 30


def test_reading_to_the_end_of_a_server_that_has_none_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        tls_peer(CA().issue("a.test"), endlessly) as address,
        connect(address, timeout=0.2) as connection,
        pytest.raises((WaitTimeoutError, TlsError)),
    ):
        connection.read_until_close()
    monkeypatch.setattr(client, "MOST", 100_000)
    with (
        tls_peer(CA().issue("a.test"), endlessly) as address,
        connect(address, timeout=60) as connection,
        pytest.raises(TlsError, match="more than 100000 bytes"),
    ):
        connection.read_until_close()


def test_a_transcript_counts_what_it_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "MOST", 3)
    recorder = Recorder()
    for one in recorder.split(WARNING * 5):
        recorder.receive(one)
    assert str(recorder.transcript()).endswith("(and 2 more records)")


def test_a_message_that_is_too_long_is_refused_again_and_not_kept() -> None:
    reader = HandshakeReader()
    for _ in range(3):
        with pytest.raises(RecordError, match="announces 16777215 bytes"):
            reader.feed(b"\x0b\xff\xff\xff" + bytes(1000))
    assert len(reader.pending) < 2000


def test_a_server_hello_whose_group_is_cut_off_is_malformed() -> None:
    body = b"\3\3" + bytes(32) + b"\0" + b"\x13\x01" + b"\0" + b"\0\5" + b"\0\x33\0\1\0"
    with pytest.raises(RecordError, match="key_share"):
        parse_server_hello(body)
    assert record(HANDSHAKE, body)


def test_a_certificate_that_openssl_takes_and_cryptography_does_not_is_refused_with_the_reason() -> None:
    der = CA().issue("a.test").der
    odd = der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020122"), 1)
    assert odd != der
    with pytest.raises(PkiError, match=r"a certificate of \d+ bytes cannot be read: 34 is not a valid X509 version"):
        read_certificate(odd)
    with pytest.raises(PkiError, match="the stapled response of 3 bytes cannot be read"):
        read_stapled(b"odd")
