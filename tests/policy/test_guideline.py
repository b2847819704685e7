"""Policies as they were published."""

from __future__ import annotations

import pytest

from pytest_modssl.errors import PolicyError
from pytest_modssl.policy import policies, policy
from pytest_modssl.tls import names


def test_both_versions_of_the_guidelines_are_there() -> None:
    assert [(one.version, one.name) for one in policies()] == [
        ("6.0", "modern"),
        ("6.0", "intermediate"),
        ("5.8", "modern"),
        ("5.8", "intermediate"),
        ("5.8", "old"),
    ]


@pytest.mark.parametrize("one", policies(), ids=str)
def test_each_name_in_a_policy_is_known(one: object) -> None:
    found = next(other for other in policies() if other is one)
    assert "mozilla" in found.source.lower()
    assert set(found.protocols) <= set(names.PROTOCOLS)
    assert set(found.groups) <= set(names.GROUPS)
    assert [names.cipher_suite(suite).openssl_name for suite in found.suites] == list(found.suites)
    assert all(names.cipher_suite(suite).minimum == "TLSv1.3" for suite in found.tls13_suites)


def test_the_newest_version_that_has_the_policy_is_taken() -> None:
    assert policy("intermediate").version == "6.0"
    assert policy("old").version == "5.8"
    assert policy("intermediate", "5.8").version == "5.8"


def test_what_changed_between_the_versions() -> None:
    before, now = policy("intermediate", "5.8"), policy("intermediate", "6.0")
    assert set(before.suites) - set(now.suites) == {
        "DHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-AES256-GCM-SHA384",
        "DHE-RSA-CHACHA20-POLY1305",
    }
    assert now.groups == ("X25519MLKEM768", *before.groups)


@pytest.mark.parametrize(("name", "version"), [("ancient", None), ("old", "6.0"), ("modern", "7.1")])
def test_a_policy_that_does_not_exist_is_told_with_those_that_do(name: str, version: str | None) -> None:
    with pytest.raises(PolicyError, match=r"There is no policy '.*Known are 6\.0: modern; .*5\.8: old"):
        policy(name, version)
