from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import CSR, generate_key
from pytest_modssl.pki.names import DN_ATTRIBUTES, distinguished_name, email_name, server_name, upn_name

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("written", "carried"),
    [
        ("www.example.test", "DNS:www.example.test"),
        ("*.wild.test", "DNS:*.wild.test"),
        ("under_score.test", "DNS:under_score.test"),
        ("bücher.test", "DNS:xn--bcher-kva.test"),
        ("*.BÜCHER.test", "DNS:*.xn--bcher-kva.test"),
        ("xn--bcher-kva.test", "DNS:xn--bcher-kva.test"),
        ("127.0.0.1", "IP:127.0.0.1"),
        ("::1", "IP:::1"),
        ("[2001:db8::1]", "IP:2001:db8::1"),
    ],
)
def test_server_names_become_what_certificates_carry(written: str, carried: str) -> None:
    name = server_name(written)
    assert f"{'IP' if isinstance(name, x509.IPAddress) else 'DNS'}:{name.value}" == carried


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("alice@example.test", "issue_client"),
        ("https://www.example.test/", "URL"),
        ("10.0.0.0/8", "network"),
        ("", "no DNS name"),
        ("two words.test", "no DNS name"),
        ("trailing.dot.", "no DNS name"),
        ("a" * 64 + ".test", "no DNS name"),
        (".".join(["a" * 60] * 5), "253 in all"),
        ("\N{PILE OF POO}.test", "IDNA 2008"),
    ],
)
def test_what_is_no_server_name_is_refused_with_the_reason(written: str, why: str) -> None:
    with pytest.raises(PkiError, match=why):
        server_name(written)


@pytest.mark.parametrize("make", [server_name, email_name, upn_name])
@given(text=st.text(max_size=300))
def test_any_text_is_a_name_or_a_pki_error(make: Callable[[str], x509.GeneralName], text: str) -> None:
    with contextlib.suppress(PkiError):
        assert isinstance(make(text), x509.GeneralName)


def test_email_domain_becomes_a_labels() -> None:
    assert email_name("alice@bücher.test").value == "alice@xn--bcher-kva.test"


@pytest.mark.parametrize("address", ["alice", "@example.test", "ålice@example.test", "alice@"])
def test_what_is_no_email_address_is_refused(address: str) -> None:
    with pytest.raises(PkiError):
        email_name(address)


def test_user_principal_name_of_any_length_is_carried_but_an_empty_one() -> None:
    assert upn_name("a").value == b"\x0c\x01a"
    assert upn_name("a" * 200).value == b"\x0c\x81\xc8" + b"a" * 200
    with pytest.raises(PkiError, match="cannot be empty"):
        upn_name("")


def test_subject_keeps_order_and_repeats() -> None:
    name = distinguished_name({"C": "DE", "OU": ["Shop", "Web"], "Email": "a@b.test"}, "alice")
    assert [attribute.value for attribute in name] == ["DE", "Shop", "Web", "a@b.test", "alice"]


def test_every_attribute_is_the_one_that_openssl_means_by_its_name() -> None:
    values = {key: "DE" if key == "C" else f"value {key}" for key in DN_ATTRIBUTES if key != "CN"}
    # OpenSSL 3.2 and later print no spaces around the equals sign (its NEWS.md).
    text = CSR.create(generate_key(), common_name="value CN", subject=values).text().replace(" = ", "=")
    openssl_names = {"T": "title", "I": "initials", "G": "GN", "S": "SN", "D": "description"}
    openssl_names |= {"Email": "emailAddress", "SerialNumber": "serialNumber"}
    for key, value in (*values.items(), ("CN", "value CN")):
        assert f"{openssl_names.get(key, key)}={value}" in text


@pytest.mark.parametrize(
    ("subject", "why"), [({"X": "1"}, "one of C, ST"), ({"C": "Germany"}, "C cannot be 'Germany'")]
)
def test_impossible_attribute_is_refused(subject: dict[str, str], why: str) -> None:
    with pytest.raises(PkiError, match=why):
        distinguished_name(subject, None)


def test_too_long_common_name_is_refused() -> None:
    with pytest.raises(PkiError, match="CN cannot be"):
        distinguished_name(None, "a" * 65)
