"""Why nothing is shared, where the configuration does not tell all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl import CA, ModsslAssertionError, ServerConfig, VirtualHost, assert_handshake, assert_handshake_fails

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_modssl import Server
    from pytest_modssl.targets.local import LocalTarget

NAME = "www.example.test"
OFFER: dict[str, Any] = {"protocol": "TLSv1.2", "ciphers": "DHE-RSA-AES128-GCM-SHA256"}


def test_a_key_in_a_file_of_the_users_own_leaves_two_answers(local_target: LocalTarget, tmp_path: Path) -> None:
    leaf = CA().issue(NAME)
    leaf.cert_file_pem.write_to_path(tmp_path / "crt.pem")
    leaf.key_file_pem.write_to_path(tmp_path / "key.pem")
    files = f'SSLEngine on\nSSLCertificateFile "{tmp_path}/crt.pem"\nSSLCertificateKeyFile "{tmp_path}/key.pem"'
    server = local_target.launch(ServerConfig(VirtualHost(NAME, port=443, directives=files)))
    try:
        with pytest.raises(ModsslAssertionError) as caught:
            assert_handshake(server, NAME, **OFFER)
    finally:
        server.stop()
    (found,) = caught.value.diagnoses
    assert (found.entry.id, found.finding.certainty) == ("no-shared-cipher", "likely")
    assert found.cause.startswith("list against list, or key type against suites: the default list of its OpenSSL")


def test_both_sides_stand_in_the_failure(
    modssl_server_factory: Callable[[ServerConfig], Server], modssl_ca: CA
) -> None:
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME))))
    with pytest.raises(ModsslAssertionError) as caught:
        assert_handshake(server, NAME, **OFFER)
    (found,) = caught.value.diagnoses
    alert, number, reason, offer, key = found.finding.seen
    assert "the server sent alert handshake_failure" in alert
    assert number.startswith("AH02008: ")
    assert "no shared cipher" in reason
    assert offer == "the client offered DHE-RSA-AES128-GCM-SHA256 for TLSv1.2"
    assert key == "the server's key is EC"
    assert all(line in str(caught.value) for line in found.finding.seen)


def test_a_refusal_that_a_test_wanted_is_no_evidence(
    modssl_server_factory: Callable[[ServerConfig], Server], modssl_ca: CA
) -> None:
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME))))
    assert_handshake_fails(server, NAME, alert="handshake_failure", log="no shared cipher", **OFFER)
    with pytest.raises(ModsslAssertionError) as caught:
        assert_handshake(server, NAME, protocol="TLSv1.3", cipher_suite="TLS_AES_128_CCM_SHA256")
    assert caught.value.diagnoses == ()
