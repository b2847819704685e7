"""The switch `--modssl`: what happens with it, without it, and with it where no server can be had."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

NEEDS_SERVER = """
    def test_server(modssl_server):
        assert modssl_server.get("https://www.example.test/").status_code == 200

    def test_nothing():
        pass
"""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTEST_MODSSL", "PYTEST_MODSSL_TARGET", "PYTEST_MODSSL_START_TIMEOUT", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)


def test_without_the_switch_tests_that_need_a_server_are_skipped_with_one_reason(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NEEDS_SERVER)
    result = pytester.runpytest_subprocess("-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED * needs a real httpd: run pytest with --modssl"])


@pytest.mark.parametrize("how", ["option", "environment", "ini"])
def test_the_switch_is_an_option_a_variable_and_an_ini_key(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    pytester.makepyfile(NEEDS_SERVER)
    if how == "environment":
        monkeypatch.setenv("PYTEST_MODSSL", "1")
    if how == "ini":
        pytester.makeini("[pytest]\nmodssl = true\n")
    result = pytester.runpytest_subprocess(*(["--modssl"] if how == "option" else []))
    result.assert_outcomes(passed=2)
    source = {"option": "--modssl", "environment": "PYTEST_MODSSL=1", "ini": "ini modssl"}[how]
    result.stdout.fnmatch_lines([f"modssl: *enabled by {source}*"])


def test_the_header_tells_the_httpd_and_where_a_setting_came_from(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    monkeypatch.setenv("PYTEST_MODSSL_START_TIMEOUT", "7.5")
    result = pytester.runpytest_subprocess("--modssl", "--modssl-target", "local")
    result.stdout.fnmatch_lines(
        [
            "modssl: httpd2.4.*-openssl* (local /*",
            "modssl: enabled by --modssl, target local (--modssl-target), start-timeout 7.5 (PYTEST_*=7.5)",
        ]
    )


def test_the_option_wins_over_the_variable_and_the_variable_over_ini(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    pytester.makeini("[pytest]\nmodssl = true\nmodssl_start_timeout = 3\n")
    result = pytester.runpytest_subprocess()
    result.stdout.fnmatch_lines(["*start-timeout 3 (ini modssl_start_timeout)"])
    monkeypatch.setenv("PYTEST_MODSSL_START_TIMEOUT", "4")
    pytester.runpytest_subprocess().stdout.fnmatch_lines(["*start-timeout 4 (PYTEST_MODSSL_START_TIMEOUT=4)"])
    result = pytester.runpytest_subprocess("--modssl-start-timeout=5")
    result.stdout.fnmatch_lines(["*start-timeout 5 (--modssl-start-timeout)"])


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (
            "--modssl-target=remote",
            "*'remote' is none of auto, local, local:/path/to/httpd, docker, docker:IMAGE, debian:SUITE*",
        ),
        (
            "--modssl-target=local:",
            "*'local:' is none of auto, local, local:/path/to/httpd, docker, docker:IMAGE, debian:SUITE*",
        ),
        ("--modssl-start-timeout=soon", "*cannot take 'soon': a number of seconds between 0 and 3600"),
    ],
)
def test_a_wrong_value_is_a_usage_error_with_the_valid_values(
    pytester: pytest.Pytester, option: str, told: str
) -> None:
    result = pytester.runpytest_subprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_a_missing_server_is_an_error_that_says_what_to_install(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(NEEDS_SERVER)
    result = pytester.runpytest_subprocess("--modssl", "--modssl-target=local:/nowhere/httpd")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*'/nowhere/httpd' was named as httpd, but is no program*apt-get install apache2-bin*"]
    )


def test_a_program_that_is_no_httpd_is_an_error(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--modssl", "--modssl-target=local:/bin/true")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*does not answer*as an httpd does*"])


def test_idle_the_plugin_imports_nothing_heavy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            heavy = {"requests", "urllib3", "docker", "OpenSSL", "cryptography", "psutil", "filelock", "jinja2"}
            assert not heavy.intersection(sys.modules)
            assert "pytest_modssl.plugin" in sys.modules
        """
    )
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1)


def test_python_itself_loads_our_modules_and_pytest_does_not_warn_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            ours = {name: module for name, module in sys.modules.items() if name.startswith("pytest_modssl.")}
            rewritten = {name for name, module in ours.items() if "Rewriting" in type(module.__loader__).__name__}
            assert rewritten == {"pytest_modssl.plugin", "pytest_modssl._unrewritten"}
            assert len(ours) > 10
        """
    )
    # The second run finds them loaded.
    program = (
        "import sys, pytest; sys.exit(pytest.main(['-Werror', '-pno:xdist']) or pytest.main(['-Werror', '-pno:xdist']))"
    )
    result = pytester.run(sys.executable, "-c", program)
    assert result.ret == 0
    assert result.stdout.str().count("1 passed") == 2
    assert "warning" not in result.stdout.str()


def test_a_controller_loads_nothing_that_only_servers_need(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys

        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_sessionfinish(session):
            if not hasattr(session.config, "workerinput"):
                heavy = {"requests", "urllib3", "OpenSSL", "cryptography", "pytest_modssl.targets.server"}
                print("loaded:", sorted(heavy.intersection(sys.modules)), flush=True)
        """
    )
    pytester.makepyfile(NEEDS_SERVER)
    result = pytester.runpytest_subprocess("-n", "1", "-s", "--modssl", "--modssl-target=local")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*loaded: []*"])


def test_tests_alone_load_neither_the_catalogue_nor_what_repositories_need(pytester: pytest.Pytester) -> None:
    tests = pytester.mkdir("site")
    tests.joinpath("README.md").write_text("No configuration here.")
    tests.joinpath("test_site.py").write_text(
        """
import sys

def test_modules(modssl_server):
    assert modssl_server.get("https://www.example.test/").status_code == 200
    assert not [one for one in sys.modules if one.startswith("pytest_modssl.faq.protocol")]
    assert "pytest_modssl.repo.repositories" not in sys.modules
"""
    )
    options = ("--modssl", "--modssl-target=local", "-p", "no:xdist")
    pytester.runpytest_subprocess(*options, "site").assert_outcomes(passed=1)
    tests.joinpath("shop.conf").write_text("<VirtualHost *:80>\n</VirtualHost>\n")
    pytester.runpytest_subprocess(*options, "--modssl-checks=syntax", "site").assert_outcomes(failed=1, passed=1)


def test_every_fixture_and_option_has_a_text_for_the_user(pytester: pytest.Pytester) -> None:
    fixtures = pytester.runpytest_subprocess("--fixtures").stdout.str()
    for name in ("modssl_ca", "modssl_config", "modssl_server", "modssl_server_factory", "modssl_target"):
        assert name in fixtures
    assert "no docstring" not in fixtures.partition("modssl_ca")[2].partition("fixtures defined from")[0]
    text = pytester.runpytest_subprocess("--help").stdout.str()
    for name in ("--modssl-target=TARGET", "--modssl-start-timeout=SECONDS", "modssl_start_timeout (string)"):
        assert name in text


def test_public_names_are_those_that_type_checkers_see() -> None:
    import ast

    import pytest_modssl

    tree = ast.parse(Path(pytest_modssl.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in ast.walk(block) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(pytest_modssl.__all__) - {"__version__"}
    for name in pytest_modssl.__all__:
        assert getattr(pytest_modssl, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = pytest_modssl.nonsense  # type: ignore[attr-defined]
    assert sys.modules["pytest_modssl"] is pytest_modssl
