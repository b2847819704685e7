"""Tests of a repository's own, on the running server of its configuration, beside the checks that are collected."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl._data import fixture
from tests.repo.reviewed import MAIN, SITE, edit

if TYPE_CHECKING:
    from pytest_modssl.targets.base import Target

OWN = """
    import pytest
    from pytest_modssl import ConfigError, assert_handshake
    from pytest_modssl.plugin import run_of

    def test_the_server_is_that_of_the_checks(modssl_repo, request):
        assert modssl_repo.get("http://www.review.example/").status_code == 302
        assert run_of(request.config).servers == [modssl_repo]

    def test_what_is_known_of_it_can_be_asked(modssl_repo_study, modssl_repo_client):
        assert {one.name for one in modssl_repo_study.hosts} == {"www.review.example", "staff.review.example"}
        with pytest.raises(ConfigError, match="www.review.example:443 .*asks for no client certificate"):
            modssl_repo_client("www.review.example")
        with pytest.raises(ConfigError, match="no virtual host has the name other.example at port 443; over TLS there"):
            modssl_repo_client("other.example")

    def test_clients_can_show_what_is_demanded(modssl_repo, modssl_repo_client):
        session = modssl_repo.session(client=modssl_repo_client("old.staff.review.example"))
        assert session.get("https://staff.review.example/").status_code == 404

    def test_users_have_passwords(modssl_repo, modssl_repo_study):
        anna = ("anna", modssl_repo_study.making.logins["anna"])
        assert modssl_repo.get("https://www.review.example/inner", auth=anna).status_code == 404
        assert modssl_repo.get("https://www.review.example/inner").status_code == 401
"""
BY_TITLE = """
    import pytest

    @pytest.fixture(scope="session")
    def modssl_repo(modssl_repo_factory):
        return modssl_repo_factory("{title}")

    def test_it_is_the_one(modssl_repo):
        assert modssl_repo.get("http://{name}.review.example/").status_code == 302
"""
LOGIN = """\
LoadModule auth_basic_module modules/mod_auth_basic.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authn_file_module modules/mod_authn_file.so
LoadModule authz_user_module modules/mod_authz_user.so
<Location /inner>
    AuthType Basic
    AuthName inner
    AuthUserFile /etc/httpd/users
    Require user anna
</Location>
"""


@pytest.fixture
def folder(pytester: pytest.Pytester, outer_target: Target) -> Path:
    return pytester.path


def configuration(folder: Path, *names: str, more: str = "") -> None:
    """A configuration with a site of each name."""
    (folder / "conf").mkdir(parents=True)
    (folder / "hosts").mkdir()
    (folder / "conf/httpd.conf").write_text(MAIN + more)
    for name in names:
        (folder / f"hosts/{name}.conf").write_text(SITE.format(name=name))


def run(pytester: pytest.Pytester, *words: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("--modssl", *words)


def test_own_tests_share_the_server_of_the_checks(pytester: pytest.Pytester, folder: Path) -> None:
    configuration(folder, "www", "staff", more=LOGIN)
    demands = (
        "    SSLVerifyClient require\n    SSLCACertificateFile /etc/tls/staff-ca.pem\n    Header always set X-Frame"
    )
    edit(folder / "hosts/staff.conf", "    Header always set X-Frame", demands)
    (folder / "tests").mkdir()
    pytester.makepyfile(**{"tests/test_own": OWN})
    result = run(pytester, "-p", "no:randomly", "--modssl-checks=handshake,syntax")
    result.assert_outcomes(passed=3 + 4)


def test_the_sample_that_the_documentation_shows_passes(
    pytester: pytest.Pytester, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(fixture("repos/gateway"), folder / "gateway")
    monkeypatch.chdir(folder / "gateway")
    run(pytester, "tests").assert_outcomes(passed=4)
    documentation = Path(__file__).parents[2] / "docs/repositories.md"
    assert (folder / "gateway/tests/test_gateway.py").read_text() in documentation.read_text()


def test_of_several_configurations_one_is_to_be_chosen(pytester: pytest.Pytester, folder: Path) -> None:
    for name in ("one", "two"):
        configuration(folder / name, name)
        pytester.makepyfile(**{f"test_{name}": BY_TITLE.format(title=f"{name}/conf/httpd.conf", name=name)})
    pytester.makepyfile(
        test_any="def test_any(modssl_repo): pass",
        test_other="def test_other(modssl_repo_factory): modssl_repo_factory('three')",
    )
    result = run(pytester, "test_any.py", "test_one.py", "test_two.py", "test_other.py")
    result.assert_outcomes(passed=2, errors=1, failed=1)
    result.stdout.fnmatch_lines_random(
        [
            f"*{folder} holds 2 configurations: one/conf/httpd.conf, two/conf/httpd.conf. Choose one: in pytest's*",
            f"*{folder} holds no configuration three; there are one/conf/httpd.conf, two/conf/httpd.conf",
        ]
    )
    pytester.makeini("[pytest]\nmodssl_config = two/conf/httpd.conf\n")
    run(pytester, "test_any.py").assert_outcomes(passed=1)


def test_without_a_configuration_that_can_be_run_the_reason_is_told(pytester: pytest.Pytester, folder: Path) -> None:
    pytester.makepyfile("def test_any(modssl_repo): pass")
    result = run(pytester)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{folder} holds no configuration of httpd that could be run; name one by*"])
    configuration(folder, "www")
    edit(folder / "conf/httpd.conf", "SSLProtocol ", "SSLProtocoll ")
    pytester.makepyfile(test_refused="def test_any(modssl_repo): pass")
    result = run(pytester, "test_refused.py")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*ModsslError: httpd refuses conf/httpd.conf: httpd *", f"*at {folder}/conf/httpd.conf:12: SSLProtocoll *"]
    )
    result.stdout.no_fnmatch_line("*targets/*")
