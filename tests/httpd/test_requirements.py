"""What a test requires: how it is read, what an httpd lacks of it, and how a mistake is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl import Version
from pytest_modssl.httpd.requirements import Requirement, requirement, unmet
from pytest_modssl.httpd.specifiers import specifier, within

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.base import Target


@pytest.fixture
def old(modssl_target: Target) -> Installation:
    return replace(
        modssl_target.installation,
        version=Version.parse("2.4.62"),
        openssl=Version.parse("1.1.1w"),
        tls_library="OpenSSL",
    )


@pytest.mark.parametrize(
    ("version", "versions", "inside"),
    [
        ("2.4.66", ">=2.4.66", True),
        ("2.4.65", ">=2.4.66", False),
        ("2.4.9", "<2.4.10", True),
        ("2.4.59", ">=2.4.52,!=2.4.59", False),
        ("3.5.9", "<3.5", False),
        ("3.4.9", "<3.5", True),
        ("1.1.1w", ">1.1.1", True),
        ("1.1.1w", "<=1.1.1", False),
        ("1.1.1w", ">=1.1.1w", True),
        ("1.1.1v", ">=1.1.1w", False),
        ("1.1.1a", "<1.1.1b", True),
        ("1.1.1w", "==1.1.1.*", True),
        ("1.1.1w", "==1.1.1w", True),
        ("1.1.1", "==1.1.1w", False),
        ("1.0.2zh", ">1.0.2z", True),
        ("1.0.2zh", "<1.0.2zi,>1.0.2zg", True),
        ("1.1.1w", "<3", True),
    ],
)
def test_versions_compare_as_their_makers_count_them(version: str, versions: str, *, inside: bool) -> None:
    assert within(Version.parse(version), specifier(versions)) is inside


@given(
    st.tuples(
        st.integers(0, 3), st.integers(0, 9), st.integers(0, 99), st.sampled_from(["", "a", "m", "w", "z", "za"])
    ),
    st.tuples(
        st.integers(0, 3), st.integers(0, 9), st.integers(0, 99), st.sampled_from(["", "a", "m", "w", "z", "zh"])
    ),
)
def test_specifiers_agree_with_the_order_of_versions(a: tuple[Any, ...], b: tuple[Any, ...]) -> None:
    first, second = Version(*a), Version(*b)
    assert within(first, specifier(f"<{second}")) == (first < second)
    assert within(first, specifier(f"=={second}")) == (first == second)
    assert within(first, specifier(f">={second}")) == (first >= second)


def test_what_is_met_has_no_reasons(old: Installation) -> None:
    needs = requirement(
        httpd="<2.4.64", openssl=">=1.1.1w", module=["ssl", "headers"], feature="ssl", mpm=old.mpms[0], target="debian"
    )
    assert unmet(needs, old, "debian:bullseye") == []


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"httpd": ">=2.4.66"}, "needs httpd >=2.4.66, has 2.4.62"),
        ({"openssl": ">=3,<3.5"}, "needs OpenSSL >=3,<3.5, has 1.1.1w"),
        ({"module": ["ssl", "tls"]}, "lacks module tls"),
        ({"module": ["mod_wsgi", "tls"]}, "lacks module wsgi, tls"),
        ({"feature": ["ssl", "hybrid-groups"]}, "lacks feature hybrid-groups"),
        ({"program": ["sh", "no-such-program"]}, "lacks program no-such-program on this machine"),
        ({"target": ["docker", "source:*"]}, "needs target docker or source:*, is debian:bullseye"),
        ({"target": "debian:trixie"}, "needs target debian:trixie, is debian:bullseye"),
    ],
)
def test_what_is_not_met_names_what_is_needed_and_what_is_there(
    old: Installation, needs: dict[str, Any], told: str
) -> None:
    assert unmet(requirement(**needs), old, "debian:bullseye") == [told]


def test_every_part_that_is_not_met_is_told(old: Installation) -> None:
    reasons = unmet(requirement(httpd=">3", openssl=">3", module="tls"), old)
    assert [reason.split(",")[0] for reason in reasons] == ["needs httpd >3", "needs OpenSSL >3", "lacks module tls"]


def test_another_mpm_is_told(old: Installation) -> None:
    other = replace(old, static_modules=frozenset({"mpm_prefork"}))
    assert unmet(requirement(mpm=["event", "worker"]), other) == ["needs MPM event or worker, has prefork"]
    assert unmet(requirement(mpm=["event", "prefork"]), other) == []


def test_libressl_is_no_version_of_openssl(old: Installation) -> None:
    other = replace(old, openssl=Version.parse("3.9.2"), tls_library="LibreSSL")
    assert unmet(requirement(openssl=">=3"), other) == ["needs OpenSSL >=3, has LibreSSL 3.9.2"]
    none = replace(old, openssl=None, tls_library=None)
    assert unmet(requirement(openssl=">=3"), none) == ["needs OpenSSL >=3, has none that tells its version"]


@pytest.mark.parametrize(
    ("needs", "error", "told"),
    [
        ({}, ValueError, "nothing is required: name httpd, openssl"),
        ({"httpd": "2.4.66"}, ValueError, "'2.4.66' is no version specifier such as"),
        ({"openssl": ">=three"}, ValueError, "'>=three' is no version specifier"),
        ({"httpd": 2.4}, TypeError, "httpd is text such as '>=2.4.66', not 2.4"),
        ({"feature": "compresion"}, ValueError, "unknown feature 'compresion': one of ssl, http2"),
        ({"mpm": "itk"}, ValueError, "unknown mpm 'itk': one of event, worker, prefork"),
        ({"module": 42}, TypeError, "module is a name or a list of names, not 42"),
        ({"module": [""]}, TypeError, "module is a name or a list of names"),
        ({"modules": "ssl"}, TypeError, "unexpected keyword argument 'modules'"),
    ],
)
def test_a_mistake_is_told_with_what_fits(needs: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told.replace("(", r"\(")):
        requirement(**needs)


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("mod_http2", r"unknown module 'mod_http2': did you mean http2\?"),
        ("http2_module", r"did you mean http2\?"),
        ("htp2", "did you mean http2 or"),
        ("qqqqqq", "unknown module 'qqqqqq': one of access_compat, actions, "),
    ],
)
def test_a_module_that_httpd_does_not_have_is_a_mistake(module: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        requirement(module=module)


def test_a_module_from_elsewhere_is_written_with_its_prefix(old: Installation) -> None:
    needs = requirement(module=["mod_security2", "ssl"])
    assert unmet(needs, old) == ["lacks module security2"]
    loadable = {**old.loadable, "security2": Path("/usr/lib/apache2/modules/mod_security2.so")}
    assert unmet(needs, replace(old, loadable=loadable)) == []


def test_a_requirement_prints_as_what_it_asks_for() -> None:
    assert str(Requirement(httpd=">=2.4.66", module=("ssl", "http2"))) == "httpd >=2.4.66; module ssl, http2"
