"""Which certificate names stand for which host."""

from __future__ import annotations

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.pki import CA
from pytest_modssl.tls.hostname import certificate_names, matches, to_ascii


@pytest.mark.parametrize(("name", "wanted", "same"), [
    ("www.example.test", "WWW.Example.test", True),
    ("www.example.test", "www.example.test.", True),
    ("www.example.test", "example.test", False),
    ("*.example.test", "www.example.test", True),
    ("*.example.test", "example.test", False),
    ("*.example.test", "a.b.example.test", False),
    ("w*.example.test", "www.example.test", False),
    ("*", "localhost", False),
    ("xn--bcher-kva.test", "bücher.test", True),
    ("127.0.0.1", "127.0.0.1", True),
    ("::1", "0:0::1", True),
    ("*.0.0.1", "127.0.0.1", False),
    ("127.0.0.1", "www.example.test", False),
])  # fmt: skip
def test_a_name_stands_for_a_host_by_the_rules_of_rfc_9525(name: str, wanted: str, same: bool) -> None:  # noqa: FBT001
    assert matches([name], wanted) is same


def test_the_common_name_is_no_name() -> None:
    leaf = CA().issue("a.test", "10.0.0.1", common_name="b.test")
    assert certificate_names(leaf.certificate) == ("a.test", "10.0.0.1")
    assert certificate_names(CA(common_name="c.test").certificate) == ()


def test_a_name_that_cannot_be_written_in_ascii_is_refused() -> None:
    with pytest.raises(TlsError, match="no valid international domain name"):
        to_ascii("bü" * 80 + ".test")
