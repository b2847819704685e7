"""What demonstrations of the group Certificates do not show: starts that wait, and files that are not ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from pytest_modssl import (
    CA,
    File,
    ModsslAssertionError,
    ServerConfig,
    StartError,
    VirtualHost,
    assert_certificate,
    assert_private_keys_protected,
)
from pytest_modssl.faq import diagnose
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation

NAME = "www.example.test"
DIALOG = "SSLPassPhraseDialog exec:${MODSSL_RUN}/../sites/0-www.example.test/phrase"


@pytest.fixture
def impatient(local_installation: Installation) -> Iterator[LocalTarget]:
    owner = Owner(new_run())
    yield LocalTarget(local_installation, owner, start_seconds=2)
    owner.close()


@pytest.mark.parametrize("dialog", ["", "SSLPassPhraseDialog builtin"])
def test_a_start_that_would_ask_on_a_terminal_ends_at_once(local_target: LocalTarget, dialog: str) -> None:
    locked = CA().issue(NAME).with_pass_phrase("open sesame")
    with pytest.raises(StartError, match="AH02578") as caught:
        local_target.launch(ServerConfig(VirtualHost(NAME, tls=locked), directives=dialog))
    assert "was not ready" not in str(caught.value)
    assert [one.entry.id for one in caught.value.diagnoses] == ["startup-pass-phrase"]
    assert "open sesame" not in str(caught.value)


def test_a_program_that_does_not_answer_is_told(impatient: LocalTarget) -> None:
    locked = CA().issue(NAME).with_pass_phrase("open sesame")
    files = {"phrase": File(b"#!/bin/sh\nexec sleep 60\n", executable=True)}
    with pytest.raises(StartError, match="was not ready within 2 s") as caught:
        impatient.launch(ServerConfig(VirtualHost(NAME, tls=locked, files=files), directives=DIALOG))
    (diagnosis,) = caught.value.diagnoses
    assert diagnosis.entry.id == "startup-pass-phrase"
    assert diagnosis.cause.endswith("/phrase, does not answer")


def test_a_file_that_is_not_ours_is_told_as_what_it_lacks(local_target: LocalTarget, tmp_path: Path) -> None:
    ca = CA()
    leaf = ca.issue(NAME)
    (tmp_path / "server.der").write_bytes(leaf.der)
    leaf.key_file_pem.write_to_path(tmp_path / "server.key")
    directives = f"""
        SSLEngine on
        SSLCertificateFile "{tmp_path}/server.der"
        SSLCertificateKeyFile "{tmp_path}/server.key"
    """
    with pytest.raises(StartError) as caught:
        local_target.launch(ServerConfig(VirtualHost(NAME, port=443, directives=directives)))
    (diagnosis,) = caught.value.diagnoses
    assert diagnosis.entry.id == "keys-csrs-certificates"
    assert diagnosis.cause.endswith("holds no certificate in PEM: a key, a request, or DER")


def test_a_plain_key_for_its_owner_alone_is_what_httpd_needs(local_target: LocalTarget, tmp_path: Path) -> None:
    leaf = CA().issue(NAME)
    certificate = leaf.cert_file_pem.write_to_path(tmp_path / "server.crt")
    key = leaf.key_file_pem.write_to_path(tmp_path / "server.key", mode=0o400)
    directives = f'SSLEngine on\nSSLCertificateFile "{certificate}"\nSSLCertificateKeyFile "{key}"'
    server = local_target.launch(ServerConfig(VirtualHost(NAME, port=443, directives=directives)))
    try:
        assert server.handshake(NAME).ok
        assert assert_private_keys_protected(server) == (str(key),)
        key.chmod(0o440)
        with pytest.raises(ModsslAssertionError, match=r"\(remove-pass-phrase\)") as caught:
            assert_private_keys_protected(server)
    finally:
        server.stop()
    assert str(caught.value.mismatches[0]).endswith("seen 0440")


def test_a_request_that_is_refused_for_its_certificate_is_diagnosed_like_a_handshake(local_target: LocalTarget) -> None:
    ca = CA()
    eve = ca.issue_client("Eve")
    ca.revoke(eve)
    directives = """
        SSLVerifyClient require
        SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
        SSLCARevocationFile "${MODSSL_PKI}/ca.crl"
        SSLCARevocationCheck leaf
    """
    host = VirtualHost(NAME, tls=ca.issue(NAME), directives=directives)
    server = local_target.launch(ServerConfig(host, pki={"ca.pem": ca.cert_pem, "ca.crl": ca.crl()}))
    try:
        with pytest.raises(requests.RequestException) as caught:
            server.session(client=eve).get(f"https://{NAME}/")
        server.instance.settle()
        found = diagnose(server.evidence(error=caught.value))
    finally:
        server.stop()
    assert [one.entry.id for one in found] == ["client-certificate-revoked"]
    assert "has revoked the client certificate of CN=Eve, as its list says" in found[0].cause


def test_a_host_that_has_the_name_of_a_later_one_as_alias_is_told_as_the_one_that_answers(
    local_target: LocalTarget,
) -> None:
    ca = CA()
    first = VirtualHost("first.test", tls=ca.issue("first.test"), aliases=[NAME])
    server = local_target.launch(ServerConfig(first, VirtualHost(NAME, tls=ca.issue(NAME))))
    try:
        with pytest.raises(ModsslAssertionError) as caught:
            assert_certificate(server, NAME)
    finally:
        server.stop()
    (diagnosis,) = caught.value.diagnoses
    assert diagnosis.cause == f"the virtual host first.test answers for {NAME}, and its certificate is for first.test"
    assert diagnosis.remedy.startswith(f"take {NAME} out of the ServerAlias of first.test")


def test_a_host_that_is_called_by_an_address_is_not_taken_for_the_one_that_answers(local_target: LocalTarget) -> None:
    """Clients send no SNI for an address (RFC 6066 section 3): the first host of the port answers."""
    ca = CA()
    hosts = [VirtualHost(name, tls=ca.issue(name)) for name in (NAME, "192.0.2.1")]
    server = local_target.launch(ServerConfig(*hosts))
    try:
        with pytest.raises(ModsslAssertionError) as caught:
            assert_certificate(server, "192.0.2.1")
    finally:
        server.stop()
    (diagnosis,) = caught.value.diagnoses
    assert diagnosis.cause.startswith("clients send no SNI for the address 192.0.2.1, so the first virtual host of")
    assert diagnosis.place is not None
    assert diagnosis.place.origin == hosts[0].origin
