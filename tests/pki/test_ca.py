from __future__ import annotations

import datetime as dt
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import CA, KEY_TYPES, LeafCert, generate_key, self_signed
from pytest_modssl.pki.openssl import openssl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Verify = Callable[..., str]

DAY = dt.timedelta(days=1)


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """What `openssl verify -x509_strict` says of a leaf: "OK", or the reason why not."""

    def run(leaf: LeafCert, *options: str, trust: bytes | None = None) -> str:
        anchor = trust if trust is not None else (leaf.root_pem or leaf.cert_pem).bytes()
        (tmp_path / "trust.pem").write_bytes(anchor)
        (tmp_path / "chain.pem").write_bytes(leaf.chain_pem.bytes())
        (tmp_path / "leaf.pem").write_bytes(leaf.cert_pem.bytes())
        untrusted = ["-untrusted", "chain.pem"] if leaf.chain else []
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", "trust.pem", *untrusted, *options, "leaf.pem"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return "OK"
        reason = re.search(r"error \d+ at \d+ depth lookup: (.*)", done.stderr)
        return reason[1] if reason else done.stderr

    return run


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_chain_of_every_key_type_verifies_strictly(verify: Verify, key_type: str) -> None:
    intermediate = CA(key_type=key_type).intermediate(key_type=key_type)
    leaf = intermediate.issue("www.example.test", key_type=key_type)
    level = ["-auth_level", "0"] if key_type in ("rsa-1024", "dsa-1024") else []
    assert verify(leaf, "-purpose", "sslserver", "-verify_hostname", "www.example.test", *level) == "OK"


def test_leaf_of_a_root_and_of_a_deep_chain_verify(verify: Verify, root: CA) -> None:
    assert verify(root.issue("a.test")) == "OK"
    deep = root.intermediate().intermediate().intermediate()
    leaf = deep.issue("a.test")
    assert len(leaf.chain) == 3
    assert len({certificate.subject for certificate in leaf.chain}) == 3, "no two have the same name"
    assert verify(leaf) == "OK"
    for below, above in zip((leaf.certificate, *leaf.chain), (*leaf.chain, root.certificate), strict=True):
        below.verify_directly_issued_by(above)


def test_names_of_all_kinds_verify(verify: Verify, root: CA) -> None:
    leaf = root.issue("www.example.test", "*.wild.test", "bücher.test", "127.0.0.1", "::1")
    assert leaf.names == ("www.example.test", "*.wild.test", "xn--bcher-kva.test", "127.0.0.1", "::1")
    for host in ("www.example.test", "any.wild.test", "xn--bcher-kva.test"):
        assert verify(leaf, "-verify_hostname", host) == "OK"
    for address in ("127.0.0.1", "::1"):
        assert verify(leaf, "-verify_ip", address) == "OK"
    assert verify(leaf, "-verify_hostname", "other.test") == "hostname mismatch"


def test_certificate_without_its_intermediate_does_not_verify(verify: Verify, intermediate: CA) -> None:
    assert verify(intermediate.issue("a.test").without_chain()) == "unable to get local issuer certificate"


def test_certificate_of_another_ca_of_the_same_name_does_not_verify(verify: Verify, root: CA) -> None:
    assert verify(CA().issue("a.test"), trust=root.cert_pem.bytes()) != "OK"


def test_expired_and_future_certificates_are_told_apart(verify: Verify, root: CA, now: dt.datetime) -> None:
    assert verify(root.issue("a.test", not_after=now - DAY)) == "certificate has expired"
    assert verify(root.issue("a.test", not_before=now + DAY)) == "certificate is not yet valid"
    expired = CA(not_before=now - 2 * DAY, not_after=now - DAY)
    assert verify(expired.issue("a.test")) == "certificate has expired"


