"""What settings say of checks, as pure functions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.checks import Options
from pytest_modssl.repo.hosts import RepoHost
from pytest_modssl.repo.settings import RepoSettings, resolve
from pytest_modssl.repo.wanted import NAMES, Wanted, options_of
from pytest_modssl.settings import SettingError, Sources

SHOP = RepoHost(
    name="shop.example",
    port=443,
    reached=443,
    names=("shop.example",),
    tls=True,
    default=True,
    origin=Origin("httpd.conf", 1),
    settings="",
    demands_certificate=False,
)
INTERN = replace(SHOP, name="wiki.intern.example", port=8443)


def read(options: dict[str, list[str]] | None = None, /, **ini: list[str]) -> RepoSettings:
    return resolve(Sources(options or {}, {}, {f"modssl_{name}": value for name, value in ini.items()}))


def use(settings: RepoSettings) -> None:
    Wanted(settings)
    options_of(settings)


def test_without_any_word_every_check_runs_and_nothing_is_expected_to_fail() -> None:
    wanted = Wanted(read())
    assert all(wanted.has(name, host) for name in NAMES for host in (None, SHOP))
    assert wanted.reason_to_fail("httpd.conf::shop.example:443::hsts") is None
    assert options_of(read()) == Options()


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["chain"], {"chain"}),
        (["chain, sni", "hsts"], {"chain", "sni", "hsts"}),
        (["-chain", "!sni"], set(NAMES) - {"chain", "sni"}),
        (["chain hsts -hsts"], {"chain"}),
    ],
)
def test_names_choose_and_names_with_a_sign_leave_out(words: list[str], runs: set[str]) -> None:
    wanted = Wanted(read({"modssl_checks": words}))
    assert {name for name in NAMES if wanted.has(name, SHOP)} == runs


def test_a_host_may_have_other_checks_and_the_last_line_counts() -> None:
    wanted = Wanted(
        read(checks=["-policy"], host_checks=["*.intern.example -hsts", "wiki.intern.example:8443 policy hsts"])
    )
    assert {name for name in NAMES if wanted.has(name, INTERN)} == {"policy", "hsts"}
    assert {name for name in NAMES if wanted.has(name, SHOP)} == set(NAMES) - {"policy"}
    assert wanted.has("starts")


def test_a_host_may_have_another_policy_by_name_or_by_name_and_port() -> None:
    options = options_of(read(policy=["modern"], host_policy=["*:8443 old", "shop.example intermediate"]))
    assert [options.policy_of(host).name for host in (INTERN, SHOP)] == ["old", "intermediate"]
    assert options.policy_of(replace(SHOP, name="other.example")).name == "modern"


@pytest.mark.parametrize(
    ("end", "test"),
    [
        ("shop.example:443::hsts", "httpd.conf::shop.example:443::hsts"),
        ("shop.example:443::hsts", "httpd.conf::shop.example:443::hsts[httpd2.4.71-openssl3.0.22]"),
        ("*:443::hsts", "httpd.conf::shop.example:443::hsts"),
        ("conf/httpd.conf::starts", "conf/httpd.conf::starts"),
        ("hsts[httpd2.4.71-openssl3.0.22]", "httpd.conf::shop.example:443::hsts[httpd2.4.71-openssl3.0.22]"),
    ],
)
def test_the_end_of_an_id_says_what_is_expected_to_fail(end: str, test: str) -> None:
    settings = replace(read(), expect_fail=replace(read().expect_fail, value=((end, "why"),)))
    assert Wanted(settings).reason_to_fail(test) == "why"
    assert Wanted(settings).reason_to_fail("httpd.conf::myshop.example:443::sni") is None


def test_lines_that_speak_of_what_there_is_not_are_told_and_no_others() -> None:
    tests = [f"httpd.conf::{one}::hsts[httpd2.4.71]" for one in ("shop.example:443", "wiki.intern.example:8443")]
    wanted = Wanted(
        read(
            host_policy=["*.intern.example old", "*:80 old"],
            host_checks=["SHOP.example -hsts", "shop.example:8443 -hsts"],
            expect_fail=["shop.example:443::hsts", "*:8443::hsts why", "*:80::hsts", "httpd.conf::starts why"],
        )
    )
    known = f"there are {SHOP.name}:{SHOP.port}, {INTERN.name}:{INTERN.port}"
    unmet = "ini modssl_expect_fail: no test's id ends with {}; none of this name applies"
    assert dict(wanted.idle([SHOP, INTERN], tests)) == {
        "*:80": f"ini modssl_host_policy: *:80 is no virtual host; {known}",
        "shop.example:8443": f"ini modssl_host_checks: shop.example:8443 is no virtual host; {known}",
        "*:80::hsts": unmet.format("*:80::hsts"),
        "httpd.conf::starts": unmet.format("httpd.conf::starts"),
    }


@pytest.mark.parametrize(
    ("ini", "told"),
    [
        (
            {"checks": ["hst"]},
            "ini modssl_checks: there is no check 'hst'; there are syntax, starts, secrets, changes, handshake",
        ),
        ({"host_checks": ["*:443 -hst"]}, "ini modssl_host_checks: there is no check 'hst'"),
        ({"expect_fail": ["shop.example:443::hst"]}, "ini modssl_expect_fail: there is no check 'hst'"),
        ({"host_policy": ["*:443 new"]}, "ini modssl_host_policy: There is no policy 'new'"),
        ({"host_policy": ["*:443"]}, "each line a host as NAME:PORT, a space, and what is said of it"),
        ({"expect_fail": ["hsts later"]}, "each line the end of a test's id, as shop.example:443::hsts"),
        ({"define": ["=x"]}, "NAME, or NAME=value"),
        ({"env": ["1X=y"]}, "NAME=value"),
    ],
)
def test_a_word_that_means_nothing_is_told_with_its_place(ini: dict[str, list[str]], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        use(read(**ini))


def test_values_of_the_environment_are_not_told_in_the_header() -> None:
    settings = read({"modssl_env": ["TOKEN=geheim"], "modssl_config": ["a.conf", "b"]})
    assert settings.variables.value == (("TOKEN", "geheim"),)
    assert settings.described() == ["config a.conf, b (--modssl-config)", "env TOKEN (--modssl-env)"]
    assert resolve(Sources({}, {"PYTEST_MODSSL_ENV": "TOKEN=geheim"}, {})).described() == [
        "env TOKEN (PYTEST_MODSSL_ENV)"
    ]
