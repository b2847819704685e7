"""What mod_rewrite logs of a request is told rule by rule, each at the user's own file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.tables import Row
from pytest_modssl.repo.trace import DIRECTIVES, Step, Tracer

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.repo.trace import Trace

_RULES = r"""RewriteEngine on
RewriteRule ^/nope$ /x [L]
RewriteCond %{HTTP_HOST} ^other
RewriteRule ^/old$ /never [R=301,L]
RewriteCond %{HTTP_HOST} ^other [OR]
RewriteCond %{HTTP_HOST} !^nothing$ [NC]
RewriteRule ^/old$ /mid
RewriteRule ^/(m.*)$ https://www.example.test/$1 [R=302,L]
RewriteRule ^/forbidden$ - [F]
<Directory "${MODSSL_SITE}">
    RewriteEngine on
    RewriteRule ^old$ /a [L]
    RewriteRule ^(folder)$ https://www.example.test/$1/x [R=301,L]
</Directory>
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's own file; the same when workers come back to this module, as is the server of its text."""
    path = tmp_path_factory.getbasetemp() / "rules.conf"
    path.write_text(_RULES)
    return path


@pytest.fixture(scope="module")
def tracer(modssl_server_factory: ServerFactory, rules: Path) -> Tracer:
    hosts = [
        # The same patterns at other lines: which host has answered decides.
        VirtualHost("first.example.test", directives="RewriteEngine on\nRewriteRule ^/nope$ /y\nRewriteRule ^/old$ /z"),
        VirtualHost(
            "www.example.test", directives=rules, files={"sub/.htaccess": "RewriteEngine on\nRewriteRule ^a$ /b"}
        ),
        VirtualHost("off.example.test"),
    ]
    return Tracer(modssl_server_factory(ServerConfig(*hosts).extended(DIRECTIVES)))


def _trace(tracer: Tracer, path: str, host: str = "www.example.test") -> Trace:
    return tracer.trace(Row(origin=Origin("a.urls.csv", 1), url=f"http://{host}{path}"))


def test_each_rule_and_condition_is_told_at_its_line(tracer: Tracer, rules: Path) -> None:
    told = str(_trace(tracer, "/old"))
    assert told.splitlines() == [
        "mod_rewrite's trace of GET http://www.example.test/old:",
        f"  {rules}:2: RewriteRule ^/nope$ /x [L]",
        "      no effect on '/old'",
        f"  {rules}:4: RewriteRule ^/old$ /never [R=301,L]",
        f"      {rules}:3: condition '^other' on 'www.example.test': not-matched",
        "      matches '/old', but not its conditions",
        f"  {rules}:7: RewriteRule ^/old$ /mid",
        f"      {rules}:5: condition '^other' on 'www.example.test': not-matched",
        f"      {rules}:6: condition '!^nothing$' on 'www.example.test': matched",
        "      rewrite '/old' -> '/mid'",
        f"  {rules}:8: RewriteRule ^/(m.*)$ https://www.example.test/$1 [R=302,L]",
        "      rewrite '/mid' -> 'https://www.example.test/mid'",
        "      redirect to https://www.example.test/mid [REDIRECT/302]",
    ]


@pytest.mark.parametrize(
    ("path", "line", "effect"),
    [("/forbidden", 9, "forcing responsecode 403 for /forbidden"), ("/folder", 13, "rewrite 'folder' -> 'https://")],
)
def test_the_rule_that_acted_is_the_one_of_its_context(
    tracer: Tracer, rules: Path, path: str, line: int, effect: str
) -> None:
    (acted,) = (one for one in _trace(tracer, path).steps if isinstance(one, Step) and one.acted)
    assert f"{rules}:{line}: " in next(acted.lines())
    assert acted.effects[0].startswith(effect)


def test_the_rules_are_those_of_the_host_that_answered(tracer: Tracer) -> None:
    told = str(_trace(tracer, "/old", "first.example.test"))
    assert "test_trace.py" in told
    assert "RewriteRule ^/old$ /z\n" in told


def test_a_rule_of_a_htaccess_file_is_told_by_folder_and_pattern(tracer: Tracer) -> None:
    told = str(_trace(tracer, "/sub/a"))
    assert "sub/.htaccess: RewriteRule ^a$\n      rewrite 'a' -> '/b'" in told
    assert "(internal redirect: " in told


def test_many_rules_that_did_nothing_take_three_lines(tracer: Tracer, rules: Path) -> None:
    steps = tuple(Step(f"^/{n}$", "/x") for n in range(100))
    trace = _trace(tracer, "/old")
    shown = str(type(trace)("GET /x", steps)).splitlines()
    assert shown[1:] == ["  100 rules without effect on '/x', from", "    RewriteRule ^/0$", "    to RewriteRule ^/99$"]


def test_a_host_without_rules_says_so(tracer: Tracer) -> None:
    assert "nothing was logged: RewriteEngine is off there" in str(_trace(tracer, "/old", "off.example.test"))
