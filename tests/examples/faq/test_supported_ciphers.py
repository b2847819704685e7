"""What the server accepts is what was meant: by kind of suite, by group, and by Mozilla's guideline."""

import pytest

from pytest_modssl import ServerConfig, VirtualHost, assert_ciphers, assert_groups, assert_policy

DIRECTIVES = """
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20
    SSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384
    SSLOpenSSLConfCmd Curves X25519:P-256
    Header always set Strict-Transport-Security "max-age=63072000"
"""


@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives=DIRECTIVES))


def test_suites(modssl_server):
    assert_ciphers(
        modssl_server,
        "www.example.test",
        protocols=["TLSv1.2", "TLSv1.3"],
        only={"TLSv1.2": ["ECDHE+AEAD"], "TLSv1.3": ["AESGCM"]},
        never=["aNULL", "RC4", "3DES", "kRSA"],
    )


def test_groups(modssl_server):
    assert_groups(modssl_server, "www.example.test", only=["x25519", "secp256r1"])


def test_guideline(modssl_server):
    report = assert_policy(modssl_server, "intermediate", name="www.example.test", except_for=["stapling"])
    assert {one.area for one in report.deviations if one.lacks} <= {"suite", "group"}
