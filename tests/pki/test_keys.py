from __future__ import annotations

import hashlib
import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import CA, CSR, KEY_TYPES, PrivateKey, generate_key
from pytest_modssl.pki.openssl import openssl


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_openssl_reads_a_key_of_every_type(key_type: str) -> None:
    key = generate_key(key_type)
    assert key.type == key_type
    bits = {"ed25519": "ED25519"}.get(key_type, f"{key_type.lstrip('ecdrsap-')} bit")
    assert bits in key.text()


def test_unknown_type_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PkiError, match=r"'rsa-2047'; use one of .*rsa-2048"):
        generate_key("rsa-2047")


@pytest.mark.parametrize("key_type", ["ec-p256", "rsa-1024", "dsa-1024", "ed25519"])
def test_encrypted_key_opens_with_its_pass_phrase_only(key_type: str) -> None:
    key = generate_key(key_type).encrypted("s3kr t")
    assert key.pem.kind == "ENCRYPTED PRIVATE KEY"
    load_pem_private_key(key.pem.bytes(), b"s3kr t")
    # No message is asked for: one wrong phrase in 256 leaves bytes that end as padding does, and fails as no key.
    with pytest.raises(ValueError):
        load_pem_private_key(key.pem.bytes(), b"other")


def test_traditional_format_is_that_of_old_openssl() -> None:
    pem = generate_key("rsa-1024").encrypted("secret", format="traditional").pem
    assert pem.kind == "RSA PRIVATE KEY"
    assert "Proc-Type: 4,ENCRYPTED" in pem.text()
    assert "RSA key ok" in openssl("rsa", "-check", "-noout", "-passin", "pass:secret", stdin=pem.bytes())


def test_ed25519_has_no_traditional_format() -> None:
    with pytest.raises(PkiError, match="pkcs8"):
        generate_key("ed25519").encrypted("secret", format="traditional")


def test_empty_pass_phrase_is_refused() -> None:
    with pytest.raises(PkiError, match="empty pass phrase"):
        generate_key().encrypted("")


def test_neither_key_nor_pass_phrase_is_ever_shown() -> None:
    key = generate_key().encrypted("hunter2")
    secret = key.signing_key.private_numbers().private_value  # type: ignore[union-attr]
    for shown in (repr(key), str(key), repr(key.pem)):
        assert "hunter2" not in shown
        assert f"{secret:x}" not in shown
        assert "BEGIN" not in shown


def test_modulus_md5_is_what_the_openssl_program_pipes() -> None:
    key = generate_key("rsa-2048")
    printed = openssl("rsa", "-noout", "-modulus", stdin=key.pem.bytes())
    assert key.modulus_md5 == hashlib.md5(printed.encode(), usedforsecurity=False).hexdigest()


def test_only_rsa_has_a_modulus() -> None:
    with pytest.raises(PkiError, match="ec-p256 has no modulus"):
        _ = generate_key().modulus_md5


def test_key_matches_what_was_made_with_it_and_nothing_else(root: CA) -> None:
    key, other = generate_key(), generate_key()
    leaf = root.issue("www.example.test", key=key)
    assert key.matches(leaf)
    assert key.matches(leaf.certificate)
    assert key.matches(CSR.create(key, "www.example.test"))
    assert key.matches(key.encrypted("secret"))
    assert not other.matches(leaf)
    assert not other.matches(leaf.certificate)


def test_public_key_sha256_is_that_of_the_subject_public_key_info() -> None:
    key = generate_key()
    der = subprocess.run(
        ["openssl", "pkey", "-pubout", "-outform", "DER"], input=key.pem.bytes(), capture_output=True, check=True
    ).stdout
    assert key.public_key_sha256 == hashlib.sha256(der).hexdigest()


def test_keys_are_equal_where_their_files_would_serve_alike() -> None:
    key = generate_key()
    assert key.encrypted("a") == key.encrypted("a")
    assert len({key, key.encrypted("a"), key.encrypted("b"), generate_key()}) == 4


def test_missing_openssl_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(PkiError, match="Install the package openssl"):
        generate_key().text()


def test_refusal_of_the_openssl_program_is_told() -> None:
    with pytest.raises(PkiError, match=r"`openssl x509 -noout` ended with exit status 1 and said: .*certificate"):
        openssl("x509", "-noout", stdin=b"rubbish")


@pytest.mark.parametrize("key_type", ["ec-p256", "rsa-2048", "ed25519", "dsa-2048"])
def test_a_pass_phrase_is_changed_and_removed_and_the_key_stays(key_type: str) -> None:
    old = generate_key(key_type).encrypted("old")
    new = PrivateKey.load(old.pem, "old").encrypted("new")
    assert old.matches(new)
    assert PrivateKey.load(new.pem, "new").matches(old)
    assert PrivateKey.load(PrivateKey.load(new.pem, "new").plain().pem).matches(old)


@pytest.mark.parametrize(
    ("pass_phrase", "given"), [("wrong", "this pass phrase"), (None, "no pass phrase"), ("", "this pass phrase")]
)
def test_a_pass_phrase_that_does_not_open_the_key_is_told_without_it(pass_phrase: str | None, given: str) -> None:
    with pytest.raises(PkiError, match=f"is no private key that {given} opens") as caught:
        PrivateKey.load(generate_key().encrypted("right").pem, pass_phrase)
    assert "wrong" not in str(caught.value)


def test_what_is_no_key_cannot_be_loaded() -> None:
    with pytest.raises(PkiError, match="is no private key"):
        PrivateKey.load(b"nothing")
    x25519 = subprocess.run(["openssl", "genpkey", "-algorithm", "X25519"], capture_output=True, check=True).stdout
    with pytest.raises(PkiError, match="no kind of key that a server has"):
        PrivateKey.load(x25519)