def test_a_certificate_is_reissued_for_another_key_with_all_that_it_says(verify: Verify, now: dt.datetime) -> None:
    usages = ("serverAuth", "clientAuth")
    old = CA().issue("www.example.test", "192.0.2.1", subject={"O": "Example"}, usages=usages, not_after=now + DAY)
    key = generate_key("rsa-2048")

    new = CA().intermediate().reissue(old.certificate, key)

    assert verify(new) == "OK"
    assert key.matches(new)
    assert (new.names, new.certificate.subject) == (old.names, old.certificate.subject)
    for said in (x509.ExtendedKeyUsage, x509.BasicConstraints):
        before, after = (one.certificate.extensions.get_extension_for_class(said) for one in (old, new))
        assert after == before
    assert new.certificate.not_valid_after_utc == old.certificate.not_valid_after_utc
    assert new.certificate.not_valid_before_utc == old.certificate.not_valid_before_utc


def test_default_validity_is_from_an_hour_ago_for_thirty_days(root: CA, now: dt.datetime) -> None:
    certificate = root.issue("a.test").certificate
    assert abs(certificate.not_valid_before_utc - (now - dt.timedelta(hours=1))) < dt.timedelta(minutes=1)
    assert abs(certificate.not_valid_after_utc - (now + 30 * DAY)) < dt.timedelta(minutes=1)


def test_certificate_of_the_far_future_still_ends_after_it_starts(root: CA, now: dt.datetime) -> None:
    certificate = root.issue("a.test", not_before=now + 60 * DAY).certificate
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == 30 * DAY


def test_key_usage_lets_rsa_keys_alone_encipher_keys(root: CA) -> None:
    assert "Digital Signature, Key Encipherment" in root.issue("a.test", key_type="rsa-1024").text()
    assert "Key Encipherment" not in root.issue("a.test").text()
    assert "Key Encipherment" not in root.issue("a.test", key_type="rsa-1024", ca=True).text()


def test_impossible_validity_is_refused(root: CA, now: dt.datetime) -> None:
    with pytest.raises(PkiError, match="before it starts"):
        root.issue("a.test", not_before=now, not_after=now - DAY)
    with pytest.raises(PkiError, match="no time zone"):
        root.issue("a.test", not_after=now.replace(tzinfo=None))


def test_wrong_usage_is_refused_by_a_client(verify: Verify, root: CA) -> None:
    leaf = root.issue("a.test", usages=("emailProtection",))
    assert verify(leaf, "-purpose", "sslserver") == "unsuitable certificate purpose"
    assert verify(root.issue("a.test", usages=()), "-purpose", "sslserver") == "OK"
    with pytest.raises(PkiError, match="use any of serverAuth"):
        root.issue("a.test", usages=("webAuth",))


@pytest.mark.parametrize(
    ("key_type", "signature_hash", "shown"),
    [
        ("rsa-2048", "md5", "md5WithRSAEncryption"),
        ("rsa-2048", "sha1", "sha1WithRSAEncryption"),
        ("ec-p256", "sha1", "ecdsa-with-SHA1"),
        ("dsa-1024", "sha1", "dsaWithSHA1"),
        ("rsa-2048", "sha512", "sha512WithRSAEncryption"),
        ("ec-p384", "sha384", "ecdsa-with-SHA384"),
        ("ed25519", "sha256", "ED25519"),
    ],
)
def test_signature_hash_is_the_one_asked_for(verify: Verify, key_type: str, signature_hash: str, shown: str) -> None:
    leaf = CA(key_type=key_type).issue("a.test", signature_hash=signature_hash)
    assert f"Signature Algorithm: {shown}" in leaf.text()
    assert verify(leaf) == "OK"


@pytest.mark.parametrize(
    ("key_type", "signature_hash"), [("ec-p256", "md5"), ("ed25519", "sha1"), ("ec-p256", "crc32")]
)
def test_signature_that_does_not_exist_is_refused(key_type: str, signature_hash: str) -> None:
    with pytest.raises(PkiError, match=signature_hash):
        CA(key_type=key_type).issue("a.test", signature_hash=signature_hash)


