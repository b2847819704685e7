"""Patterns of cipher suites, against what `openssl ciphers` of this machine says of the same words."""

from __future__ import annotations

import functools
import subprocess

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import names
from pytest_modssl.tls.kinds import KINDS, chosen, first_swap

OWN = {"AEAD", "CBC", "FS"}
EVERY_KIND = (
    "TLS_AES_128_GCM_SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "AES128-SHA",
    "DES-CBC3-SHA",
    "RC4-SHA",
    "EXP-RC4-MD5",
)
# What the default build of OpenSSL 3.0 has no suite of, so that its ciphers(1) says "no cipher match".
NOT_BUILT = {"RC4", "RC2", "3DES", "DES", "IDEA", "SEED", "MD5", "EXP", "SSLv3"}


@functools.cache
def of_openssl(words: str) -> set[str] | None:
    command = ["openssl", "ciphers", "-V", f"{words}:@SECLEVEL=0"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    if run.returncode:
        return None
    lines = [line.split() for line in run.stdout.splitlines()]
    return {line[2] for line in lines if not line[2].startswith("TLS_")}


@pytest.mark.parametrize(
    "words",
    [one for one in KINDS if one not in OWN | NOT_BUILT and one not in ("ALL", "TLSv1.3", "TLSv1.1")]
    + ["ECDHE+AESGCM", "kRSA+SHA1", "aNULL+AES128", "CHACHA20"],
)
def test_a_kind_has_the_suites_that_openssl_ciphers_lists_for_it(words: str) -> None:
    everything = of_openssl("ALL:COMPLEMENTOFALL")
    listed = of_openssl(words)
    if everything is None or listed is None:
        pytest.skip("this machine's openssl has no suite of that kind")
    assert set(chosen(sorted(everything), [words])) == listed


@pytest.mark.parametrize(
    ("words", "suites"),
    [
        ("CBC", "AES128-SHA DES-CBC3-SHA"),
        ("AEAD", "TLS_AES_128_GCM_SHA256 ECDHE-RSA-CHACHA20-POLY1305"),
        ("FS", "TLS_AES_128_GCM_SHA256 ECDHE-RSA-CHACHA20-POLY1305"),
        ("RC4", "RC4-SHA EXP-RC4-MD5"),
        ("MD5", "EXP-RC4-MD5"),
        ("3DES", "DES-CBC3-SHA"),
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
        ("TLSv1.2+AEAD", "ECDHE-RSA-CHACHA20-POLY1305"),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
        ("EXP", "EXP-RC4-MD5"),
    ],
)
def test_kinds_that_openssl_lacks_or_has_no_word_for(words: str, suites: str) -> None:
    assert chosen(EVERY_KIND, [words]) == tuple(suites.split())


def test_several_patterns_are_one_or_the_other_and_keep_the_order() -> None:
    suites = ("AES256-SHA", "RC4-SHA", "AES128-SHA")
    assert chosen(suites, ["AES128", "RC4"]) == ("RC4-SHA", "AES128-SHA")
    assert chosen(suites, []) == ()


@pytest.mark.parametrize("pattern", ["RC5", "ECDHE+AESGMC", "HIGH", ""])
def test_a_word_that_means_nothing_is_told(pattern: str) -> None:
    with pytest.raises(TlsError, match="is no cipher suite and no kind of them"):
        chosen(["AES128-SHA"], [pattern])


def test_a_misspelled_word_gets_a_hint() -> None:
    with pytest.raises(TlsError, match=r"Alike are .*AESGCM"):
        chosen(["AES128-SHA"], ["AESGMC"])


def test_the_first_difference_of_two_orders_is_told() -> None:
    assert first_swap(["a", "b", "c"], ["a", "c", "b"]) == "c before b"


def test_every_kind_fits_a_suite_that_is_known() -> None:
    for kind, fits in KINDS.items():
        if kind != "TLSv1.1":  # no suite came with it
            assert any(map(fits, names.cipher_suites())), kind
