from __future__ import annotations

import importlib.util
import json
import time
import timeit
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.httpd import modules as module_table
from pytest_modssl.httpd.dumps import check_syntax
from pytest_modssl.httpd.installation import Installation, find_httpd, probe_installation
from pytest_modssl.httpd.modules import (
    directive_names,
    module_of_directive,
    modules_for,
    package_of_module,
    with_dependencies,
)
from pytest_modssl.httpd.syntax import directives_in

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def installation() -> Installation:
    return probe_installation(find_httpd())


@pytest.mark.parametrize(
    "text",
    [
        'SSLSessionCache "shmcb:/tmp/nowhere(512000)"',
        "SSLSessionCache dbm:/tmp/nowhere",
        "SSLUseStapling on\nSSLStaplingCache shmcb:/tmp/x(128000)",
        'LogFormat "%h %{SSL_PROTOCOL}x" tls',
        'CustomLog /dev/null "%{version}c"',
        'LogFormat "%I %O" io',
        "LogLevel info ssl:debug rewrite:trace3",
        "<Location /a>\nRequire valid-user\n</Location>",
        "<Location /a>\nRequire group x\n</Location>",
        "<Location /a>\n<RequireAll>\nRequire not ip 127.0.0.1\nRequire all granted\n</RequireAll>\n</Location>",
        "<Location /a>\nRequire ssl\n</Location>",
        "<Location /a>\nAuthType Basic\nAuthName x\nAuthBasicProvider file\nRequire valid-user\n</Location>",
        "<Location /a>\nAuthType Basic\nAuthBasicProvider socache dbm\n</Location>\nAuthnCacheSOCache shmcb",
        "<Location /a>\nOrder deny,allow\nDeny from all\n</Location>",
        "<Location /a>\nDav on\n</Location>",
        "Protocols h2 http/1.1\nH2Direct off",
        "RewriteEngine on\nRewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]",
        'SSLProxyEngine on\nProxyPass "/x" "https://127.0.0.1/"\nProxyPassReverse /x https://127.0.0.1/',
        "ProxyPassMatch ^/(.*)\\.php$ unix:/run/x.sock|fcgi://localhost/",
        "<Proxy balancer://b>\nBalancerMember http://127.0.0.1\nProxySet lbmethod=bytraffic\n</Proxy>",
        "SetEnvIf User-Agent MSIE nokeepalive ssl-unclean-shutdown",
        "Header always set Strict-Transport-Security max-age=1",
        "<IfVersion >= 2.4>\nTimeout 5\n</IfVersion>",
        "<Macro M $n>\nTimeout $n\n</Macro>\nUse M 5",
        "CacheEnable disk /\nCacheRoot /tmp",
        "<Location /s>\nSession On\nSessionCookieName s path=/\n</Location>",
        "User nobody",
        "<If \"%{HTTPS} == 'on'\">\nExpiresActive on\n</If>",
    ],
)
def test_httpd_accepts_a_text_with_the_modules_found_and_refuses_it_with_none(
    installation: Installation, tmp_path: Path, text: str
) -> None:
    found = modules_for(text)
    base = ["ErrorLog /dev/null", f"LoadModule mpm_event_module {installation.loadable['mpm_event']}"]
    loads = [f"LoadModule {name}_module {path}" for name in sorted(found) if (path := installation.loadable.get(name))]
    bare, full = tmp_path / "bare.conf", tmp_path / "full.conf"
    bare.write_text("\n".join([*base, text, ""]))
    full.write_text("\n".join([*base, *loads, text, ""]))
    answer = check_syntax(installation, full)
    assert answer.ok, answer.output
    if loads:
        assert not check_syntax(installation, bare).ok


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("SetHandler cgi-script", "cgid"),
        ("AddHandler cgi-script .cgi", "mime cgid"),
        ('SetHandler "proxy:fcgi://localhost:9000"', "proxy proxy_fcgi"),
        ('SetHandler "proxy:unix:/run/php.sock|fcgi://localhost"', "proxy proxy_fcgi"),
        ("SetOutputFilter INCLUDES;DEFLATE", "include deflate"),
        ("AddOutputFilterByType DEFLATE text/html", "filter deflate"),
        ("RewriteRule ^ http://127.0.0.1/ [P,L]", "rewrite proxy proxy_http"),
        ("RewriteRule ^ ws://127.0.0.1/ [L,P]", "rewrite proxy proxy_wstunnel"),
        ("RewriteRule ^ - [H=cgi-script]", "rewrite cgid"),
        ("RewriteRule ^ https://x/ [R=301,L]", "rewrite"),
        ("ProxyPass / balancer://b/", "proxy proxy_balancer slotmem_shm lbmethod_byrequests"),
        ("proxypass / h2://x/", "proxy proxy_http2 ssl"),
        ("Require user ssl", "authz_core authz_user"),
        ("SSLUseStapling on", "ssl"),
        ("SSLSessionCache none", "ssl"),
        ("Options +ExecCGI +Includes", ""),
        ("StartServers 1\nMinSpareServers 1\nListen 80\nServerName x", ""),
        ("Unknown directive", ""),
        ("LoadModule ssl_module /elsewhere/mod_ssl.so\nSSLEngine on", ""),
        ("# SSLEngine on \\\nSSLEngine on", ""),
        ("Header \\\n set X SSLEngine", "headers"),
        ("", ""),
    ],
)
def test_what_a_text_needs(text: str, needed: str) -> None:
    assert modules_for(text) == frozenset(needed.split())


