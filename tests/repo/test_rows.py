"""Rows of tables against a real server: what passes, what is told of what does not, and what pytest makes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ModsslAssertionError, ServerConfig, VirtualHost
from pytest_modssl.errors import TableError
from pytest_modssl.httpd.render import ERROR_LOG
from pytest_modssl.repo.rows import Checker
from pytest_modssl.repo.tables import read_table
from tests.repo.test_tables import documented

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_modssl import CA, Server
    from pytest_modssl.fixtures import ServerFactory

_HOST = "https://www.example.test"
_RULES = r"""
RewriteEngine on
RewriteCond %{QUERY_STRING} ^never$
RewriteRule ^/old/(.*)$ /wrong/$1 [R=301,L]
RewriteRule ^/old/three$ /new/three [R=302,L]
RewriteRule ^/old/(.*)$ https://www.example.test/new/$1 [R=301,L]
Redirect 301 /round https://www.example.test/round
Redirect 302 /two-steps https://www.example.test/old/one
Redirect gone /gone
"""


@pytest.fixture(scope="module")
def config(modssl_ca: CA) -> ServerConfig:
    # KeepAliveTimeout: whether connections are kept does not depend on how slow the machine is.
    return ServerConfig(
        VirtualHost(
            "www.example.test",
            tls=modssl_ca.issue("www.example.test"),
            directives=_RULES.replace("Redirect gone", "Redirect 404") + "Redirect 301 /old/with,comma /new/with,comma",
            files={"new/one": "all is new\n", "utf8.html": "ä\n"},
        ),
        VirtualHost("www.example.test", directives='Redirect permanent "/" "https://www.example.test/"'),
        VirtualHost("other.example.test", tls=modssl_ca.issue("mistaken.example.test")),
        directives="KeepAliveTimeout 60\nMaxKeepAliveRequests 0",
    )


@pytest.fixture(scope="module")
def checker(modssl_server_factory: ServerFactory, config: ServerConfig) -> Iterator[Checker]:
    def launch(directives: str) -> Server:
        return modssl_server_factory(config.extended(directives) if directives else config)

    launch("")  # held by the module, not by its first test
    launch("LogLevel rewrite:trace5")
    checker = Checker(launch)
    yield checker
    checker.close()


@pytest.fixture
def check(checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)

    def check(text: str, name: str = "a.urls.csv") -> None:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        for row in read_table(path):
            checker.check(row)

    return check


@pytest.mark.parametrize("name", ["csv", "yaml"])
def test_the_documented_tables_pass(check: Callable[..., None], name: str) -> None:
    check(documented(name), f"a.urls.{name}")


@pytest.mark.parametrize(
    "row",
    [
        f"{_HOST}/old/one,301,/new/one",
        f"{_HOST}/old/one,,{_HOST}:443/new/one",
        f"{_HOST}/two-steps,,/new/one,yes",
        "http://www.example.test/two-steps,200,https://www.example.test/new/one,yes",
    ],
)
def test_what_is_as_expected_passes(check: Callable[..., None], row: str) -> None:
    check(row)


@pytest.mark.parametrize(
    ("row", "mismatches"),
    [
        (f"{_HOST}/old/one,302,/new/two", ["status: expected 302, seen 301 Moved Permanently", "new/two, seen https"]),
        (f"{_HOST}/old/one,,http://www.example.test/new/one", ["Location: expected http://www.example.test/new/one"]),
        (f"{_HOST}/new/one,,/x", ["status: expected a redirect, seen 200 OK", "Location: expected", "seen nothing"]),
        (f"{_HOST}/old/one", ["status: expected 200, seen 301"]),
        (f"{_HOST}/two-steps,404,/new/two,yes", ["status: expected 404, seen 200", "URL at the end: expected"]),
        (f"{_HOST}/round,,,yes", ["end of the chain: expected an answer, seen a redirect loop"]),
    ],
)
def test_every_mismatch_of_a_row_is_told_at_its_line(
    check: Callable[..., None], row: str, mismatches: list[str]
) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        check(f"# a comment\n{row}\n")
    message = str(caught.value)
    assert message.startswith("a.urls.csv:2: GET https://www.example.test/")
    assert [one for one in mismatches if one not in message] == []
    assert "mod_rewrite's trace of GET https://www.example.test/" in message


_CASES = """
https://www.example.test:
- path: /new/one
  assert_status: 200
  assert_headers: {Content-Length: 12, Server: nginx}
  assert_headers_regex: {Content-Type: ^image, X-None: .}
  assert_headers_absent: [Date, X-None]
  assert_body_contains: [new, old]
  assert_body_regex: ["^all", "^is"]
