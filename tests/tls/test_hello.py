from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import messages, names
from pytest_modssl.tls.hello import DEFAULT_GROUPS, JAVA7, HelloOptions, client_hello
from pytest_modssl.tls.records import HandshakeReader, RecordReader

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.pki import LeafCert


def read(data: bytes) -> messages.ClientHello:
    (record,) = RecordReader().feed(data)
    (message,) = HandshakeReader().feed(record.payload)
    assert names.handshake_name(message.type) == "ClientHello"
    return messages.parse_client_hello(message.body)


def group_codes(groups: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(names.GROUPS[group] for group in groups)


def test_by_default_all_suites_of_tls12_and_tls13_are_offered() -> None:
    hello = read(client_hello("www.example.test"))
    assert hello.versions == (0x0303, 0x0304)
    assert hello.server_name == "www.example.test"
    assert hello.groups == group_codes(DEFAULT_GROUPS)
    offered = set(hello.cipher_suites)
    assert offered == {suite.code for suite in (*names.cipher_suites("TLSv1.2"), *names.cipher_suites("TLSv1.3"))}
    assert names.cipher_suite(hello.cipher_suites[0]).minimum == "TLSv1.3"


def test_a_hello_carries_what_was_asked_in_that_order() -> None:
    hello = read(
        client_hello(
            versions=("TLSv1.2",),
            suites=("AES128-SHA", 0xC02F, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
            groups=("ffdhe2048", "x25519"),
            signature_schemes=("rsa_pkcs1_sha1", "ed25519"),
            alpn=("h2", "http/1.1"),
            compressions=(1, 0),
            session_id=b"session",
        )
    )
    assert hello.version == 0x0303
    assert hello.cipher_suites == (0x002F, 0xC02F, 0x0033)
    assert hello.groups == (0x0100, 0x001D)
    assert hello.signature_schemes == (0x0201, 0x0807)
    assert hello.alpn == (b"h2", b"http/1.1")
    assert hello.compressions == (1, 0)
    assert hello.session_id == b"session"
    assert hello.server_name is None
    assert names.EXTENSIONS["supported_versions"] not in hello.extensions


def test_extensions_can_be_left_out_and_old_protocols_have_no_signature_schemes() -> None:
    assert read(client_hello(versions=("TLSv1",), groups=(), extensions_off=("renegotiation_info",))).extensions == {}


@pytest.mark.parametrize("name", ["127.0.0.1", "::1"])
def test_an_address_is_no_server_name(name: str) -> None:
    assert read(client_hello(name)).server_name is None


@pytest.mark.parametrize("name", ["x25519", "secp256r1"])
def test_a_key_share_is_accepted_by_another_library(name: str, tmp_path: Path, rsa_leaf: LeafCert) -> None:
    rsa_leaf.cert_file_pem.write_to_path(tmp_path / "crt")
    rsa_leaf.key_file_pem.write_to_path(tmp_path / "key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(client_hello(versions=("TLSv1.3",), key_shares=(name,)))
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    (message, *_) = HandshakeReader().feed(RecordReader().feed(outgoing.read())[0].payload)
    hello = messages.parse_server_hello(message.body)
    assert not hello.is_retry
    assert hello.group == names.GROUPS[name]


def test_two_hellos_have_different_random_values() -> None:
    assert read(client_hello()).random != read(client_hello()).random


def test_java7_offers_tls10_with_dhe_and_no_ffdhe_group() -> None:
    hello = read(client_hello("www.example.test", **JAVA7))
    assert hello.versions == (0x0301,)
    assert hello.server_name == "www.example.test"
    offered = [names.cipher_suite_name(code) for code in hello.cipher_suites]
    assert {"DHE-RSA-AES128-SHA", "DHE-DSS-AES128-SHA"} < set(offered)
    assert offered[-1] == "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"
    assert not [name for name in offered if "256" in name]
    assert not [code for code in hello.groups if names.group_name(code).startswith("ffdhe")]
    assert set(map(names.extension_name, hello.extensions)) == {"server_name", "supported_groups", "ec_point_formats"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"versions": ()}, "at least one of SSLv3, TLSv1"),
        ({"versions": ("TLS1.2",)}, "No protocol is called 'TLS1.2'"),
        ({"suites": ("AES-KITTEN",)}, "No cipher suite 'AES-KITTEN'"),
        ({"groups": ("P-256",)}, "No group is called 'P-256'"),
        ({"signature_schemes": ("rsa",)}, "No signature scheme is called 'rsa'"),
        ({"versions": ("TLSv1.3",), "key_shares": ("x448",)}, "'x448' cannot be made here, only x25519 and secp256r1"),
        ({"compressions": ("ZIP",)}, "No compression method is called 'ZIP'"),
        ({"extensions_off": ("sni",)}, "No extension is called 'sni'"),
    ],
)
def test_what_cannot_be_offered_is_told(options: HelloOptions, said: str) -> None:
    with pytest.raises(TlsError, match=said):
        client_hello(**options)


def test_compression_methods_are_offered_by_name_or_number() -> None:
    assert read(client_hello(compressions=("DEFLATE", 64, "NULL"))).compressions == (1, 64, 0)


def test_a_name_that_is_no_a_label_is_refused() -> None:
    with pytest.raises(TlsError, match="A-labels only"):
        client_hello("müller.example.test")


@given(
    st.lists(st.sampled_from(sorted(names.PROTOCOLS)), min_size=1, unique=True),
    st.lists(st.integers(0, 0xFFFF), max_size=400),
    st.lists(st.sampled_from(sorted(names.GROUPS)), unique=True),
    st.lists(st.text("abc/.12", min_size=1, max_size=20), max_size=5),
)
def test_any_hello_can_be_read_again(
    versions: list[str], suites: list[int], groups: list[str], alpn: list[str]
) -> None:
    hello = read(client_hello("a.test", versions=versions, suites=suites, groups=groups, alpn=alpn))
    assert hello.cipher_suites == tuple(suites)
    assert hello.groups == tuple(names.GROUPS[group] for group in groups)
    assert hello.alpn == tuple(protocol.encode() for protocol in alpn)
    assert hello.version <= messages.TLS12
    if "TLSv1.3" in versions:
        assert hello.versions == tuple(names.PROTOCOLS[version] for version in versions)
