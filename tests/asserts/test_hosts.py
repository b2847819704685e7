"""assert_answered_by on the real server: who answers, who refuses, and what the version at hand is expected to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    ModsslAssertionError,
    ServerConfig,
    VirtualHost,
    assert_answered_by,
    expectations,
)

if TYPE_CHECKING:
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server

WWW, SHOP, SAME, STAFF = "www.example.test", "shop.example.test", "same.example.test", "staff.example.test"
SHARED = 'SSLEngine on\nSSLCertificateFile "${MODSSL_PKI}/shared.pem"\n'
CLIENTS = 'SSLVerifyClient optional\nSSLCACertificateFile "${MODSSL_PKI}/ca.pem"\n'
POLICIES = {
    "default": "",
    "strict-check": "SSLStrictSNIVHostCheck on",
    **{word: f"SSLVHostSNIPolicy {word}" for word in ("secure", "strict", "authonly", "insecure")},
}


def config(ca: CA, directives: str = "") -> ServerConfig:
    return ServerConfig(
        VirtualHost(WWW, port=443, directives=SHARED),
        VirtualHost(SAME, port=443, directives=SHARED),
        VirtualHost(STAFF, port=443, directives=SHARED + CLIENTS),
        VirtualHost(SHOP, tls=ca.issue(SHOP)),
        directives=directives,
        pki={"ca.pem": ca.cert_pem, "shared.pem": ca.issue(WWW, SAME, STAFF).private_key_and_cert_chain_pem},
    )


@pytest.fixture
def hosts(modssl_server_factory: ServerFactory, modssl_ca: CA) -> Server:
    return modssl_server_factory(config(modssl_ca))


@pytest.mark.parametrize("policy", POLICIES)
def test_without_an_expectation_that_of_version_and_policy_holds(
    modssl_server_factory: ServerFactory, modssl_ca: CA, modssl_target: Target, policy: str
) -> None:
    try:
        expectations(modssl_target.installation).fact(f"sni {policy} none-other-client-authentication")
    except LookupError as error:
        pytest.skip(str(error))
    server = modssl_server_factory(config(modssl_ca, POLICIES[policy]))
    pairs = [
        (WWW, SAME),
        (WWW, STAFF),
        (WWW, SHOP),
        (SHOP, "unknown.invalid"),
        (None, WWW),
        (None, STAFF),
        (None, SHOP),
    ]
    for sni, host in pairs:
        # A host that asks for certificates of its own does so by a renegotiation.
        assert_answered_by(server, host, sni=sni, protocol="TLSv1.2")


def test_the_host_that_answers_is_told_apart_from_the_one_that_was_asked(hosts: Server) -> None:
    assert_answered_by(hosts, SAME, sni=WWW, by=SAME)
    assert_answered_by(hosts, "unknown.invalid", sni=WWW, by=WWW)
    with pytest.raises(ModsslAssertionError) as caught:
        assert_answered_by(hosts, SAME, sni=WWW, by=WWW)
    (mismatch,) = caught.value.mismatches
    assert (mismatch.what, mismatch.expected, mismatch.seen) == ("virtual host", f"{WWW}:443", f"{SAME}:443")


def test_a_refusal_that_is_not_meant_is_told_with_the_directives_that_differ(hosts: Server) -> None:
    hosts.log.expect("AH02032")
    with pytest.raises(ModsslAssertionError) as caught:
        assert_answered_by(hosts, STAFF, sni=WWW, by=STAFF)
    (mismatch,) = caught.value.mismatches
    assert (mismatch.what, mismatch.expected, mismatch.seen) == ("status", f"an answer of {STAFF}:443", "421")


def test_an_answer_where_a_refusal_is_meant_is_a_mismatch(hosts: Server) -> None:
    with pytest.raises(ModsslAssertionError, match="status: expected 421, seen 200"):
        assert_answered_by(hosts, SAME, sni=WWW, by=421)


def test_without_the_line_of_the_log_nothing_is_claimed(modssl_server_factory: ServerFactory, modssl_ca: CA) -> None:
    quiet = ServerConfig(VirtualHost(WWW, tls=modssl_ca.issue(WWW)), directives="LogLevel warn ssl:warn")
    with pytest.raises(ModsslAssertionError, match="no line about the request in the log: LogLevel ssl:debug tells it"):
        assert_answered_by(modssl_server_factory(quiet), WWW, sni=WWW, by=WWW)


def test_a_port_without_a_host_is_an_error_of_the_test(modssl_server_factory: ServerFactory, modssl_ca: CA) -> None:
    server = modssl_server_factory(ServerConfig(VirtualHost(WWW, tls=modssl_ca.issue(WWW))))
    with pytest.raises(ValueError, match="port 8443 has no virtual host; ports with one: 443"):
        assert_answered_by(server, WWW, sni=WWW, port=8443)