"""


def test_fields_and_body_are_held_against_every_assertion(check: Callable[..., None]) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        check(_CASES, "a.yaml")
    found = [(one.what, one.expected) for one in caught.value.mismatches]
    assert found == [
        ("Content-Length", "'12'"),
        ("Server", "'nginx'"),
        ("Content-Type", "a match of '^image'"),
        ("X-None", "a match of '.'"),
        ("Date", "none"),
        ("body", "one with 'old'"),
        ("body", "a match of '^is'"),
    ]


def test_a_name_that_no_virtual_host_has_is_asked_of_nobody(check: Callable[..., None]) -> None:
    with pytest.raises(TableError, match=r"a\.urls\.csv:1: no virtual host has the name www2.*nearest to it: www"):
        check("https://www2.example.test/,200\n")


def test_a_certificate_for_another_name_is_diagnosed(check: Callable[..., None]) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        check("https://other.example.test/,200\n")
    assert "answer: expected one, seen none: SSLCertVerificationError" in str(caught.value)
    assert caught.value.diagnoses


def test_rows_keep_their_connection_and_open_another_when_the_server_has_closed_it(
    checker: Checker, check: Callable[..., None]
) -> None:
    server = checker._launch("")
    check(f"{_HOST}/old/one,301\n")
    server.begin_test()
    check(f"{_HOST}/old/one,301\n" * 20)
    assert not server.used, "a connection was opened"

    assert checker._connections is not None
    (kept,) = [one for where, one in checker._connections._open.items() if where == ("https", "www.example.test")]
    kept.sock.shutdown(2)
    check(f"{_HOST}/old/one,301\n")
    assert server.used


def test_a_line_about_what_a_row_refused_may_come_during_the_next_row(
    checker: Checker, check: Callable[..., None]
) -> None:
    server = checker._launch("")
    check(f"{_HOST}/gone,404\n")
    server.begin_test()
    check(f"{_HOST}/old/one,301\n")
    log = server.instance.folder / ERROR_LOG
    with log.open("a", encoding="utf-8") as late:
        late.write("[Thu Nov 26 04:05:32.554436 2026] [core:error] [pid 1:tid 1] [client 127.0.0.1:1] AH00000: late\n")
    assert any("late" in one.raw for one in server.log.records)
    assert server.log.unexpected() == ()


_MAIN = """
Listen 443
SSLSessionCache none
<VirtualHost *:443>
    ServerName www.example.test
    SSLEngine on
    SSLCertificateFile /etc/ssl/www.pem
    SSLCertificateKeyFile /etc/ssl/www.key
    RewriteEngine on
    RewriteRule ^/old/(.*)$ https://www.example.test/new/$1 [R=301,L]
</VirtualHost>
"""
_TABLE = f"""from,status,to
{_HOST}/old/1,301,/new/1
{_HOST}/old/1,301,/new/1
{_HOST}/old/2,302,/new/x
https://nobody.example.test/
"""


def test_rows_are_items_at_their_lines(
    pytester: pytest.Pytester, local_target: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.path.joinpath("httpd.conf").write_text(_MAIN)
    pytester.path.joinpath("moved.urls.csv").write_text(_TABLE)
    pytester.path.joinpath("bad.urls.csv").write_text("from\n")
    args = ("--modssl", "--modssl-target=local", "-p", "no:randomly", "-p", "no:cacheprovider", "--junitxml=j.xml")

    run = pytester.runpytest_subprocess(*args, "-v", "--modssl-checks=syntax", "--continue-on-collection-errors")

    run.assert_outcomes(passed=3, failed=2, errors=1)
    run.stdout.fnmatch_lines(
        [
            f"moved.urls.csv::{_HOST}/old/1 -> 301 PASSED*",
            f"moved.urls.csv::{_HOST}/old/1 -> 301 (line 3) PASSED*",
            f"moved.urls.csv::{_HOST}/old/2 -> 302 FAILED*",
            "*bad.urls.csv has no row*",
            f"*_ moved.urls.csv:4: {_HOST}/old/2 -> 302 _*",
            f"moved.urls.csv:4: GET {_HOST}/old/2: 2 mismatches",
            "*httpd.conf:10: RewriteRule ^/old/*",
            "moved.urls.csv:5: no virtual host has the name nobody.example.test at port 443*",
        ]
    )
    output = run.stdout.str()
    assert "Traceback" not in output
    assert "rows.py" not in output
    assert len(re.findall("<testcase", pytester.path.joinpath("j.xml").read_text())) == 6
