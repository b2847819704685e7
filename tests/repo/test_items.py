"""A repository without any test, as pytest collects and runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl.pki import generate_key
from pytest_modssl.repo.checks import CHECKS

if TYPE_CHECKING:
    from pytest_modssl.targets.base import Target

CONFIG = """\
ServerRoot "/etc/httpd"
ServerName www.shop.example
TypesConfig /etc/mime.types
Listen 80
Listen 443 https
SSLSessionCache shmcb:/run/httpd/sslcache(512000)
SSLProtocol -all +TLSv1.2 +TLSv1.3
SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256
SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1
DocumentRoot /var/www/html
<VirtualHost *:80>
    ServerName shop.example
    Redirect permanent / https://shop.example/
</VirtualHost>
Include conf.d/shop.conf
"""
SHOP = """\
<VirtualHost *:443>
    ServerName shop.example
    SSLEngine on
    SSLCertificateFile /etc/pki/tls/certs/shop.crt
    SSLCertificateKeyFile /etc/pki/tls/private/shop.key
    Header always set Strict-Transport-Security "max-age=63072000"
</VirtualHost>
"""
TLS = [one.name for one in CHECKS if one.name != "redirects-to-https"]
PLAIN = ["answers", "no-redirect-loop", "redirects-to-https", "hsts"]
IDS = [
    *(f"conf/httpd.conf::{name}" for name in ("syntax", "starts", "secrets")),
    *(f"conf/httpd.conf::shop.example:80::{name}" for name in PLAIN),
    *(f"conf/httpd.conf::shop.example:443::{name}" for name in TLS),
]


class RunPytest(Protocol):
    def __call__(self, *args: str, config: str = CONFIG, shop: str = SHOP) -> pytest.RunResult: ...


@pytest.fixture
def run(pytester: pytest.Pytester, outer_target: Target) -> RunPytest:
    """Runs pytest in a repository that has these files and no test."""

    def run(*args: str, config: str = CONFIG, shop: str = SHOP) -> pytest.RunResult:
        for path, text in {"conf/httpd.conf": config, "conf.d/shop.conf": shop}.items():
            file = pytester.path / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:xdist", "-p", "no:timeout", *args)

    return run


def test_nothing_is_collected_without_the_switch(run: RunPytest) -> None:
    assert run().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_every_check_is_a_test_and_passes_and_what_was_taken_is_told(run: RunPytest) -> None:
    result = run("--modssl", "-vv")
    result.assert_outcomes(passed=len(IDS))
    assert [line.split()[0] for line in result.outlines if " PASSED " in line] == IDS
    result.stdout.fnmatch_lines(
        [
            "modssl: configurations: conf/httpd.conf (rhel)",
            "modssl: passed over */conf.d/shop.conf: included by conf/httpd.conf",
            "conf/httpd.conf::shop.example:443::hsts <- conf.d/shop.conf PASSED*",
        ]
    )


def test_a_failure_is_told_at_the_users_line_without_our_own_code(run: RunPytest, pytester: pytest.Pytester) -> None:
    junit = pytester.path / "junit.xml"
    result = run("--modssl", f"--junit-xml={junit}", "-k", "hsts", shop=SHOP.replace("63072000", "300"))
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    result.stdout.fnmatch_lines(["*_ shop.example:443 hsts _*", "HSTS of https://shop.example/: 1 mismatch"])
    assert f'{pytester.path}/conf.d/shop.conf:6: Header always set Strict-Transport-Security "max-age=300"' in text
    assert "pytest_modssl/repo" not in text
    result.stdout.fnmatch_lines(["FAILED conf/httpd.conf::shop.example:443::hsts - HSTS of*"])
    assert "conf.d/shop.conf:1: the virtual host shop.example:443" in junit.read_text()


@pytest.mark.any_target
def test_checks_are_chosen_by_name_by_host_and_by_id(run: RunPytest, pytester: pytest.Pytester) -> None:
    def collected(*args: str) -> list[str]:
        result = run("--modssl", "--collect-only", "-q", *args)
        return [line for line in result.outlines if "::" in line]

    assert collected("--modssl-checks", "chain,sni") == [
        f"conf/httpd.conf::shop.example:443::{one}" for one in ("chain", "sni")
    ]
    assert collected("--modssl-checks=-hsts", "--modssl-checks", "!syntax") == [
        one for one in IDS if not one.endswith(("::hsts", "::syntax"))
    ]
    assert collected("conf/httpd.conf::shop.example:443::chain") == ["conf/httpd.conf::shop.example:443::chain"]
    assert collected("conf/httpd.conf::shop.example:80") == [one for one in IDS if ":80::" in one]
    pytester.makeini("[pytest]\nmodssl_host_checks =\n    shop.example:443  -hsts -policy\n    *:80  answers\n")
    assert collected() == [
        *IDS[:3],
        "conf/httpd.conf::shop.example:80::answers",
        *(one for one in IDS if ":443::" in one and not one.endswith(("hsts", "policy"))),
    ]


@pytest.mark.any_target
def test_settings_that_name_nothing_are_a_usage_error_with_what_there_is(run: RunPytest) -> None:
    for args, told in (
        (["--modssl-checks", "hst"], "*--modssl-checks: there is no check 'hst'; there are syntax, starts, *"),
        (["--modssl-policy", "new"], "*--modssl-policy: There is no policy 'new'*intermediate*"),
        (["--modssl-config", "no.conf"], "*no.conf, named as configuration, is not there*"),
        (["--modssl-env", "NAME"], "*--modssl-env: cannot take 'NAME': NAME=value"),
    ):
        result = run("--modssl", *args)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([told])


@pytest.mark.any_target
def test_a_failure_that_is_expected_is_no_failure_and_its_absence_is(run: RunPytest, pytester: pytest.Pytester) -> None:
    pytester.makeini(
        "[pytest]\nxfail_strict = true\nmodssl_expect_fail =\n    shop.example:443::hsts  until the shop has moved\n"
    )
    result = run("--modssl", "-k", "hsts", "-rx", shop=SHOP.replace("Header", "# Header"))
    result.assert_outcomes(passed=1, xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL conf/httpd.conf::shop.example:443::hsts - until the shop has moved*"])
    result = run("--modssl", "-k", "hsts")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*XPASS(strict)*until the shop has moved*"])


IDLE = """[pytest]
modssl_expect_fail =
    shop.example:443::hsts  until the shop has moved
    old.example:443::hsts   it is gone
