"""Which directives have a program run, and which lead out of the copy that runs."""

from __future__ import annotations

import pytest

from pytest_modssl.httpd.dumps import DumpedDirective
from pytest_modssl.httpd.syntax import split_words
from pytest_modssl.repo.programs import escapes_in, hides, programs_in

CONTENT = {
    "/var/www/cgi/x.cgi": (b"#!/bin/sh\n", 0o755),
    "/var/www/a.html": (b'<!--#exec cmd="date" -->', 0o644),
    "/var/www/.htaccess": (b"Deny from all\nOptions +ExecCGI\n", 0o644),
}
MADE = {"/etc/made", "/usr/bin/made"}


def directives(*lines: str) -> list[DumpedDirective]:
    parted = (line.partition(" ") for line in lines)
    return [
        DumpedDirective(name=name, arguments=arguments, file="/fs/c", line=number)
        for number, (name, _, arguments) in enumerate(parted, 1)
    ]


@pytest.mark.parametrize(
    "line",
    [
        'RewriteMap m "prg:/etc/x y"',
        "RewriteMap m prg:/usr/bin/made",
        "SSLPassPhraseDialog exec:/etc/x",
        "SSLRandomSeed startup exec:/etc/x",
        'ExtFilterDefine f cmd="/usr/bin/sed s/a/b/"',
        "SessionCryptoPassphrase exec:/etc/x",
        "LuaMapHandler /x /etc/x.lua",
        "ScriptAlias /cgi/ /var/www/cgi/",
        "ScriptAliasMatch ^/(.*) /var/www/cgi/$1",
        "Options +ExecCGI",
        "Options All",
        "Options Includes",
        "WSGIScriptAlias / /var/www/app.wsgi",
        "SetHandler application/x-httpd-php",
    ],
)
def test_a_program_that_is_not_ours_is_named(line: str) -> None:
    assert [f"{one.line} {one.text}" for one in programs_in(directives(line), CONTENT, MADE)] == [f"1 {line}"]


@pytest.mark.parametrize(
    "line",
    [
        "RewriteMap m prg:/etc/made",
        "RewriteMap m txt:/etc/x",
        "SSLPassPhraseDialog builtin",
        "SSLRandomSeed startup file:/dev/urandom 512",
        "ScriptAlias /cgi-bin/ /usr/lib/cgi-bin/",
        "Options -ExecCGI +FollowSymLinks",
        "Options IncludesNOEXEC",
        "AddHandler type-map var",
        "AllowOverride None",
    ],
)
def test_what_runs_none_of_the_users_is_not(line: str) -> None:
    assert programs_in(directives(line), CONTENT, MADE) == ()


def test_options_without_a_file_that_they_are_about_run_nothing() -> None:
    assert programs_in(directives("Options All"), {"/var/www/a.html": (b"<p>", 0o644)}, MADE) == ()


def test_files_that_httpd_reads_when_a_client_asks_are_looked_at() -> None:
    named = programs_in(directives("AllowOverride Options"), CONTENT, MADE)
    assert [(one.file, one.line, one.text) for one in named] == [("/var/www/.htaccess", 2, "Options +ExecCGI")]
    assert programs_in(directives("AllowOverride All", "AccessFileName .other"), CONTENT, MADE) == ()


def test_what_leads_out_of_the_copy_is_found() -> None:
    found = directives(
        'CustomLog "|/bin/x" common',
        "AuthUserFile /etc/shadow",
        "AuthUserFile /fs/etc/users",
        "AuthUserFile /fs/../etc/shadow",
        "TypesConfig /dev/null",
        "MDMessageCmd /bin/x",
    )
    outside = DumpedDirective(name="Require", arguments="all granted", file="/etc/passwd", line=1)
    assert [line for _, line, _ in escapes_in([*found, outside], "/fs/", ("/dev/",))] == [1, 2, 4, 6, 1]


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("IfDefine", "DUMP_CONFIG", True),
        ("ifdefine", "!FOREGROUND", True),
        ("IfDefine", "${X}", True),
        ("${X}", "a", True),
        ("IfDefine", "SSL", False),
        ("ServerName", "${X}", False),
    ],
)
def test_what_may_differ_between_asking_and_running_is_found(name: str, words: str, *, expected: bool) -> None:
    assert hides(name, split_words(words)) is expected