@pytest.mark.parametrize(
    ("text", "available", "needed"),
    [
        ("<IfModule mod_ssl.c>\nSSLEngine on\n</IfModule>", None, ""),
        ("<IfModule mod_ssl.c>\nSSLEngine on\n</IfModule>", "headers", ""),
        ("<IfModule ssl_module>\nHeader set X y\n</IfModule>", "ssl headers", "ssl headers"),
        ("<IfModule !mod_ssl.c>\nHeader set X y\n</IfModule>", "ssl headers", "headers"),
        ("<IfDefine X>\n<IfModule a>\n</IfModule>\nSSLEngine on\n</IfDefine>\nHeader set X y", "", "headers"),
        ("</IfModule>\nHeader set X y", "", "headers"),
        ("Options +ExecCGI", "cgid", "cgid"),
        ("<IfModule x>\nProxyPass / balancer://b\n</IfModule>", "proxy proxy_balancer", "proxy"),
    ],
)
def test_conditions_ask_only_for_what_the_httpd_has(text: str, available: str | None, needed: str) -> None:
    present = None if available is None else available.split()
    assert modules_for(text, available=present) == frozenset(needed.split())


def test_every_module_starts_with_its_dependencies_in_alphabetical_order(
    installation: Installation, tmp_path: Path
) -> None:
    for name in sorted(set(installation.loadable) - {"mpm_event", "mpm_worker", "mpm_prefork"}):
        needed = [one for one in sorted(with_dependencies([name])) if one in installation.loadable]
        loads = [f"LoadModule {one}_module {installation.loadable[one]}" for one in ["mpm_event", *needed]]
        config = tmp_path / f"{name}.conf"
        config.write_text("\n".join(["ErrorLog /dev/null", *loads, ""]))
        answer = check_syntax(installation, config)
        assert answer.ok, f"{name}: {answer.output}"


def test_the_table_is_what_this_httpd_says_of_itself(installation: Installation) -> None:
    spec = importlib.util.spec_from_file_location("list_directives", ROOT / "tools" / "list_directives.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    table = json.loads((Path(module_table.__file__).parent / "directives.json").read_text())
    said = tool.directives_of(installation)
    # Another version, or another build, may have more or fewer directives; none may have moved.
    moved = {name: module for name, module in said.items() if table["directives"].get(name, module) != module}
    assert moved == {}
    if f"httpd {installation.version} ({installation.layout})" in table["source"]:
        assert said == table["directives"]
        assert installation.modules <= set(table["modules"])


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("SSLEngine", "ssl"),
        ("sslengine", "ssl"),
        ("IfVersion", "version"),
        ("<IfVersion", "version"),
        ("</Macro>", "macro"),
        ("ServerName", "core"),
        ("AuthLDAPURL", "authnz_ldap"),
        ("ScriptSock", "cgid"),
        ("TLSEngine", "tls"),
        ("Nonsense", None),
    ],
)
def test_a_directive_tells_its_module(name: str, module: str | None) -> None:
    assert module_of_directive(name) == module


@pytest.mark.parametrize(
    ("name", "layout", "words"),
    [
        ("ssl", "debian", "apt-get install apache2-bin"),
        ("ssl", "redhat", "dnf install mod_ssl"),
        ("rewrite", "redhat", "dnf install httpd"),
        ("session_cookie", "redhat", "dnf install mod_session"),
        ("auth_basic", "apache", "build httpd with --enable-auth-basic"),
        ("ssl", "unknown", "that has mod_ssl.so"),
        ("wsgi", "debian", "not one of httpd's own modules"),
    ],
)
def test_a_missing_module_tells_how_to_get_it(name: str, layout: module_table.Layout, words: str) -> None:
    assert words in package_of_module(name, layout)


def test_splitting_keeps_quotes_continuations_comments_and_line_numbers() -> None:
    text = '\n# no \\\nSSLEngine on\n<Location "/a b">\n\tHeader\tset X \\\n   "y \\" z" \'q\'\n</Location>\r\nEnd \\'
    assert [(one.name, one.arguments, one.line) for one in directives_in(text)] == [
        ("<Location", ("/a b",), 4),
        ("Header", ("set", "X", 'y " z', "q"), 5),
        ("</Location", (), 7),
        ("End", ("\\",), 8),
    ]


@given(st.text() | st.text(alphabet="<>/ \\\"'\n\tIfModuleSSL[]|:%{}#,=P"))
def test_any_text_is_split_and_judged_without_error(text: str) -> None:
    assert "core" not in modules_for(text, available=["ssl"])


def test_a_long_text_takes_time_in_proportion() -> None:
    def seconds(length: int) -> float:
        text = 'Header set X "' + "y" * 20 * length + "\n" + "SSLEngine on\n" * length
        # The processor's time: a busy machine must not count.
        return min(timeit.repeat(lambda: modules_for(text), timer=time.process_time, number=1, repeat=5))

    # In proportion it would be 10 times as long; with the square, 100 times.
    assert seconds(10_000) < 40 * seconds(1_000)


def test_directive_names_are_as_the_manual_writes_them() -> None:
    assert {"SSLEngine", "<IfVersion", "KeepAlive"} <= set(directive_names())