def test_client_certificate_carries_client_auth_and_its_names(verify: Verify, root: CA) -> None:
    leaf = root.issue_client(
        "Alice Example",
        emails=["alice@example.test", "a@example.test"],
        upns=["alice@corp.example.test"],
        subject={"O": "Example", "OU": ["Shop", "Web"]},
    )
    assert verify(leaf, "-purpose", "sslclient") == "OK"
    assert verify(leaf, "-purpose", "sslserver") == "unsuitable certificate purpose"
    # OpenSSL 3.2 and later print no spaces around the equals sign (its NEWS.md).
    text = leaf.text().replace(" = ", "=")
    assert "Subject: O=Example, OU=Shop, OU=Web, CN=Alice Example\n" in text
    # One colon behind "UPN" or two: 3.0.22 and 3.5.9 differ.
    assert re.search("email:alice@example.test, email:a@example.test, othername: UPN::?alice@corp.example.test\n", text)


def test_common_name_is_the_first_name_unless_too_long(verify: Verify, root: CA) -> None:
    assert root.issue("a.test", "b.test").certificate.subject.rfc4514_string() == "CN=a.test"
    long = ".".join(["a" * 30] * 4)
    leaf = root.issue(long)
    assert leaf.certificate.subject.rfc4514_string() == ""
    assert leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    assert verify(leaf, "-verify_hostname", long) == "OK"


def test_ca_marked_leaf_can_be_made_as_a_mistake(root: CA) -> None:
    assert "CA:TRUE" in root.issue("a.test", ca=True).text()
    assert "CA:FALSE" in root.issue("a.test").text()


def test_given_key_is_certified(root: CA) -> None:
    key = generate_key("rsa-1024")
    leaf = root.issue("a.test", key=key)
    assert leaf.private_key == key
    assert key.matches(leaf)


def test_serial_numbers_are_positive_and_of_more_than_64_bits(root: CA) -> None:
    serials = [root.issue("a.test").certificate.serial_number for _ in range(50)]
    assert len(set(serials)) == 50
    assert all(2**64 < serial < 2**159 for serial in serials)


def test_revoked_certificate_fails_against_the_list(verify: Verify) -> None:
    ca = CA()
    good, bad = ca.issue("good.test"), ca.issue("bad.test")
    ca.revoke(bad)
    trust = ca.cert_pem.bytes() + ca.crl().bytes()
    assert verify(good, "-crl_check", trust=trust) == "OK"
    assert verify(bad, "-crl_check", trust=trust) == "certificate revoked"


def test_revoked_intermediate_fails_against_the_lists_of_the_chain(verify: Verify) -> None:
    ca = CA()
    intermediate = ca.intermediate()
    leaf = intermediate.issue("a.test")
    before = ca.cert_pem.bytes() + ca.crl().bytes() + intermediate.crl().bytes()
    assert verify(leaf, "-crl_check_all", trust=before) == "OK"
    ca.revoke(intermediate)
    after = ca.cert_pem.bytes() + ca.crl().bytes() + intermediate.crl().bytes()
    assert verify(leaf, "-crl_check_all", trust=after) == "certificate revoked"


def test_expired_list_is_told_as_such(verify: Verify, now: dt.datetime) -> None:
    ca = CA()
    trust = ca.cert_pem.bytes() + ca.crl(next_update=now - DAY).bytes()
    assert verify(ca.issue("a.test"), "-crl_check", trust=trust) == "CRL has expired"


def test_lists_are_numbered_upwards_and_signed_by_the_ca(tmp_path: Path) -> None:
    ca = CA(key_type="ed25519")
    (tmp_path / "ca.pem").write_bytes(ca.cert_pem.bytes())
    for number in (1, 2):
        crl = ca.crl()
        assert crl.kind == "X509 CRL"
        text = openssl("crl", "-noout", "-text", "-CAfile", str(tmp_path / "ca.pem"), stdin=crl.bytes())
        assert re.search(rf"CRL Number:\s+{number}\n", text)


def test_only_the_issuer_revokes(root: CA) -> None:
    with pytest.raises(PkiError, match="cannot revoke"):
        root.revoke(CA().issue("a.test"))


def test_self_signed_certificate_has_no_root_and_verifies_as_its_own(verify: Verify) -> None:
    leaf = self_signed("a.test", ca=True)
    assert leaf.root_pem is None
    assert leaf.chain == ()
    assert leaf.certificate.issuer == leaf.certificate.subject
    assert verify(leaf) == "OK"
    assert verify(self_signed("a.test"), trust=leaf.cert_pem.bytes()) == "self-signed certificate"
