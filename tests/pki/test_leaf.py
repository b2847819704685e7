from __future__ import annotations

import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from pytest_modssl.pki import CA, dh_parameters, generate_key

if TYPE_CHECKING:
    from pathlib import Path


def test_files_hold_what_httpd_expects_in_its_order(intermediate: CA) -> None:
    leaf = intermediate.issue("a.test").with_dh_parameters(dh_parameters("ffdhe2048"))
    assert leaf.cert_file_pem.kind == "CERTIFICATE + DH PARAMETERS"
    assert leaf.cert_file_pem == leaf.cert_pem + leaf.chain_pem + dh_parameters("ffdhe2048")
    assert x509.load_pem_x509_certificates(leaf.cert_file_pem.bytes()) == [leaf.certificate, intermediate.certificate]
    assert leaf.key_file_pem.kind == "PRIVATE KEY"
    assert leaf.private_key_and_cert_chain_pem.kind == "PRIVATE KEY + CERTIFICATE"


def test_root_is_never_in_the_chain_but_in_root_pem(root: CA, intermediate: CA) -> None:
    leaf = intermediate.issue("a.test")
    assert root.certificate not in leaf.chain
    assert leaf.root_pem == root.cert_pem


def test_chain_is_presented_in_the_order_given(root: CA, intermediate: CA) -> None:
    leaf = intermediate.issue("a.test").with_chain(root.certificate, intermediate.certificate)
    assert leaf.chain_pem == root.cert_pem + intermediate.cert_pem
    assert leaf.without_chain().cert_file_pem == leaf.cert_pem


def test_key_can_be_exchanged_for_one_that_does_not_match(root: CA) -> None:
    leaf = root.issue("a.test")
    assert leaf.private_key.matches(leaf)
    wrong = leaf.with_key(generate_key())
    assert wrong.cert_pem == leaf.cert_pem
    assert not wrong.private_key.matches(wrong)


def test_pass_phrase_encrypts_the_key_file_alone(root: CA) -> None:
    leaf = root.issue("a.test")
    locked = leaf.with_pass_phrase("secret")
    assert locked.key_file_pem.kind == "ENCRYPTED PRIVATE KEY"
    assert locked.cert_file_pem == leaf.cert_file_pem


def test_fingerprint_is_what_openssl_prints(root: CA, tmp_path: Path) -> None:
    leaf = root.issue("a.test")
    printed = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
        input=leaf.cert_pem.bytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert printed.split("=")[1].strip().replace(":", "").lower() == leaf.fingerprint
    assert leaf.fingerprint == hashlib.sha256(leaf.der).hexdigest()


def test_neither_repr_nor_str_shows_the_key(root: CA) -> None:
    leaf = root.issue("a.test").with_pass_phrase("hunter2")
    assert str(leaf) == f"CN=a.test (a.test), ec-p256, {leaf.fingerprint[:12]}"
    for shown in (repr(leaf), str(leaf)):
        assert "hunter2" not in shown
        assert "PRIVATE KEY-" not in shown


def test_leaves_are_values(root: CA) -> None:
    leaf = root.issue("a.test")
    assert leaf == leaf.with_chain()
    assert hash(leaf) == hash(leaf.with_chain())
    with pytest.raises(AttributeError):
        leaf.chain = ()  # type: ignore[misc]
