"""What a user reads when a test fails: the decisive lines, and commands that repeat what was done."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.inner import RunPytest

# The design's own example of what users write.
EXAMPLE = '''
import pytest
from pytest_modssl import ServerConfig, VirtualHost, assert_handshake, assert_ssl_env, assert_switches_to_https

@pytest.fixture(scope="module")
def modssl_config(modssl_ca):
    return ServerConfig(
        VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), directives="SSLOptions +StdEnvVars"),
        VirtualHost("www.example.test", directives=r"""
            RewriteEngine on
            RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
        """),
    )

def test_protocol(modssl_server):
    assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.3")

def test_environment(modssl_server):
    assert_ssl_env(modssl_server, "https://www.example.test/", SSL_PROTOCOL="TLSv1.3", SSL_CLIENT_VERIFY="NONE")

def test_links(modssl_server):
    assert_switches_to_https(modssl_server, "http://www.example.test/document.html_SSL")
'''


def test_a_link_that_switches_need_not_lead_to_a_page_that_is_there(run: RunPytest) -> None:
    run(EXAMPLE).assert_outcomes(passed=3)


def test_the_message_leaves_out_how_the_server_was_started(run: RunPytest) -> None:
    result = run(
        """
        from pytest_modssl import assert_handshake

        def test_it(modssl_server):
            assert_handshake(modssl_server, "www.example.test", cipher_suite="none")
        """,
        "--show-capture=no",
    )
    result.stdout.fnmatch_lines(["*the server's log of this test (* more not shown):", "*AH02041: Protocol*"])
    result.stdout.no_fnmatch_line("*AH01914: Configuring server*")
    result.stdout.no_fnmatch_line("*AH00094: Command line*")


def test_a_page_that_shows_no_variables_is_told_once(run: RunPytest) -> None:
    result = run(
        """
        from pytest_modssl import ServerConfig, VirtualHost, assert_ssl_env

        def test_it(modssl_server_factory, modssl_ca):
            files = {"rubbish.cgi": "#!/bin/sh\\necho rubbish\\n"}
            host = VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test"), files=files)
            server = modssl_server_factory(ServerConfig(host))
            assert_ssl_env(server, "https://www.example.test/rubbish.cgi", SSL_PROTOCOL="TLSv1.3")
        """
    )
    result.stdout.fnmatch_lines(["*page: expected the variables, seen no SSL variables*", "*Bad header: rubbish*"])
    result.stdout.no_fnmatch_line("*During handling of the above exception*")


def test_every_look_at_the_server_can_be_repeated_while_it_runs(run: RunPytest, pytester: pytest.Pytester) -> None:
    """The inner run waits for the file that says that all of its commands have been tried."""
    result = run(
        """
        import shlex, subprocess
        import pytest
        from pytest_modssl import ServerConfig, VirtualHost

        @pytest.fixture(scope="session")
        def modssl_config(modssl_ca):
            directives = "SSLVerifyClient require\\nSSLCACertificateFile ${MODSSL_PKI}/ca.pem"
            leaf = modssl_ca.issue("www.example.test")
            host = VirtualHost("www.example.test", tls=leaf, directives=directives)
            return ServerConfig(host, pki={"ca.pem": modssl_ca.cert_pem})

        def test_it(modssl_server, modssl_ca):
            ada = modssl_ca.issue_client("Ada")
            assert modssl_server.handshake("www.example.test", protocol="TLSv1.2", client=ada).ok
            assert modssl_server.session(client=ada).get("https://www.example.test/").status_code == 200
            for command in modssl_server.commands():
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
                print(command[0], done.returncode, "200 OK" in done.stderr, "Verify return code: 0 (ok)" in done.stdout)
            assert False
        """
    )
    result.stdout.fnmatch_lines(["openssl 0 False True", "curl 0 True False"])
    result.stdout.fnmatch_lines(
        [
            "*to repeat by hand*",
            "openssl s_client *-tls1_2*-cert *</dev/null",
            "curl *--cert *https://www.example.test/",
        ]
    )


def test_a_request_that_cannot_be_made_is_told_without_the_http_libraries(run: RunPytest) -> None:
    result = run(
        """
        def test_name(modssl_server):
            modssl_server.get("https://nobody.example.test/")

        def test_trust(modssl_server):
            modssl_server.session(trust=[]).request("GET", "https://www.example.test/")
        """
    )
    result.stdout.fnmatch_lines(
        [
            ">   *modssl_server.get(*",
            "E  *no virtual host serves https://nobody.example.test*",
            ">   *modssl_server.session(*",
            "E  *this session trusts no root at all*",
        ]
    )
    assert not re.search(r"/(urllib3|requests)/", result.stdout.str())


EXPIRED = """
    import datetime
    import pytest
    from pytest_modssl import ServerConfig, VirtualHost

    @pytest.fixture(scope="module")
    def modssl_config(modssl_ca):
        past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        return ServerConfig(VirtualHost("www.example.test", tls=modssl_ca.issue("www.example.test", not_after=past)))

    def test_get(modssl_server):
        modssl_server.get("https://www.example.test/")

    def test_handshake(modssl_server):
        assert modssl_server.handshake("www.example.test").verification.ok

    def test_assertion(modssl_server):
        from pytest_modssl import assert_handshake; assert_handshake(modssl_server, "www.example.test")
