from __future__ import annotations

import re

import pytest

from pytest_modssl._data import fixture
from pytest_modssl.errors import PkiError
from pytest_modssl.pki import DH_GROUPS, dh_parameters, dh_prime
from pytest_modssl.pki.openssl import openssl


@pytest.mark.parametrize("group", DH_GROUPS)
def test_computed_group_is_the_shipped_file(group: str) -> None:
    assert dh_parameters(group).bytes() == fixture(f"dh/{group}.pem").read_bytes()


def test_nothing_else_is_shipped() -> None:
    assert {path.stem for path in fixture("dh").iterdir()} == set(DH_GROUPS)


@pytest.mark.parametrize("group", DH_GROUPS)
def test_openssl_reads_prime_and_generator(group: str) -> None:
    bits = int(re.split(r"-|ffdhe", group)[-1])
    text = openssl("dhparam", "-text", "-noout", stdin=dh_parameters(group).bytes())
    assert f"DH Parameters: ({bits} bit)" in text
    generator = re.search(r"(?:G|generator|GROUP):\s+(\S+)", text)
    assert generator is not None
    assert generator[1] in ("2", group, f"modp_{bits}"), "openssl prints well-known groups by name"
    assert dh_prime(group).bit_length() == bits
    printed = openssl("asn1parse", stdin=dh_parameters(group).bytes())
    assert re.findall(r"INTEGER\s+:([0-9A-F]+)", printed) == [f"{dh_prime(group):X}", "02"]


@pytest.mark.parametrize("group", ["generated-512", "rfc2409-768", "rfc2409-1024", "rfc3526-1536"])
def test_openssl_finds_the_prime_safe(group: str) -> None:
    openssl("dhparam", "-check", "-noout", stdin=dh_parameters(group).bytes())


@pytest.mark.parametrize("group", [group for group in DH_GROUPS if group.startswith(("rfc3526", "ffdhe"))])
def test_openssl_recognises_the_group_by_its_own_name(group: str) -> None:
    name = group.replace("rfc3526-", "modp_")
    known = openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:{name}")
    assert openssl("asn1parse", stdin=known.encode()) == openssl("asn1parse", stdin=dh_parameters(group).bytes())


def test_unknown_group_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PkiError, match=r"'modp-2048'; use one of .*rfc3526-2048"):
        dh_parameters("modp-2048")
