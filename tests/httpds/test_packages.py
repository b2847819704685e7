"""Indexes of packages: which version is newer, what a dependency admits, and all that a package needs."""

from __future__ import annotations

import itertools
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.errors import FetchError
from pytest_modssl.httpds.packages import Index, Package, Relation, closure, relations, version_key

VERSIONS = ["1.0~rc1-1", "1.0~rc1-1+b1", "1.0-1~deb12u1", "1.0-1", "1.0-1+deb12u1", "1.0-1.1", "1.0a-1", "1.0+dfsg-1"]
VERSIONS += ["1.0.1", "1.9", "1.10", "2", "1:0.1", "1:0.1-1", "2:0"]


def index(**packages: str) -> Index:
    """An index of packages, each named with its version, and what it needs or provides."""
    stanzas = []
    for name, told in packages.items():
        version, _, more = told.partition(" ")
        lines = [f"Package: {name}", f"Version: {version}", f"Filename: pool/{name}.deb", "Size: 1", f"SHA256: {name}"]
        stanzas.append("\n".join([*lines, *filter(None, [more])]) + "\n")
    return Index("http://mirror.example.test/debian", "\n".join(stanzas).encode())


def names(found: list[Package]) -> dict[str, str]:
    return {one.name: one.version for one in found}


@pytest.mark.parametrize(("older", "newer"), list(itertools.pairwise(VERSIONS)))
def test_versions_are_in_the_order_of_the_policy(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="the other opinion is dpkg's")
@pytest.mark.parametrize("pair", list(itertools.product(VERSIONS[:9], repeat=2)))
def test_dpkg_has_them_in_the_same_order(pair: tuple[str, str]) -> None:
    says = subprocess.run(["dpkg", "--compare-versions", pair[0], "lt", pair[1]], check=False).returncode == 0
    assert (version_key(pair[0]) < version_key(pair[1])) is says


@given(st.text("0123456789abz.+~-", max_size=12), st.text("0123456789abz.+~-", max_size=12))
def test_any_two_versions_can_be_compared(one: str, other: str) -> None:
    first, second = version_key(f"1{one}"), version_key(f"1{other}")
    assert (first < second) + (first > second) + (first == second) == 1


def test_a_dependency_is_read_with_its_alternatives_and_versions() -> None:
    assert list(relations("libc6 (>= 2.36), perl:any, liba | libb (<< 1:2.0-1) ,, libc(=1)")) == [
        (Relation("libc6", ">=", "2.36"),),
        (Relation("perl"),),
        (Relation("liba"), Relation("libb", "<<", "1:2.0-1")),
        (Relation("libc", "=", "1"),),
    ]
    for wrong in ("libc6 (2.36)", "libc6 >= 2", "!x", "a (== 1)"):
        with pytest.raises(FetchError, match="cannot be read"):
            list(relations(wrong))


@pytest.mark.parametrize(
    ("operator", "admitted"),
    [
        ("<<", {"0.9"}),
        ("<=", {"0.9", "1"}),
        ("=", {"1"}),
        (">=", {"1", "1.1"}),
        (">>", {"1.1"}),
        ("", {"0.9", "1", "1.1"}),
    ],
)
def test_a_relation_admits_the_versions_that_it_names(operator: str, admitted: set[str]) -> None:
    assert {one for one in ("0.9", "1", "1.1") if Relation("x", operator, "1").admits(one)} == admitted


def test_a_package_comes_with_all_that_it_needs_each_in_its_newest_version() -> None:
    main = index(httpd="2 Depends: liba (>= 1), libb", liba="1 Depends: libc", libb="1 Pre-Depends: libc", libc="1")
    security = index(liba="1.1 Depends: libd", libd="3", other="1")
    assert names(closure([main, security], ["httpd"], without=())) == {
        "httpd": "2",
        "liba": "1.1",
        "libb": "1",
        "libd": "3",
        "libc": "1",
    }
    (httpd,) = [one for one in closure([main], ["httpd"], without=()) if one.name == "httpd"]
    assert httpd.url == "http://mirror.example.test/debian/pool/httpd.deb"


def test_the_first_alternative_that_is_there_is_taken_also_by_another_name() -> None:
    found = index(
        httpd="2 Depends: nothing | libb | liba, virtual", liba="1", libb="1", real="7 Provides: some, virtual (= 1)"
    )
    assert names(closure([found], ["httpd"], without=())) == {"httpd": "2", "libb": "1", "real": "7"}


def test_what_depends_on_itself_ends() -> None:
    found = index(liba="1 Depends: libb", libb="1 Depends: liba")
    assert names(closure([found], ["liba"], without=())) == {"liba": "1", "libb": "1"}


def test_what_is_not_wanted_and_what_is_not_there_are_passed_over() -> None:
    main, security = index(httpd="2 Depends: perl, liba", liba="1"), index(liba="2")
    (newest,) = security.versions_of("liba")
    assert names(closure([main, security], ["httpd"], without={"perl"}, lacking=[newest])) == {
        "httpd": "2",
        "liba": "1",
    }


def test_a_need_that_cannot_be_met_is_told_with_who_has_it() -> None:
    with pytest.raises(FetchError, match=r"no package liba >= 2 \| libz, which httpd 2 needs"):
        closure([index(httpd="2 Depends: liba (>= 2) | libz", liba="1")], ["httpd"], without=())