"""


def test_however_a_test_fails_its_diagnosis_is_told_once_on_the_terminal_and_in_junit(
    run: RunPytest, pytester: pytest.Pytester
) -> None:
    result = run(EXPIRED, "--junitxml=report.xml")
    # On a CI system pytest's summary at the end repeats whole messages.
    report = result.stdout.str().partition("short test summary info")[0]
    junit = (pytester.path / "report.xml").read_text()
    for name in ("test_get", "test_handshake", "test_assertion"):
        told = report.partition(f"_ {name} _")[2].partition("\n____")[0]
        assert told.count("diagnosis: the certificate of CN=www.example.test expired at") == 1
        assert re.search(r"at .*test_however.*\.py:8: this call brings about SSLCertificateFile", told)
        if hasattr(BaseException, "add_note") or name == "test_assertion":
            kept = junit.partition(f'name="{name}"')[2].partition("</testcase>")[0]
            assert "diagnosis: the certificate of CN=www.example.test expired" in kept


def test_a_failure_that_is_not_the_server_s_has_no_diagnosis(run: RunPytest) -> None:
    result = run(
        """
        import pytest, requests
        from pytest_modssl import assert_handshake_fails

        def test_status(modssl_server):
            assert modssl_server.get("https://www.example.test/").status_code == 201

        def test_meant(modssl_server):
            assert_handshake_fails(modssl_server, "www.example.test", port=80, failure="not_tls")
            assert 1 == 2

        def test_caught(modssl_server):
            pytest.raises(requests.exceptions.SSLError, modssl_server.get, "https://www.example.test:80/")
            assert 1 == 3
        """
    )
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*assert 200 == 201*", "*assert 1 == 2*", "*assert 1 == 3*"])
    assert "diagnosis:" not in result.stdout.str()


def test_a_start_that_fails_in_a_fixture_is_diagnosed_before_the_log(run: RunPytest) -> None:
    result = run(
        """
        import pytest
        from pytest_modssl import ServerConfig, VirtualHost

        @pytest.fixture
        def modssl_config(modssl_ca):
            locked = modssl_ca.issue("www.example.test").with_pass_phrase("secret")
            return ServerConfig(VirtualHost("www.example.test", tls=locked))

        def test_it(modssl_server):
            pass
        """
    )
    result.stdout.fnmatch_lines(
        [
            "E *StartError: httpd * refused this configuration (exit status 1)",
            "*diagnosis: the private key of www.example.test:443 is encrypted*(startup-pass-phrase)",
            "*at *.py:7: this call brings about SSLCertificateKeyFile",
            "*seen: AH02578: *",
            "*to do: give the key without a pass phrase*",
            "*see: https://httpd.apache.org/docs/2.4/ssl/ssl_faq.html#startup*",
            "*its error log:",
        ]
    )


def test_a_failure_is_told_also_where_no_file_can_be_opened_any_more(run: RunPytest, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture
        def out_of_descriptors(monkeypatch):
            def fail(*_, **__):
                raise OSError(24, "Too many open files")
            monkeypatch.setattr("pytest_modssl.report.failure.explain", fail)
        """
    )
    result = run("def test_it(out_of_descriptors, modssl_server):\n    assert modssl_server is None\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*assert * is None", "*nothing more can be told of the servers: *Too many open*"])


ODD_ERRORS = """
    class Unsayable(Exception):
        def __str__(self):
            return f"status {self.status}"

    class Alike(Exception):
        seen = mismatches = commands = diagnoses = 5

    class Closed(Exception):
        def __setattr__(self, name, value):
            if name == "__notes__":
                raise AttributeError(name)
            super().__setattr__(name, value)


    def test_without_server():
        raise Unsayable()

    def test_with_server(modssl_server):
        modssl_server.get("https://www.example.test/")
        raise Unsayable()

    def test_alike(modssl_server):
        modssl_server.get("https://www.example.test/")
        raise Alike()

    def test_closed(modssl_server):
        assert modssl_server.handshake(port=80).ok is False
        raise Closed(3)

    def test_after(modssl_server):
        assert modssl_server.get("https://www.example.test/").status_code == 200
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_an_error_that_cannot_say_what_it_is_or_looks_like_ours_ends_no_run(
    run: RunPytest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]
) -> None:
    if workers:
        pytest.importorskip("xdist")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = run(ODD_ERRORS, "--modssl-report=r.json", "--modssl-artifacts=kept", *workers)
    result.assert_outcomes(failed=4, passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    headlines = [
        failure["headline"]
        for test in json.loads((pytester.path / "r.json").read_text())["tests"]
        for failure in test["failures"]
    ]
    unsayable = "Unsayable: <Unsayable without a text: its str() fails>"
    assert sorted(headlines) == ["Alike", "Closed: 3", unsayable, unsayable]
    (bug,) = (pytester.path / "kept").glob("*test_with_server*/bug-report.txt")
    assert unsayable in bug.read_text()
