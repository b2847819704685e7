from __future__ import annotations

import subprocess

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import names


def test_every_suite_of_the_installed_openssl_is_known_by_its_number_and_names() -> None:
    command = ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) > 100
    for line in lines:
        code, _, rfc_name, _, openssl_name, minimum, *_ = line.split()
        suite = names.cipher_suite(int(code.replace("0x", "").replace(",", ""), 16))
        assert (suite.openssl_name, suite.minimum) == (openssl_name, minimum)
        assert suite.name == rfc_name.replace("PSK_DHE", "DHE_PSK")  # OpenSSL keeps a slip of RFC 6655 for two of them


def test_key_exchange_and_authentication_are_those_that_openssl_prints() -> None:
    command = ["openssl", "ciphers", "-v", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    exchanges = {"DH": "DHE", "ECDH": "ECDHE", "DHEPSK": "DHE_PSK", "ECDHEPSK": "ECDHE_PSK", "RSAPSK": "RSA_PSK"}
    authentications = {"None": "anon"}
    for line in printed.splitlines():
        name, _, kx, au, _, mac = line.split()
        suite = names.cipher_suite(name)
        exchange, authentication = kx.removeprefix("Kx="), au.removeprefix("Au=")
        assert suite.key_exchange == exchanges.get(exchange, exchange), name
        assert suite.authentication == authentications.get(authentication, authentication), name
        assert suite.aead == (mac == "Mac=AEAD"), name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("EDH-RSA-DES-CBC3-SHA", 0x0016),
        ("DHE-RSA-DES-CBC3-SHA", 0x0016),
        ("EXP-EDH-RSA-DES-CBC-SHA", 0x0014),
        ("RC4-MD5", 0x0004),
        ("EXP1024-RC4-SHA", 0x0064),
        ("IDEA-CBC-SHA", 0x0007),
        ("TLS_SHA256_SHA256", 0xC0B4),
        ("TLS_GOSTR341112_256_WITH_28147_CNT_IMIT", 0xC102),
        ("LEGACY-GOST2012-GOST8912-GOST8912", 0xFF85),
    ],
)
def test_suites_that_openssl_has_dropped_or_renamed_are_still_known(name: str, code: int) -> None:
    assert names.cipher_suite(name).code == code


def test_suites_of_a_protocol_are_those_it_can_use() -> None:
    assert {suite.maximum for suite in names.cipher_suites("TLSv1.3")} == {"TLSv1.3"}
    sslv3 = {suite.minimum for suite in names.cipher_suites("SSLv3")}
    assert sslv3 == {"SSLv3"}
    assert names.cipher_suite("ECDHE-RSA-AES128-GCM-SHA256") not in names.cipher_suites("TLSv1.1")
    assert names.cipher_suite("ECDHE-RSA-AES128-GCM-SHA256") in names.cipher_suites("TLSv1.2")
    assert len({suite.code for suite in names.cipher_suites()}) == len(names.cipher_suites())


def test_export_suites_and_forward_secrecy_are_told() -> None:
    assert names.cipher_suite("EXP-RC4-MD5").export
    assert not names.cipher_suite("RC4-MD5").export
    assert names.cipher_suite("DHE-RSA-AES128-SHA").forward_secret
    assert not names.cipher_suite("AES128-SHA").forward_secret


def test_an_unknown_suite_is_an_error_that_says_how_suites_are_named() -> None:
    with pytest.raises(TlsError, match=r"No cipher suite 'AES-KITTEN'.*ECDHE-RSA-AES128-GCM-SHA256"):
        names.cipher_suite("AES-KITTEN")
    with pytest.raises(TlsError, match="No cipher suite 0xfafa"):
        names.cipher_suite(0xFAFA)


def test_numbers_have_their_names_and_unknown_ones_print_as_numbers() -> None:
    assert names.protocol_name(0x0303) == "TLSv1.2"
    assert names.group_name(0x11EC) == "X25519MLKEM768"
    assert names.alert_name(80) == "internal_error"
    assert names.signature_scheme_name(0x0804) == "rsa_pss_rsae_sha256"
    assert names.handshake_name(12) == "ServerKeyExchange"
    assert names.extension_name(51) == "key_share"
    assert names.compression_name(1) == "DEFLATE"
    assert names.cipher_suite_name(0xC02F) == "ECDHE-RSA-AES128-GCM-SHA256"
    assert names.cipher_suite_name(0xC0B0) == "TLS_ECCPWD_WITH_AES_128_GCM_SHA256"
    assert names.cipher_suite_name(0x5600) == "TLS_FALLBACK_SCSV"
    assert names.cipher_suite_name(0xFAFA) == names.group_name(0xFAFA) == "0xfafa"
    assert names.alert_name(200) == "alert 200"
    assert names.handshake_name(99) == "handshake message 99"


def test_an_unknown_name_is_an_error_with_the_known_ones() -> None:
    with pytest.raises(TlsError, match=r"No protocol is called 'TLS1.2'\. Known: SSLv3, TLSv1, TLSv1.1, TLSv1.2"):
        names.cipher_suites("TLS1.2")