modssl_host_checks =
    shop.exmaple -policy
modssl_host_policy =
    *.example:8443 old
"""


@pytest.mark.any_target
def test_settings_that_speak_of_what_there_is_not_are_warned_of_at_their_line(
    run: RunPytest, pytester: pytest.Pytester
) -> None:
    file = pytester.makeini(IDLE)
    result = run("--modssl", "-k", "syntax", "-W", "default")
    result.assert_outcomes(passed=1, warnings=3)
    known = "there are shop.example:80, shop.example:443. What to do: "
    for line, told in (
        (4, "modssl_expect_fail: no test's id ends with old.example:443::hsts; the checks of this name are conf"),
        (6, f"modssl_host_checks: shop.exmaple is no virtual host; {known}"),
        (8, f"modssl_host_policy: [*].example:8443 is no virtual host; {known}"),
    ):
        result.stdout.fnmatch_lines([f"*{file}:{line}: IdleSettingWarning: ini {told}*"])


@pytest.mark.any_target
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "two-workers"])
def test_where_warnings_are_errors_settings_that_speak_of_what_there_is_not_end_the_run(
    run: RunPytest, pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    if workers:
        pytest.importorskip("xdist")
    pytester.makeini(IDLE)
    run("--collect-only")  # for its files
    result = pytester.runpytest_subprocess("--modssl", "-W", "error", *workers)
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*ini modssl_host_policy: [*].example:8443 is no virtual host*"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


@pytest.mark.parametrize("args", [("conf/httpd.conf",), ("--modssl-config", "conf/httpd.conf")])
def test_settings_speak_of_more_than_the_file_that_is_named(
    run: RunPytest, pytester: pytest.Pytester, args: tuple[str, ...]
) -> None:
    pytester.makeini(IDLE)
    run("--modssl", "-k", "syntax", *args).assert_outcomes(passed=1)


def test_what_httpd_refuses_ends_with_the_diagnosis_and_no_other_check(
    run: RunPytest, pytester: pytest.Pytester
) -> None:
    result = run("--modssl", shop=SHOP.replace("SSLEngine", "SSLEngin"))
    result.assert_outcomes(failed=2)
    text = result.stdout.str()
    assert text.count(f"{pytester.path}/conf.d/shop.conf:3") >= 2
    assert "Invalid command 'SSLEngin'" in text
    assert "Traceback" not in text


def test_a_key_in_the_repository_is_told_once_with_its_line(run: RunPytest, pytester: pytest.Pytester) -> None:
    (pytester.path / "shop.key").write_bytes(generate_key("ec-p256").pem.bytes())
    result = run("--modssl", "--modssl-checks", "secrets")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*private key {pytester.path}/shop.key:1: expected not to be in the repository*"])


@pytest.mark.any_target
def test_named_configurations_are_collected_whatever_testpaths_says(run: RunPytest, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ntestpaths = tests\nmodssl_config = conf/httpd.conf\nmodssl_checks = syntax\n")
    pytester.mkdir("tests")
    (pytester.path / "tests/test_it.py").write_text("def test_it(): pass\n")
    run("--modssl").assert_outcomes(passed=2)
    run("--modssl", "tests").assert_outcomes(passed=1)
    run("--modssl", "tests", "--modssl-config", "conf/httpd.conf").assert_outcomes(passed=2)


@pytest.mark.long
def test_workers_collect_alike_and_share_the_work(run: RunPytest, pytester: pytest.Pytester) -> None:
    run("--modssl", "--collect-only", "-q")
    result = pytester.runpytest_subprocess("--modssl", "-n", "2", "-p", "no:randomly")
    result.assert_outcomes(passed=len(IDS))


@pytest.mark.any_target
def test_links_to_folders_above_are_not_gone_round_in(pytester: pytest.Pytester, outer_target: Target) -> None:
    for name in ("a", "b"):
        (pytester.path / name).mkdir()
        (pytester.path / name / "top").symlink_to("/")
        (pytester.path / name / "up").symlink_to("..")
        (pytester.path / name / "other").symlink_to(pytester.path / ("b" if name == "a" else "a"))
    (pytester.path / "a/test_a.py").write_text("def test_it(): pass\n")
    result = pytester.runpytest("--modssl", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2)  # in a, and in b/other


def test_a_repository_without_anything_to_test_is_told_what_was_passed_over_and_what_to_do(
    pytester: pytest.Pytester, outer_target: Target
) -> None:
    template = pytester.path / "roles" / "web" / "templates" / "site.conf.j2"
    template.parent.mkdir(parents=True)
    template.write_text("<VirtualHost *:80>\n    ServerName {{ name }}\n</VirtualHost>\n")
    result = pytester.runpytest_inprocess("-p", "no:xdist", "--modssl")
    result.stdout.fnmatch_lines(
        [
            "modssl: configurations: none",
            f"modssl: passed over {template}: a template by its name*",
            "*--modssl-config*",
        ]
    )
    template.unlink()
    result = pytester.runpytest_inprocess("-p", "no:xdist", "--modssl")
    result.stdout.fnmatch_lines(["modssl: configurations: none", "modssl: there is nothing to test: *"])


def test_a_name_that_the_environment_is_to_give_fails_the_start_alone(run: RunPytest) -> None:
    named = CONFIG.replace("shop.example", "${SHOP}"), SHOP.replace("shop.example", "${SHOP}")
    result = run("--modssl", config=named[0], shop=named[1])
    result.assert_outcomes(passed=len(IDS) - 1, failed=1)
    result.stdout.fnmatch_lines(
        ["*${SHOP}: expected a value, seen none: here it is shop.example*--modssl-env SHOP=...*", "*httpd.conf:2: *"]
    )
    run("--modssl", "--modssl-env", "SHOP=shop.example", config=named[0], shop=named[1]).assert_outcomes(
        passed=len(IDS)
    )


def test_a_configuration_of_which_httpd_reads_no_host_is_told(run: RunPytest) -> None:
    named = CONFIG[: CONFIG.index("<VirtualHost")], f"<IfDefine SHOP>\n{SHOP}</IfDefine>\n"
    result = run("--modssl", config=f"{named[0]}Include conf.d/shop.conf\n", shop=named[1])
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["modssl: conf/httpd.conf: httpd reads no <VirtualHost> of it, so no host is checked"])


def test_a_host_that_nothing_listens_for_says_nothing_of_its_policy(run: RunPytest) -> None:
    result = run("--modssl", config=CONFIG.replace("Listen 443 https\n", ""))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.no_fnmatch_line("*During handling of the above exception*")
    result.stdout.fnmatch_lines(["  shop.example:443 *"])
    result.stdout.no_fnmatch_line("*intermediate not kept*")


def test_an_address_that_nothing_listens_on_is_told_as_configured(run: RunPytest) -> None:
    """In a run another port stands for the second address."""
    config = CONFIG.replace("Listen 443 https\n", "Listen 192.0.2.10:8443 https\n")
    shop = SHOP.replace("*:443", "192.0.2.10:8443") + SHOP.replace("*:443", "192.0.2.99:8443").replace("shop.", "typo.")
    result = run("--modssl", config=config, shop=shop)
    result.stdout.fnmatch_lines(
        [
            "diagnosis: <VirtualHost 192.0.2.99:8443> has no Listen for its address and port (connection-refused)",
            "  at *conf.d/shop.conf:8: VirtualHost 192.0.2.99:8443",
            "  to do: write Listen 192.0.2.99:8443 https, *",
        ]
    )
