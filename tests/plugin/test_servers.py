"""Servers as tests get them: shared, fresh, extended by a marker, held by fixtures, and watched in their logs."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.httpd.installation import find_httpd, probe_installation

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation
    from tests.plugin.inner import RunPytest


CONFTEST = """
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost

    @pytest.fixture(scope="session")
    def modssl_config(modssl_ca):
        return ServerConfig(
            VirtualHost(
                "www.example.test",
                tls=modssl_ca.issue("www.example.test"),
                directives='''
                    <Location /denied>
                        Require all denied
                    </Location>
                ''',
            ),
        )
"""
DENIED = 'modssl_server.get("https://www.example.test/denied").status_code == 403'


@pytest.fixture
def run(run: RunPytest, pytester: pytest.Pytester) -> RunPytest:
    """The same with a configuration for all tests."""
    pytester.makeconftest(CONFTEST)
    return run


def test_tests_with_one_configuration_share_one_server(run: RunPytest) -> None:
    run(
        """
        import pytest
        folders = set()

        @pytest.mark.parametrize("n", range(5))
        def test_share(modssl_server, n):
            folders.add(modssl_server.instance.folder)
            assert len(folders) == 1
        """
    ).assert_outcomes(passed=5)


def test_directives_that_would_hide_errors_do_not(run: RunPytest) -> None:
    hides = ["ErrorLog ${MODSSL_RUN}/own", "errorlog syslog", "ErrorLog logs/own", "LogLevel warn authz_core:crit"]
    marked = [
        f"""
        @pytest.mark.modssl("{one}", host={host!r})
        def test_hidden_{number}_{"host" if host else "server"}(modssl_server):
            assert {DENIED}
        """
        for number, one in enumerate(hides)
        for host in (None, "www.example.test")
    ]
    result = run("\n        import pytest\n" + "".join(marked))
    result.assert_outcomes(failed=len(marked))
    told = [line for line in result.outlines if "AH01630: client denied by server configuration" in line]
    assert len(told) >= len(marked)


def test_a_marker_adds_directives_for_one_test_and_fresh_gives_a_server_of_its_own(run: RunPytest) -> None:
    run(
        """
        import pytest
        folders = []

        def header(server):
            folders.append(server.instance.folder)
            return server.get("https://www.example.test/").headers.get("X-Added")

        def test_before(modssl_server):
            assert header(modssl_server) is None

        @pytest.mark.modssl("Header always set X-Added server")
        def test_server(modssl_server):
            assert header(modssl_server) == "server"

        @pytest.mark.modssl("Header always set X-Added host", host="www.example.test")
        @pytest.mark.modssl("Header always set X-Added server")
        def test_host(modssl_server):
            assert header(modssl_server) == "host"

        @pytest.mark.modssl(fresh=True)
        def test_fresh(modssl_server):
            assert header(modssl_server) is None

        def test_after(modssl_server):
            assert header(modssl_server) is None
            assert folders[3] not in folders[:3] + folders[4:]
            assert len(set(folders[:4])) == 4
        """
    ).assert_outcomes(passed=5)


@pytest.mark.any_target
@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("nonsense=1", "*test_it: @pytest.mark.modssl: *unexpected keyword argument 'nonsense'*errors*"),
        ("errors='AH01630'", "*errors is a list of texts or compiled patterns, not 'AH01630'*"),
        ("42", "*directives is text or a Path, not 42*"),
    ],
)
def test_wrong_marker_arguments_are_a_usage_error(run: RunPytest, marker: str, told: str) -> None:
    result = run(f"import pytest\n@pytest.mark.modssl({marker})\ndef test_it(): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


def test_an_error_in_the_log_fails_the_test_that_brought_it_about_and_no_other(run: RunPytest) -> None:
    result = run(
        f"""
        import pytest

        def test_before(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 200

        def test_unexpected(modssl_server):
            assert {DENIED}

        def test_after(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 200

        @pytest.mark.modssl(errors=["AH01630"])
        def test_expected(modssl_server):
            assert {DENIED}

        def test_expected_here(modssl_server):
            with modssl_server.log.expecting("client denied by server configuration"):
                assert {DENIED}
        """
    )
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(
        ["E*UnexpectedLogError: the server logged what this test did not expect:*", "E*AH01630*"]
    )


def test_errors_of_a_setup_are_the_tests_also_on_a_connection_that_a_teardown_left_open(run: RunPytest) -> None:
    result = run(
        f"""
        import pytest

        @pytest.fixture
        def late(modssl_server):
            yield
            assert modssl_server.get("https://www.example.test/").status_code == 200

        @pytest.fixture(scope="module")
        def wide(modssl_server_factory, modssl_config):
            modssl_server = modssl_server_factory(modssl_config)
            assert {DENIED}

        def test_before(late):
            pass

        def test_blamed(wide):
            pass

        def test_after(wide):
            pass
        """,
        "-p",
        "no:randomly",
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*_ test_blamed _*", "E*UnexpectedLogError*"])


def test_a_server_that_a_test_asks_for_itself_is_watched_too(run: RunPytest) -> None:
    result = run(
        """
        def test_it(modssl_server_factory, modssl_config):
            server = modssl_server_factory(modssl_config)
            assert server.get("https://www.example.test/denied").status_code == 403
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*UnexpectedLogError*", "E*AH01630*"])


def test_a_fixture_that_fails_on_a_server_shows_what_the_server_said(run: RunPytest) -> None:
    result = run(
        f"""
        import pytest

        @pytest.fixture
        def page(modssl_server):
            assert not {DENIED}

        def test_it(page):
            pass
        """
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*modssl: error log of httpd*", "*AH01630: client denied*"])


@pytest.mark.any_target
def test_an_expected_error_that_does_not_come_fails_the_test(run: RunPytest) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.modssl(errors=["AH02032"])
        def test_it(modssl_server):
            modssl_server.get("https://www.example.test/")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*the test expects 'AH02032' in the error log, but the server did not log it"])


def test_lines_that_are_logged_late_belong_to_the_test_that_brought_them_about(run: RunPytest) -> None:
    run(
        """
        import socket
        import pytest

        @pytest.mark.parametrize("n", range(30))
        @pytest.mark.modssl(errors=["AH01996"])
        def test_noise(modssl_server, n):
            # Plain HTTP on the TLS port is logged after the answer was sent; the test ends at once.
            with socket.create_connection(modssl_server.address(443)) as raw:
                raw.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")

        @pytest.mark.parametrize("n", range(2))
        def test_quiet(modssl_server, n):
            assert modssl_server.get("https://www.example.test/").status_code == 200
            assert "AH01996" not in [record.ah for record in modssl_server.log.records]
        """.replace('errors=["AH01996"]', "")
    ).assert_outcomes(passed=32)


def test_errors_about_a_client_that_a_header_names_are_told_in_every_test(run: RunPytest) -> None:
    run(
        """
        import pytest
        from pytest_modssl import ServerConfig, VirtualHost

        pytestmark = pytest.mark.modssl(errors=["AH01630"])

        @pytest.fixture(scope="module")
        def modssl_config():
            return ServerConfig(VirtualHost("www.example.test", directives='''
                RemoteIPHeader X-Forwarded-For
                RemoteIPInternalProxy 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16
                <Location /staff>
                    Require ip 198.51.100.0/24
                </Location>
            '''))

        @pytest.mark.parametrize("n", range(4))
        def test_denied(modssl_server, n):
            answer = modssl_server.get("http://www.example.test/staff", headers={"X-Forwarded-For": "203.0.113.7"})
            assert answer.status_code == 403
            assert modssl_server.log.wait_for("AH01630").client == "203.0.113.7:0"
        """
    ).assert_outcomes(passed=4)


def test_a_failing_test_shows_the_log_what_was_seen_the_commands_and_the_configuration(
    run: RunPytest, pytester: pytest.Pytester
) -> None:
    result = run(
        f"""
        import pytest

        def test_it(modssl_server):
            assert not {DENIED}
        """,
        "--junitxml=junit.xml",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*modssl: error log of httpd*",
            "*AH01630: client denied by server configuration*",
            "*modssl: seen from outside*",
            "GET https://www.example.test/denied",
            "  403 Forbidden",
            "*modssl: to repeat by hand*",
            "curl *--connect-to*https://www.example.test/denied*",
            "*modssl: configuration of httpd*",
            "*Require all denied",
        ]
    )
    failure = ET.parse(pytester.path / "junit.xml").getroot().find(".//failure")
    assert failure is not None
    text = f"{failure.get('message')}{failure.text}"
    if hasattr(BaseException, "add_note"):
        assert "AH01630: client denied by server configuration" in text
    assert "PRIVATE KEY" not in result.stdout.str() + text


def test_a_server_lives_as_long_as_the_fixture_that_asked_for_it(run: RunPytest) -> None:
    run(
        """
        import pytest
        from pytest_modssl import ServerConfig, VirtualHost

        @pytest.fixture(scope="module")
        def held(modssl_server_factory):
            return modssl_server_factory(ServerConfig(VirtualHost("held.test")))

        def test_first(held):
            assert held.get("http://held.test/").status_code == 200

        @pytest.mark.parametrize("n", range(20))
        def test_others(modssl_server_factory, n):
            server = modssl_server_factory(ServerConfig(VirtualHost(f"h{n}.test")))
            assert server.get(f"http://h{n}.test/").status_code == 200

        def test_last(held, modssl_server_factory):
            assert held.exit_status is None
            assert held.get("http://held.test/").status_code == 200
        """
    ).assert_outcomes(passed=22)


def test_a_configuration_that_does_not_start_is_an_error_at_its_line(run: RunPytest) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.modssl("SSLProtocol Nonsense")
        def test_it(modssl_server):
            pass
        """
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*diagnosis: mod_ssl knows no protocol Nonsense (protocol-unknown)",
            "      at *.py:3: SSLProtocol Nonsense",
            "*modssl: configuration that httpd refused*",
            "*SSLProtocol Nonsense",
        ]
    )


def test_a_child_that_crashes_fails_the_test_by_its_signal(run: RunPytest) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.modssl("ThreadStackSize 20480")
        def test_it(modssl_server):
            modssl_server.handshake("www.example.test")
            modssl_server.log.wait_for("exit signal")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*AH00052: child pid * exit signal Segmentation fault (11)"])


def test_a_server_that_ends_during_a_test_fails_it_and_the_next_gets_another(run: RunPytest) -> None:
    result = run(
        """
        import signal

        def test_killed(modssl_server):
            modssl_server.get("https://www.example.test/")
            if hasattr(modssl_server.instance, "process"):
                modssl_server.instance.process.kill()
            else:
                pid_file = f"/modssl/{modssl_server.instance.folder.name}/logs/httpd.pid"
                modssl_server.instance._container.run(["/bin/sh", "-c", f"kill -KILL $(cat {pid_file})"], {})

        def test_next(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 200
        """
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E*ServerGoneError: httpd was ended by signal 9 (SIGKILL) while a test was using it"])


@pytest.mark.any_target
def test_a_name_that_no_host_serves_is_an_error_with_the_names_there_are(run: RunPytest) -> None:
    result = run(
        """
        def test_it(modssl_server):
            modssl_server.get("https://other.example.test/")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E*UnknownHostError: no virtual host serves https://other.example.test:443; there are: www.example.test:443*"]
    )


FAKE = """#!/bin/sh
case "$*" in *-V*) exec {binary} "$@" | sed "s/Apache\\/2[.0-9]*/Apache\\/2.4.1/" ;; esac
exec {binary} "$@"
"""


@pytest.fixture
def here() -> Installation:
    """The httpd of this machine, whatever the target of the session is."""
    return probe_installation(find_httpd())


def test_several_targets_run_every_test_once_on_each(
    run: RunPytest, pytester: pytest.Pytester, here: Installation
) -> None:
    modules = here.modules_folder
    assert modules is not None
    (pytester.path / "modules").symlink_to(modules)
    fake = pytester.mkdir("bin") / "fake-older-httpd"
    fake.write_text(FAKE.format(binary=here.binary))
    fake.chmod(0o755)
    source = """
        def test_server(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 200

        def test_nothing():
            pass
    """
    result = run(source, "--modssl-target=local", f"--modssl-target=local:{fake}", "-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines([f"*::test_server?{here.id}? PASSED*", "*::test_server?httpd2.4.1-* PASSED*"])


def test_the_same_httpd_named_twice_is_an_error(run: RunPytest, here: Installation) -> None:
    result = run("def test_nothing(): pass", "--modssl-target=local", f"--modssl-target=local:{here.binary}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is the same httpd as another target of this run*"])


@pytest.mark.parametrize("setting", ["home", "umask", "spaces"])
def test_an_odd_environment_changes_nothing(
    run: RunPytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    if setting == "home":
        monkeypatch.delenv("HOME")
    before = os.umask(0o077) if setting == "umask" else None
    if setting == "spaces":
        folder = pytester.mkdir("a b")
        monkeypatch.chdir(folder)
        pytester._path = folder
        pytester.makeconftest(CONFTEST)
    try:
        run(
            """
            from pytest_modssl import ServerConfig, VirtualHost

            def test_it(modssl_server, modssl_server_factory, modssl_ca):
                assert modssl_server.get("https://www.example.test/").status_code == 200
                leaf = modssl_ca.issue("b.test", key_type="rsa-2048")
                other = modssl_server_factory(ServerConfig(VirtualHost("b.test", tls=leaf)))
                assert other.get("https://b.test/").status_code == 200
            """
        ).assert_outcomes(passed=1)
    finally:
        if before is not None:
            os.umask(before)


def test_servers_end_with_the_run_also_where_another_plugin_fails_at_its_end(
    pytester: pytest.Pytester, base: Path
) -> None:
    pytester.makeconftest("def pytest_sessionfinish():\n    raise RuntimeError('odd')\n")
    pytester.makepyfile("def test_it(modssl_server):\n    modssl_server.get('https://www.example.test/')\n")
    result = pytester.runpytest_subprocess("--modssl")
    assert "RuntimeError: odd" in str(result.stderr) + str(result.stdout)
    assert [one.name for one in base.iterdir()] == ["registry.lock"]


def test_a_setup_that_fails_in_a_hook_of_the_users_has_nothing_of_the_test_before(run: RunPytest) -> None:
    result = run(
        """
        import pytest

        class Setup:
            @pytest.hookimpl(tryfirst=True)
            def pytest_runtest_setup(self, item):
                assert item.name != "test_refused"

        @pytest.fixture(scope="session", autouse=True)
        def hooked(request):
            request.config.pluginmanager.register(Setup())

        @pytest.mark.modssl(errors=["AH01630"])
        def test_before(modssl_server):
            assert modssl_server.get("https://www.example.test/denied").status_code == 403

        def test_refused(modssl_server):
            pass
        """
    )
    result.assert_outcomes(passed=1, errors=1)
    assert "AH01630" not in result.stdout.str()


def test_errors_that_a_marker_expects_are_no_evidence(run: RunPytest) -> None:
    result = run(
        """
        import pytest

        URL = "https://www.example.test/"
        pytestmark = pytest.mark.modssl(errors=["AH01630"], fresh=True)

        def test_assertion(modssl_server):
            assert modssl_server.get(f"{URL}denied").status_code == 403
            assert modssl_server.get(f"{URL}nothing").status_code == 403

        @pytest.fixture
        def fails(modssl_server):
            assert modssl_server.get(f"{URL}denied").status_code == 403
            assert modssl_server.get(f"{URL}nothing").status_code == 403

        def test_setup(fails):
            pass
        """
    )
    result.assert_outcomes(failed=1, errors=1)
    assert "AH01630" in result.stdout.str()
    assert "seen: AH01630" not in result.stdout.str()


LOGIN = """
    import unittest
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost

    URL = "http://www.example.test"

    @pytest.fixture(scope="module")
    def modssl_config():
        return ServerConfig(VirtualHost("www.example.test", directives='''
            Header always set Set-Cookie "login=yes; path=/" "expr=%{REQUEST_URI} == '/login'"
            RewriteEngine on
            RewriteCond %{HTTP_COOKIE} !login=yes
            RewriteRule ^/members - [R=404,L]
            RewriteRule ^/members /index.html [L]
        '''))
"""


@pytest.mark.parametrize(
    "test",
    [
        """
    class TestParts(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def served(self, modssl_server):
            self.server = modssl_server

        def test_parts(self):
            self.server.get(f"{URL}/login")
            for path in ("/first", "/members", "/second", "/members"):
                with self.subTest(path):
                    assert self.server.get(URL + path).status_code == 200
        """,
        """
    def test_parts(modssl_server, subtests):
        modssl_server.get(f"{URL}/login")
        for path in ("/first", "/members", "/second", "/members"):
            with subtests.test(path):
                assert modssl_server.get(URL + path).status_code == 200
        """,
    ],
    ids=["unittest", "pytest"],
)
def test_a_subtest_that_fails_leaves_the_others_their_session_and_tells_its_own_part(run: RunPytest, test: str) -> None:
    if not hasattr(pytest, "Subtests"):
        pytest.importorskip("pytest_subtests")
    result = run(LOGIN + test)
    told = result.stdout.str()
    failed = [part for part in told.partition("short test summary")[0].split("\n____")[1:] if "_parts " in part]
    assert len([part for part in failed if "assert 404 == 200" in part]) == 2
    for part in failed:
        assert part.count("modssl: configuration of") <= 1


def test_a_failure_without_traceback_has_its_diagnosis_in_a_section(run: RunPytest) -> None:
    result = run(
        f"""
        import pytest

        @pytest.mark.parametrize("pytrace", [True, False])
        def test_it(modssl_server, pytrace):
            if {DENIED}:
                pytest.fail("status 403 where 200 was wanted", pytrace=pytrace)
        """
    )
    failures = result.stdout.str().partition("short test summary info")[0]  # which has it again where CI is set
    for part in failures.split("\n____")[1:]:
        assert part.count("diagnosis: ") == 1


def test_a_capture_that_a_fixture_holds_tells_each_test_of_its_own_connections(run: RunPytest) -> None:
    run(
        """
        import pytest

        @pytest.fixture(scope="module")
        def kept(modssl_server_factory, modssl_config):
            server = modssl_server_factory(modssl_config)
            with server.capture() as kept:
                yield server, kept

        @pytest.mark.parametrize("n", range(3))
        def test_it(kept, n):
            server, capture = kept
            assert server.handshake("www.example.test").ok
            assert len(server.captured) == 1
            assert len(capture.streams) == n + 1
        """
    ).assert_outcomes(passed=3)


def test_a_marker_for_another_configuration_that_no_server_has_fails_its_test(run: RunPytest) -> None:
    result = run(
        """
        import pytest

        @pytest.fixture
        def mine(modssl_server_factory, modssl_config):
            return modssl_server_factory(modssl_config)

        @pytest.mark.modssl(directives="ThisIsNoDirective on")
        def test_factory(mine): pass

        @pytest.mark.modssl("ThisIsNoDirective on", fresh=True)
        def test_nothing(): pass

        @pytest.mark.modssl(fresh=True)
        def test_dynamic(request):
            assert request.getfixturevalue("modssl_server")

        @pytest.mark.modssl(errors=[])
        def test_errors(mine): pass

        @pytest.mark.modssl(fresh=True)
        class TestSome:
            def test_server(self, modssl_server): pass
            def test_none(self): pass
        """,
    )
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*@pytest.mark.modssl(directives) had no effect: this test did not use modssl_server*",
            "*@pytest.mark.modssl(directives, fresh) had no effect*",
        ]
    )
