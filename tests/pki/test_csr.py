from __future__ import annotations

import pytest

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import CA, CSR, KEY_TYPES, generate_key
from pytest_modssl.pki.openssl import openssl


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_openssl_verifies_a_request_of_every_key_type(key_type: str) -> None:
    csr = CSR.create(generate_key(key_type), "www.example.test", "*.wild.test", common_name="www.example.test")
    assert csr.pem.kind == "CERTIFICATE REQUEST"
    openssl("req", "-verify", "-noout", stdin=csr.pem.bytes())
    assert "DNS:www.example.test, DNS:*.wild.test" in csr.text()


def test_signed_request_keeps_subject_names_and_key(root: CA) -> None:
    key = generate_key()
    csr = CSR.create(key, "a.test", "10.0.0.1", common_name="A", subject={"O": "Example"})
    leaf = root.sign(csr)
    assert leaf.names == csr.names == ("a.test", "10.0.0.1")
    assert leaf.certificate.subject == csr.request.subject
    assert leaf.public_key_sha256 == csr.public_key_sha256 == key.public_key_sha256
    assert leaf.root_pem == root.cert_pem


def test_names_may_be_told_in_any_order_but_must_be_those_of_the_request(root: CA) -> None:
    csr = CSR.create(generate_key(), "a.test", "b.test")
    assert root.sign(csr, names=["b.test", "a.test"]).names == ("a.test", "b.test")
    with pytest.raises(PkiError, match=r"asks for a\.test, b\.test, but a\.test should"):
        root.sign(csr, names=["a.test"])


def test_request_shows_its_subject_and_marks_its_names_critical_where_it_has_none() -> None:
    full = CSR.create(generate_key(), "a.test", common_name="A", subject={"O": "Example"}).text()
    # OpenSSL 3.2 and later print no spaces around the equals sign (its NEWS.md).
    assert "Subject: O=Example, CN=A\n" in full.replace(" = ", "=")
    assert "X509v3 Subject Alternative Name: critical" not in full
    assert "X509v3 Subject Alternative Name: critical" in CSR.create(generate_key(), "a.test").text()


def test_request_without_names_gives_a_certificate_without_names(root: CA) -> None:
    csr = CSR.create(generate_key(), common_name="old.test")
    assert root.sign(csr).names == ()
    with pytest.raises(PkiError, match=r"asks for no names, but old\.test"):
        root.sign(csr, names=["old.test"])


def test_request_never_contains_the_private_key() -> None:
    key = generate_key()
    csr = CSR.create(key, "a.test")
    assert key.pem.text().splitlines()[1] not in csr.pem.text()
    assert "PRIVATE KEY-" not in repr(csr)


@pytest.mark.parametrize("signature_hash", ["sha1", "md4"])
def test_request_with_a_weak_hash_is_refused(signature_hash: str) -> None:
    with pytest.raises(PkiError, match=signature_hash):
        CSR.create(generate_key(), "a.test", signature_hash=signature_hash)
