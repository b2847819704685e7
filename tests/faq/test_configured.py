"""What is read from a configuration: protocols, and the suites that a cipher string names."""

from __future__ import annotations

import pytest

from pytest_modssl.faq.configured import named_suites, protocols_of


@pytest.mark.parametrize(
    ("text", "authentications"),
    [
        ("ECDHE-RSA-AES128-GCM-SHA256", {"RSA"}),
        ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256", {"RSA", "ECDSA"}),
        ("aRSA:aECDSA:!aECDSA", {"RSA"}),
        ("aRSA,aDSS -aRSA", {"DSS"}),
        ("ECDHE+aRSA:+SHA1:@SECLEVEL=0", {"RSA"}),
        ("aRSA:!HIGH", {"RSA"}),  # at most too many are left
        ("", set()),
    ],
)
def test_a_cipher_string_names_suites(text: str, authentications: set[str]) -> None:
    suites = named_suites(text)
    assert suites is not None
    assert {one.authentication for one in suites} == authentications


@pytest.mark.parametrize("text", ["HIGH", "DEFAULT:@SECLEVEL=0", "ECDHE:MEDIUM"])
def test_words_that_change_from_version_to_version_name_nothing_for_certain(text: str) -> None:
    assert named_suites(text) is None


@pytest.mark.parametrize(
    ("words", "protocols"),
    [
        ("all", "TLSv1.3 TLSv1.2 TLSv1.1 TLSv1"),
        ("all +SSLv3", "TLSv1.3 TLSv1.2 TLSv1.1 TLSv1 SSLv3"),
        ("all -TLSv1.3", "TLSv1.2 TLSv1.1 TLSv1"),
        ("-all +TLSv1.2 +tlsv1.3", "TLSv1.3 TLSv1.2"),
        ("-all +TLSv1.1 +TLSv1.3", "TLSv1.3"),  # what is below a hole does not count
        ("TLSv1.1 TLSv1.2", "TLSv1.2"),  # without a sign the last word wins
        ("-all", ""),
        ("Nonsense", ""),
    ],
)
def test_protocols_count_from_the_newest_down_to_the_first_hole(words: str, protocols: str) -> None:
    assert protocols_of(words.split()) == tuple(protocols.split())
