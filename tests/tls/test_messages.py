"""Messages of Python's own TLS library (another implementation), and hostile ones."""

from __future__ import annotations

import contextlib
import ssl
from functools import partial
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.errors import RecordError
from pytest_modssl.pki import dh_parameters
from pytest_modssl.tls import messages, names
from pytest_modssl.tls.records import HANDSHAKE, HandshakeMessage, HandshakeReader, RecordReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_modssl.pki import CA, LeafCert

VERSIONS = sorted(names.PROTOCOLS.values())


@pytest.fixture
def server(tmp_path: Path, rsa_leaf: LeafCert, tls_ca: CA) -> ssl.SSLContext:
    rsa_leaf.cert_file_pem.write_to_path(tmp_path / "crt")
    rsa_leaf.key_file_pem.write_to_path(tmp_path / "key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    context.load_verify_locations(cadata=tls_ca.cert_pem.text())
    context.verify_mode = ssl.CERT_OPTIONAL
    dh_parameters("rfc3526-2048").write_to_path(tmp_path / "dh")
    context.load_dh_params(str(tmp_path / "dh"))
    context.set_ciphers("ALL")
    return context


def first_flight(server: ssl.SSLContext | None = None, **client: str) -> dict[str, HandshakeMessage]:
    """The ClientHello of Python's client, or the answer of Python's server to it, by the messages' names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion[client.get("version", "TLSv1_3")]
    context.set_ciphers(client.get("ciphers", "DEFAULT"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    peers = [context.wrap_bio(to_client, to_server, server_hostname="www.example.test")]
    if server is not None:
        peers.append(server.wrap_bio(to_server, to_client, server_side=True))
    for peer in peers:
        with contextlib.suppress(ssl.SSLWantReadError):
            peer.do_handshake()
    data = (to_server if server is None else to_client).read()
    reader = HandshakeReader()
    clear = [record for record in RecordReader().feed(data) if record.type == HANDSHAKE]
    return {names.handshake_name(m.type): m for record in clear for m in reader.feed(record.payload)}


def test_a_client_hello_tells_all_it_offers() -> None:
    hello = messages.parse_client_hello(first_flight()["ClientHello"].body)
    assert hello.version == messages.TLS12
    assert hello.versions[0] == messages.TLS13
    assert hello.server_name == "www.example.test"
    assert hello.alpn == (b"h2", b"http/1.1")
    assert len(hello.random) == 32
    assert hello.compressions == (0,)
    assert names.cipher_suite("TLS_AES_256_GCM_SHA384").code in hello.cipher_suites
    assert names.GROUPS["x25519"] in hello.groups
    assert names.SIGNATURE_SCHEMES["rsa_pss_rsae_sha256"] in hello.signature_schemes


def test_a_tls13_server_hello_tells_version_suite_and_group(server: ssl.SSLContext) -> None:
    hello = messages.parse_server_hello(first_flight(server)["ServerHello"].body)
    assert hello.version == messages.TLS13
    assert names.cipher_suite_name(hello.cipher_suite) == "TLS_AES_256_GCM_SHA384"
    # OpenSSL 3.5 and later prefer the hybrid group, on both sides (its NEWS.md).
    preferred = "X25519MLKEM768" if ssl.OPENSSL_VERSION_INFO >= (3, 5) else "x25519"
    assert hello.group == names.GROUPS[preferred]
    assert not hello.is_retry


def test_a_tls12_flight_tells_group_signature_chain_and_the_client_certificates_wanted(
    server: ssl.SSLContext, rsa_leaf: LeafCert, tls_ca: CA
) -> None:
    flight = first_flight(server, version="TLSv1_2", ciphers="ECDHE-RSA-AES128-GCM-SHA256")
    hello = messages.parse_server_hello(flight["ServerHello"].body)
    assert (hello.version, names.cipher_suite_name(hello.cipher_suite)) == (0x0303, "ECDHE-RSA-AES128-GCM-SHA256")
    exchange = messages.parse_server_key_exchange(
        flight["ServerKeyExchange"].body, cipher_suite=hello.cipher_suite, version=hello.version
    )
    assert (exchange.kind, exchange.group, exchange.public_length) == ("ecdhe", names.GROUPS["x25519"], 32)
    assert exchange.signature_scheme == names.SIGNATURE_SCHEMES["rsa_pss_rsae_sha256"]
    chain = messages.parse_certificate(flight["Certificate"].body, version=hello.version).chain
    assert chain[0] == rsa_leaf.der
    request = messages.parse_certificate_request(flight["CertificateRequest"].body, version=hello.version)
    root = x509.load_pem_x509_certificate(tls_ca.cert_pem.bytes())
    assert request.ca_names in ((), (root.subject.public_bytes(),))
    assert request.certificate_types
    assert names.SIGNATURE_SCHEMES["ecdsa_secp256r1_sha256"] in request.signature_schemes


def test_a_dhe_key_exchange_tells_its_prime(server: ssl.SSLContext) -> None:
    flight = first_flight(server, version="TLSv1_2", ciphers="DHE-RSA-AES128-GCM-SHA256")
    suite = names.cipher_suite("DHE-RSA-AES128-GCM-SHA256").code
    exchange = messages.parse_server_key_exchange(
        flight["ServerKeyExchange"].body, cipher_suite=suite, version=messages.TLS12
    )
    assert (exchange.kind, exchange.bits, exchange.generator, exchange.group) == ("dhe", 2048, 2, None)
    assert exchange.public_length == 256
    assert exchange.prime is not None
    assert exchange.prime % 2 == 1


def test_an_alert_has_level_and_name() -> None:
    alert = messages.parse_alert(b"\x02\x28")
    assert (alert.name, alert.fatal, str(alert)) == ("handshake_failure", True, "handshake_failure (fatal)")
    assert str(messages.parse_alert(b"\x01\x00")) == "close_notify (warning)"
    with pytest.raises(RecordError, match="1 bytes too many"):
        messages.parse_alert(b"\x02\x28\x00")


def test_a_tls13_certificate_has_a_layout_of_its_own() -> None:
    body = b"\0" + (3 + 2 + 2 + 3 + 1 + 2).to_bytes(3, "big") + b"\0\0\2ab\0\0" + b"\0\0\1c\0\0"
    assert messages.parse_certificate(body, version=messages.TLS13).chain == (b"ab", b"c")


def test_a_ticket_tells_lifetime_and_length_in_both_layouts() -> None:
    ticket = b"\0\0\1\x2c" + b"\0\3abc"
    assert messages.parse_new_session_ticket(ticket, version=messages.TLS12) == messages.NewSessionTicket(300, 3)
    ticket = b"\0\0\1\x2c" + b"agea" + b"\1n" + b"\0\3abc" + b"\0\0"
    assert messages.parse_new_session_ticket(ticket, version=messages.TLS13) == messages.NewSessionTicket(300, 3)


def test_an_extension_that_comes_twice_is_refused() -> None:
    twice = (b"\0\x17\0\0" * 2).rjust(8)
    body = b"\3\3" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0" + len(twice).to_bytes(2, "big") + twice
    with pytest.raises(RecordError, match="extended_master_secret is there twice"):
        messages.parse_server_hello(body)


def test_a_key_exchange_of_an_unknown_suite_is_refused_by_name() -> None:
    with pytest.raises(RecordError, match="under AES128-SHA"):
        messages.parse_server_key_exchange(b"", cipher_suite=0x002F, version=messages.TLS12)


@pytest.mark.parametrize("name", ["ClientHello", "ServerHello", "Certificate", "ServerKeyExchange"])
def test_a_message_cut_short_anywhere_is_an_error_and_never_another_message(server: ssl.SSLContext, name: str) -> None:
    flight = first_flight() if name == "ClientHello" else first_flight(server, version="TLSv1_2")
    suite = names.cipher_suite("ECDHE-RSA-AES256-GCM-SHA384").code
    parsers: dict[str, Callable[[bytes], object]] = {
        "ClientHello": messages.parse_client_hello,
        "ServerHello": messages.parse_server_hello,
        "Certificate": partial(messages.parse_certificate, version=messages.TLS12),
        "ServerKeyExchange": partial(messages.parse_server_key_exchange, cipher_suite=suite, version=messages.TLS12),
    }
    parse, body = parsers[name], flight[name].body
    whole = parse(body)
    for length in range(len(body)):
        with contextlib.suppress(RecordError):
            assert parse(body[:length]) != whole


@given(st.binary(max_size=600), st.sampled_from(VERSIONS), st.sampled_from([s.code for s in names.cipher_suites()]))
def test_any_bytes_give_a_message_or_the_error_of_records(body: bytes, version: int, suite: int) -> None:
    parsers: list[Callable[[bytes], object]] = [
        messages.parse_alert,
        messages.parse_client_hello,
        messages.parse_server_hello,
        partial(messages.parse_server_key_exchange, cipher_suite=suite, version=version),
        partial(messages.parse_certificate, version=version),
        partial(messages.parse_certificate_request, version=version),
        messages.parse_encrypted_extensions,
        partial(messages.parse_certificate_verify, version=version),
        partial(messages.parse_new_session_ticket, version=version),
    ]
    for parse in parsers:
        with contextlib.suppress(RecordError):
            parse(body)


hostile = st.dictionaries(st.sampled_from([0, 10, 13, 16, 43, 51]), st.binary(max_size=40))


@given(hostile)
def test_any_extensions_give_values_or_the_error_of_records(extensions: dict[int, bytes]) -> None:
    client = messages.ClientHello(
        version=0x0303, random=b"", session_id=b"", cipher_suites=(), compressions=(), extensions=extensions
    )
    server = messages.ServerHello(
        version=0x0303, random=b"", session_id=b"", cipher_suite=0, compression=0, extensions=extensions
    )
    for attribute in ("versions", "server_name", "groups", "signature_schemes", "alpn"):
        with contextlib.suppress(RecordError):
            getattr(client, attribute)
    for attribute in ("group", "alpn"):
        with contextlib.suppress(RecordError):
            getattr(server, attribute)
