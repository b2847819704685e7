"""Which protocols count of an SSLProtocol."""

from __future__ import annotations

import pytest

from pytest_modssl.faq.configured import protocols_of


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
