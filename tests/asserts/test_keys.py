"""Keys held against certificates and requests, and the modes of their files."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    CA,
    CSR,
    Blob,
    ModsslAssertionError,
    ServerConfig,
    VirtualHost,
    assert_key_matches,
    assert_private_keys_protected,
    generate_key,
)
from pytest_modssl.errors import PkiError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.fixtures import ServerFactory


def test_every_kind_of_thing_is_compared(tmp_path: Path) -> None:
    key = generate_key()
    leaf, request = CA().issue("a.example.test", key=key), CSR.create(key, "a.example.test")
    path = leaf.cert_file_pem.write_to_path(tmp_path / "a.pem")
    public = subprocess.run(
        ["openssl", "pkey", "-pubout"], input=key.pem.bytes(), capture_output=True, check=True
    ).stdout
    things = (leaf, leaf.certificate, leaf.cert_pem, request, request.request, request.pem, path, str(path), public)
    assert_key_matches(key, *things, key.pem, key.encrypted("secret").pem, pass_phrase="secret")
    for one in things:
        with pytest.raises(ModsslAssertionError):
            assert_key_matches(generate_key(), one)


def test_the_parameters_before_an_ec_key_are_no_key() -> None:
    key = generate_key()
    parameters = subprocess.run(["openssl", "ecparam", "-name", "prime256v1"], capture_output=True, check=True).stdout
    assert_key_matches(key, Blob(parameters) + key.pem)


def test_all_that_do_not_match_are_told_and_no_key_is() -> None:
    ca, key = CA(), generate_key("rsa-2048")
    with pytest.raises(ModsslAssertionError) as caught:
        assert_key_matches(key, ca.issue("a.example.test"), CSR.create(key), ca.issue("b.example.test").cert_pem)
    assert len(caught.value.mismatches) == 2
    (diagnosis,) = caught.value.diagnoses
    assert diagnosis.entry.id == "key-matches-certificate"
    assert "the certificate of CN=a.example.test is not of the rsa-2048 key" in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


def test_the_modulus_is_that_which_openssl_prints() -> None:
    leaf = CA().issue("a.example.test", key_type="rsa-2048")
    other = CA().issue("a.example.test")
    line = subprocess.run(
        "openssl x509 -noout -modulus | openssl md5",
        shell=True,
        input=leaf.cert_pem.bytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    with pytest.raises(ModsslAssertionError) as caught:
        assert_key_matches(leaf, CA().issue("b.example.test", key_type="rsa-3072"), by_modulus=True)
    assert caught.value.mismatches[0].expected == line.split()[-1] == leaf.private_key.modulus_md5
    with pytest.raises(PkiError, match="has no modulus"):
        assert_key_matches(leaf, other, by_modulus=True)


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (b"", "holds no certificate, request or key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read as CERTIFICATE"),
        ("/no/such/file.pem", "/no/such/file.pem cannot be read: No such file"),
        (generate_key().encrypted("secret").pem, "is no private key that no pass phrase opens"),
    ],
)
def test_what_cannot_be_compared_says_why(thing: Blob | bytes | str, said: str) -> None:
    with pytest.raises(PkiError, match=said):
        assert_key_matches(generate_key(), thing)


def test_of_a_file_with_both_the_key_is_held_against_the_certificate() -> None:
    leaf, other = CA().issue("a.example.test"), CA().issue("a.example.test")
    for one, matches in ((leaf, True), (other, False)):
        both = leaf.cert_pem + one.private_key.pem
        if matches:
            assert_key_matches(both, leaf, both)
            continue
        with pytest.raises(ModsslAssertionError) as caught:
            assert_key_matches(both, leaf, both)
        assert len(caught.value.mismatches) == 2


@pytest.mark.parametrize("directives", ["", "SSLProxyEngine on\nSSLProxyMachineCertificateFile both.pem"])
def test_a_key_that_stands_with_its_certificate_is_to_be_protected_too(
    modssl_server_factory: ServerFactory, modssl_ca: CA, directives: str
) -> None:
    name, both = "www.example.test", "${MODSSL_SITE}/both.pem"
    leaf = modssl_ca.issue(name)
    served = f"SSLEngine on\nSSLCertificateFile {both}"
    host = VirtualHost(
        name,
        port=443,
        tls=leaf if directives else None,
        directives=directives.replace("both.pem", both) or served,
        files={"both.pem": leaf.cert_file_pem.bytes() + leaf.private_key.pem.bytes()},
    )
    server = modssl_server_factory(ServerConfig(host))
    assert server.handshake(name).ok
    with pytest.raises(ModsslAssertionError) as caught:
        assert_private_keys_protected(server)
    (mismatch,) = caught.value.mismatches
    assert mismatch.what.endswith("/both.pem")
    assert mismatch.seen == "0644"
