"""What TLS 1.3 encrypts of a handshake is read as on the wire; what follows the handshake stays closed."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.pki import CA
from pytest_modssl.tls import names
from pytest_modssl.tls.client import connect, handshake
from pytest_modssl.tls.records import ALERT, APPLICATION_DATA, HANDSHAKE, Record
from pytest_modssl.tls.traffic import SERVER, HandshakeSecrets, Opened, Opener, expand_label
from tests.tls.watched_httpd import NAME, WatchedHttpd, tls_peer

# RFC 8448 section 3: the server's secret of the handshake, and the key and IV that come of it.
SECRET = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
KEY, IV = bytes.fromhex("3fce516009c21727d0f2e4e86ee403bc"), bytes.fromhex("5d313eb2671276ee13000b30")


def protected(number: int, inner: bytes) -> Record:
    """A record as RFC 8446 section 5.2 has it under the key of RFC 8448: `number` is its place in the order."""
    length = len(inner) + 16
    nonce = (int.from_bytes(IV, "big") ^ number).to_bytes(12, "big")
    payload = AESGCM(KEY).encrypt(nonce, inner, b"\x17\x03\x03" + length.to_bytes(2, "big"))
    return Record(APPLICATION_DATA, 0x0303, payload)


SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]


def test_key_and_iv_are_those_of_rfc_8448() -> None:
    assert expand_label(SECRET, "key", 16, SHA256()) == KEY
    assert expand_label(SECRET, "iv", 12, SHA256()) == IV


@pytest.mark.parametrize("suite", SUITES)
def test_every_message_of_a_tls13_handshake_is_read(httpd: WatchedHttpd, suite: str) -> None:
    seen = handshake(
        httpd.address("require"),
        NAME,
        protocol="TLSv1.3",
        ciphersuites=suite,
        alpn=["http/1.1"],
        client_certificate=httpd.client_certificate,
    )
    assert (seen.ok, seen.cipher_suite, seen.signature) == (True, suite, "rsa_pss_rsae_sha256")
    read = [
        (entry.direction, names.handshake_name(message.type))
        for entry in seen.transcript.entries
        for message in entry.messages
        if entry.encrypted
    ]
    assert read == [
        ("received", "EncryptedExtensions"),
        ("received", "CertificateRequest"),
        ("received", "Certificate"),
        ("received", "CertificateVerify"),
        ("received", "Finished"),
        ("sent", "Certificate"),
        ("sent", "CertificateVerify"),
        ("sent", "Finished"),
    ]
    lines = [line.strip() for line in str(seen.transcript).splitlines()]
    assert "EncryptedExtensions extensions server_name, application_layer_protocol_negotiation" in lines
    # OpenSSL 3.5 puts ML-DSA before (CHANGES.md of 3.5).
    (asked,) = [line for line in lines if line.startswith("CertificateRequest signatures ")]
    assert "ecdsa_secp256r1_sha256" in asked
    assert f"Certificate DER bytes {', '.join(str(len(der)) for der in seen.certificates)}" in lines
    assert "CertificateVerify rsa_pss_rsae_sha256; signature of 256 bytes" in lines


def test_the_suites_with_ccm_are_read_too(httpd: WatchedHttpd) -> None:
    for suite in ("TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"):
        seen = handshake(httpd.address("ccm"), NAME, protocol="TLSv1.3", ciphersuites=suite, security_level=0)
        assert (seen.cipher_suite, seen.signature) == (suite, "rsa_pss_rsae_sha256"), seen


def test_the_scheme_of_the_signature_is_the_one_that_was_asked_for(httpd: WatchedHttpd) -> None:
    schemes = ["rsa_pss_rsae_sha512", "rsa_pss_rsae_sha256"]
    assert handshake(httpd.address("tls13"), NAME, signature_schemes=schemes).signature == schemes[0]


def test_a_resumed_session_is_not_signed_again(httpd: WatchedHttpd) -> None:
    first = handshake(httpd.address("tls13"), NAME)
    again = handshake(httpd.address("tls13"), NAME, session=first.session)
    assert (first.signature, first.resumed) == ("rsa_pss_rsae_sha256", False)
    assert (again.signature, again.resumed) == (None, True)


def test_after_a_hello_retry_request_the_handshake_is_read(httpd: WatchedHttpd) -> None:
    assert handshake(httpd.address("p256"), NAME, groups=["x25519", "secp256r1"]).signature == "rsa_pss_rsae_sha256"


def test_records_are_opened_in_their_order_and_without_their_padding() -> None:
    opener = Opener(SECRET, 0x1301)
    assert opener.open(protected(0, b"\x02\x50\x15" + bytes(7))) == Opened(ALERT, b"\x02\x50")
    assert opener.open(protected(1, b"next\x16")) == Opened(HANDSHAKE, b"next")
    assert opener.open(protected(3, b"one is missing\x16")) is None
    assert opener.open(protected(3, b"now in order\x16")) is None


def test_what_follows_the_handshake_stays_closed() -> None:
    with (
        tls_peer(CA().issue(NAME), lambda session: session.sendall(b"very secret")) as address,
        connect(address, NAME) as connection,
    ):
        connection.read_until_close()
        seen = connection.handshake
    assert seen.protocol == "TLSv1.3"
    finished = [entry for entry in seen.transcript.entries if any(message.type == 20 for message in entry.messages)]
    for direction in ("sent", "received"):
        (last,) = [entry for entry in finished if entry.direction == direction]
        later = [one for one in seen.transcript.entries if one.direction == direction and one.time > last.time]
        assert all(one.encrypted and not one.messages and one.alert is None for one in later)
    assert b"very secret" not in repr(seen).encode()


def test_secrets_of_application_data_are_not_kept() -> None:
    secrets = HandshakeSecrets()
    for label in ("SERVER_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0", "EXPORTER_SECRET", "CLIENT_RANDOM"):
        secrets.note(f"{label} {'00' * 32} {SECRET.hex()}".encode())
        assert secrets.take(label, 0x1301) is None
    secrets.note(f"{SERVER} {'00' * 32} {SECRET.hex()}".encode())
    assert SECRET.hex() not in repr(secrets)
    assert secrets.take(SERVER, 0x1301) is not None
    assert secrets.take(SERVER, 0x1301) is None


def test_a_suite_that_is_not_of_tls13_opens_nothing() -> None:
    assert Opener(SECRET, 0xC02F).open(Record(APPLICATION_DATA, 0x0303, bytes(40))) is None


@given(st.lists(st.binary(max_size=80)), st.sampled_from([0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0]))
def test_records_of_garbage_open_nothing_and_raise_nothing(payloads: list[bytes], suite: int) -> None:
    opener = Opener(SECRET, suite)
    assert all(opener.open(Record(APPLICATION_DATA, 0x0303, payload)) is None for payload in payloads)
