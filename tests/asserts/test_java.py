"""Java 7 judged three ways that agree: the prime on the wire, a hello like its own, a JVM with its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    ModsslAssertionError,
    ServerConfig,
    VirtualHost,
    assert_dh_bits,
    assert_java7_compatible,
    dh_parameters,
    java7_settings,
    requires,
)
from pytest_modssl.errors import ConfigError
from pytest_modssl.targets.server import Server
from pytest_modssl.tls import JvmHandshake

if TYPE_CHECKING:
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.base import Target

OLD, NEW, LONG, STRICT = "old.example.test", "new.example.test", "long.example.test", "strict.example.test"
WITHOUT_CURVES = ("DHE-RSA-AES128-SHA", "AES128-SHA")
_INSIST = "SSLProtocol all\nSSLHonorCipherOrder on\nSSLCipherSuite DHE-RSA-AES128-SHA:@SECLEVEL={level}\n"
needs_jdk = requires(program=["java", "javac"])


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA, modssl_target: Target) -> ServerConfig:
    for_all = java7_settings(modssl_target.installation)
    for_newer = java7_settings(modssl_target.installation, protocol="TLSv1.2")
    small = dh_parameters("rfc2409-1024")

    def host(name: str, port: int, directives: str, *, block: bool = True) -> VirtualHost:
        leaf = modssl_ca.issue(name, key_type="rsa-2048")
        return VirtualHost(
            name, port=port, tls=leaf.with_dh_parameters(small) if block else leaf, directives=directives
        )

    return ServerConfig(
        host(OLD, 443, for_all.directives),
        host(NEW, 8443, for_newer.directives),
        host(LONG, 8444, _INSIST.format(level=0), block=False),
        host(STRICT, 8445, _INSIST.format(level=2)),
    )


@needs_jdk
def test_all_three_agree_that_java_7_can_talk(modssl_server: Server) -> None:
    assert_dh_bits(modssl_server, OLD, 1024, protocol="TLSv1")
    assert_java7_compatible(modssl_server, OLD, suites=WITHOUT_CURVES, dh_bits=1024, jvm=True)
    (witness,) = [one for one in modssl_server.observations if isinstance(one, JvmHandshake)]
    assert (witness.protocol, witness.cipher_suite, witness.dh_bits) == ("TLSv1", "DHE-RSA-AES128-SHA", 1024)
    assert witness.answer == "HTTP/1.1 200 OK"


@needs_jdk
def test_all_three_agree_that_java_7_cannot(modssl_server: Server) -> None:
    assert_dh_bits(modssl_server, LONG, 2048, port=8444, protocol="TLSv1")
    with pytest.raises(ModsslAssertionError) as caught:
        assert_java7_compatible(modssl_server, LONG, port=8444, jvm=True)
    wire, java = map(str, caught.value.mismatches)
    assert wire == "DH prime in bits: expected a multiple of 64 from 512 to 1024, seen 2048"
    assert "with the limits of Java 7: expected success, seen javax.net.ssl.SSLException: Could not generate" in java
    assert java.endswith("Prime size must be multiple of 64, and can only range from 512 to 1024 (inclusive)")
    assert [one.entry.id for one in caught.value.diagnoses] == ["java-dh-1024"]
    # Its own log of the real one is that of the hello alone.
    assert modssl_server.log.wait_for("SSL alert number 80")


@needs_jdk
def test_without_the_limits_of_java_7_the_same_jvm_takes_the_long_prime(modssl_server: Server) -> None:
    seen = modssl_server.jvm_handshake(LONG, port=8444, java7=False)
    assert (seen.ok, seen.dh_bits) == (True, 2048)


@pytest.mark.parametrize("protocol", ["TLSv1", "TLSv1.1", "TLSv1.2"])
def test_the_settings_let_java_7_in_with_curves_and_without(modssl_server: Server, protocol: str) -> None:
    with_curves = assert_java7_compatible(modssl_server, OLD, protocol=protocol)
    assert (with_curves.cipher_suite, with_curves.group) == ("ECDHE-RSA-AES128-SHA", "secp256r1")
    assert_java7_compatible(modssl_server, OLD, protocol=protocol, suites=WITHOUT_CURVES, dh_bits=1024)


@needs_jdk
def test_the_settings_for_tls_1_2_cost_less_and_let_java_7_in_by_that(modssl_server: Server) -> None:
    assert_java7_compatible(
        modssl_server, NEW, port=8443, protocol="TLSv1.2", suites=WITHOUT_CURVES, dh_bits=1024, jvm=True
    )
    with pytest.raises(ModsslAssertionError, match="handshake of Java 7: expected an answer that it can go on with"):
        assert_java7_compatible(modssl_server, NEW, port=8443)


def test_newer_clients_are_served_as_before(modssl_server: Server) -> None:
    seen = modssl_server.handshake(OLD, protocol=("TLSv1.2", "TLSv1.3"))
    assert seen.ok
    assert "GCM" in str(seen.cipher_suite)


def test_settings_say_what_they_cost(modssl_target: Target) -> None:
    old = java7_settings(modssl_target.installation)
    new = java7_settings(modssl_target.installation, protocol="TLSv1.2")
    assert old.security_level == (0 if (modssl_target.installation.openssl or ()) >= (3,) else 1)
    assert new.security_level == 1
    assert "TLS 1.0 and 1.1 are spoken, which RFC 8996 forbids" in old.cost
    assert not any("RFC 8996" in one for one in new.cost)
    assert any("1024 bits" in one for one in new.cost)
    assert "# cost: OpenSSL's security level is " in str(old)
    with pytest.raises(ConfigError, match=r"does not speak 'TLSv1\.3': one of TLSv1, TLSv1\.1, TLSv1\.2"):
        java7_settings(modssl_target.installation, protocol="TLSv1.3")


def test_a_prime_that_is_not_met_is_told(modssl_server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_java7_compatible(modssl_server, OLD, dh_bits=1024)
    (mismatch,) = caught.value.mismatches
    assert (
        str(mismatch) == "DH prime in bits: expected 1024, seen none: TLSv1 with ECDHE-RSA-AES128-SHA, which uses none"
    )
    assert [one.entry.id for one in caught.value.diagnoses] == ["dhe-never-chosen"]


def test_parameters_below_the_level_are_diagnosed_with_every_openssl(modssl_server: Server) -> None:
    # OpenSSL 3.0 and later choose another prime; with 1.1.1 no suite with DHE is left.
    with pytest.raises(ModsslAssertionError) as caught:
        assert_dh_bits(modssl_server, STRICT, 1024, port=8445)
    assert "dh-parameters-ignored" in [one.entry.id for one in caught.value.diagnoses]


def test_an_old_protocol_below_the_level_is_diagnosed(modssl_server: Server) -> None:
    modssl_server.log.expect("AH02008")
    with pytest.raises(ModsslAssertionError) as caught:
        assert_java7_compatible(modssl_server, STRICT, port=8445)
    found = [one.entry.id for one in caught.value.diagnoses]
    if (modssl_server.installation.openssl or ()) >= (3,):
        assert found == ["protocol-below-security-level"]


@needs_jdk
def test_a_jvm_that_comes_to_another_end_than_its_hello_is_told(
    modssl_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_own_limits = Server.jvm_handshake
    monkeypatch.setattr(Server, "jvm_handshake", lambda *known, **named: with_own_limits(*known, **named, java7=False))
    with pytest.raises(
        ModsslAssertionError, match="expected the failure that its hello alone told of, seen success with"
    ):
        assert_java7_compatible(modssl_server, LONG, port=8444, jvm=True)
