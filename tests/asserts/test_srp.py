"""Logins by TLS-SRP on a real server, by a client in Python and by curl."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    ModsslAssertionError,
    ServerConfig,
    TlsError,
    VirtualHost,
    assert_srp,
    assert_srp_refused,
    requires,
    srp_verifier,
    srp_verifier_file,
)
from pytest_modssl.tls import srp_login

if TYPE_CHECKING:
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
HIDING = "hiding.example.test"
SIGNED = "signed.example.test"
PASSWORD = "open sesame"
_SRP = """
    SSLProtocol -all +TLSv1.2
    SSLCipherSuite "!DSS:!aRSA:SRP"
    SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
"""

pytestmark = requires(feature="srp")


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    users = (srp_verifier("alice", PASSWORD, info="in the office"), srp_verifier("bob", PASSWORD, group="1024"))
    return ServerConfig(
        VirtualHost(NAME, tls=modssl_ca.issue(NAME), directives=_SRP),
        VirtualHost(
            HIDING, tls=modssl_ca.issue(HIDING), port=8443, directives=f"{_SRP}\nSSLSRPUnknownUserSeed whatever"
        ),
        VirtualHost(
            SIGNED,
            tls=modssl_ca.issue(SIGNED, key_type="rsa-2048"),
            port=8444,
            directives=f'{_SRP}\nSSLCipherSuite "SRP+aRSA"',
        ),
        pki={"users.srpv": srp_verifier_file(*users)},
    )


def test_the_right_password_logs_in_and_pages_see_the_user(modssl_server: Server) -> None:
    seen = assert_srp(modssl_server, NAME, "alice", PASSWORD, info="in the office")
    assert (seen.protocol, seen.cipher_suite, seen.certificates) == ("TLSv1.2", "SRP-AES-256-CBC-SHA", 0)
    assert assert_srp(modssl_server, NAME, "bob", PASSWORD, info="(null)").ok


def test_a_suite_that_signs_sends_the_certificate(modssl_server: Server) -> None:
    seen = assert_srp(modssl_server, SIGNED, "alice", PASSWORD, port=8444)
    assert (seen.cipher_suite, seen.certificates) == ("SRP-RSA-AES-256-CBC-SHA", 1)


@pytest.mark.parametrize(
    ("name", "port", "user", "alert"),
    [
        (NAME, 443, "alice", "bad_record_mac"),
        (NAME, 443, "mallory", "unknown_psk_identity"),
        (HIDING, 8443, "alice", "bad_record_mac"),
        (HIDING, 8443, "mallory", "bad_record_mac"),
    ],
)
def test_a_seed_makes_an_unknown_user_look_like_a_wrong_password(
    modssl_server: Server, name: str, port: int, user: str, alert: str
) -> None:
    assert_srp_refused(modssl_server, name, user, "guessed", port=port, alert=alert)


def test_another_user_info_is_told(modssl_server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_srp(modssl_server, NAME, "alice", PASSWORD, info="abroad")
    (mismatch,) = caught.value.mismatches
    assert str(mismatch) == "SSL_SRP_USERINFO: expected 'abroad', seen 'in the office'"


def test_a_login_that_should_be_refused_and_another_alert_are_told(modssl_server: Server) -> None:
    with pytest.raises(ModsslAssertionError, match="login: expected a refusal, seen success with "):
        assert_srp_refused(modssl_server, NAME, "alice", PASSWORD)
    with pytest.raises(ModsslAssertionError, match="expected 'bad_record_mac', seen 'unknown_psk_identity'"):
        assert_srp_refused(modssl_server, NAME, "mallory", "guessed", alert="bad_record_mac")


def test_no_message_has_the_password(modssl_server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_srp(modssl_server, NAME, "alice", "a-wrong-password")
    assert "a-wrong-password" not in str(caught.value)
    assert "--tlsuser alice --cacert" in str(caught.value)
    assert "--tlspassword PASSWORD" in str(caught.value)


def test_curl_logs_in_by_the_command_that_is_told(modssl_server: Server) -> None:
    command = modssl_server.srp_command(NAME, "alice")
    if "TLS-SRP" not in subprocess.run(["curl", "-V"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("this curl was built without TLS-SRP")
    for password, status in ((PASSWORD, 0), ("wrong", 35)):
        words = [password if word == "PASSWORD" else word for word in command]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr


def test_without_the_library_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tlslite", None)
    with pytest.raises(TlsError, match=r"needs tlslite-ng .*: pip install 'pytest-modssl\[srp\]'"):
        srp_login(("127.0.0.1", 1), None, "alice", "x")


def test_nobody_listening_is_a_result_and_tls_1_3_an_error() -> None:
    seen = srp_login(("127.0.0.1", 1), None, "alice", "x")
    assert (seen.ok, seen.failure) == (False, "refused")
    with pytest.raises(TlsError, match=r"TLSv1\.3 has no SRP: one of TLSv1, TLSv1\.1, TLSv1\.2"):
        srp_login(("127.0.0.1", 1), None, "alice", "x", protocol="TLSv1.3")
    with pytest.raises(TlsError, match="needs a user and a password"):
        srp_login(("127.0.0.1", 1), None, "alice", "")
