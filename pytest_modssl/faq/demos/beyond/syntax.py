"""Demonstrations of directives that httpd refuses to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos._play import Scene

NAME = "www.example.test"


def _with(directives: str, **defines: str) -> Callable[[Scene], ServerConfig]:
    return lambda _: ServerConfig(VirtualHost(NAME, directives=directives), defines=defines)


def _refused(entry: str, name: str, problem: str, remedy: str, place: str, *, number: str = "AH00526") -> Demonstration:
    return Demonstration(
        entry=entry, name=name, problem=_with(problem), remedy=_with(remedy), place=place, number=number
    )


_OPEN = """
    <Directory /srv>
        Options None
"""
_WRONG_END = """
    <Directory /srv>
        Options None
    </Location>
"""
_WHOLE = """
    <Directory /srv>
        Options None
    </Directory>
"""
_LISTEN = "Listen 8443"
_ENGINE_IN_FOLDER = """
    <Directory /srv>
        SSLEngine off
    </Directory>
"""
_ENGINE = "SSLEngine off"
_OPTION = """
    <Directory /srv>
        Options Index
    </Directory>
"""
_OPTION_RIGHT = """
    <Directory /srv>
        Options Indexes
    </Directory>
"""
_MIXED = """
    <Directory /srv>
        Options Indexes +FollowSymLinks
    </Directory>
"""
_SIGNED = """
    <Directory /srv>
        Options +Indexes +FollowSymLinks
    </Directory>
"""
_PROVIDER = """
    <Directory /srv>
        Require everybody
    </Directory>
"""
_PROVIDER_RIGHT = """
    <Directory /srv>
        Require all granted
    </Directory>
"""
_CONDITION = """
    <If "%{HTTPS} ==">
        Header set X-Secure yes
    </If>
"""
_CONDITION_RIGHT = """
    <If "%{HTTPS} == 'on'">
        Header set X-Secure yes
    </If>
"""

DEMONSTRATIONS = (
    Demonstration(
        entry="variable-undefined",
        problem=_with("Redirect / ${ELSEWHERE}"),
        remedy=_with("Redirect / ${ELSEWHERE}", ELSEWHERE="https://shop.example.test/"),
        place="Redirect / ${ELSEWHERE}",
        number="AH00111",
    ),
    _refused("section-not-closed", "at all", _OPEN, _WHOLE, "Options None", number=""),
    _refused("section-not-closed", "by its own name", _WRONG_END, _WHOLE, "</Location>", number=""),
    _refused("directive-not-allowed-here", "in a virtual host", _LISTEN, "", "Listen 8443"),
    _refused("directive-not-allowed-here", "in a folder", _ENGINE_IN_FOLDER, _ENGINE, "SSLEngine off"),
    _refused("directive-not-allowed-here", "outside of a folder", "AuthName Members", "", "AuthName Members"),
    _refused("arguments-wrong", "in number", "ServerName", "ServerName www.example.test", "ServerName"),
    _refused("arguments-wrong", "in value", "KeepAlive maybe", "KeepAlive on", "KeepAlive maybe"),
    _refused("option-unknown", "of Options", _OPTION, _OPTION_RIGHT, "Options Index"),
    _refused("option-unknown", "of LogLevel", "LogLevel verbose", "LogLevel debug", "LogLevel verbose"),
    _refused("option-unknown", "of SSLOptions", "SSLOptions +StdEnv", "SSLOptions +StdEnvVars", "SSLOptions +StdEnv"),
    _refused(
        "option-unknown", "of SSLVerifyClient", "SSLVerifyClient yes", "SSLVerifyClient none", "SSLVerifyClient yes"
    ),
    _refused("options-mixed", "", _MIXED, _SIGNED, "Options Indexes +FollowSymLinks"),
    _refused("pattern-broken", "of RewriteRule", "RewriteRule ^/(x /y", "RewriteRule ^/(x) /y", "RewriteRule ^/(x /y"),
    _refused(
        "pattern-broken", "of SetEnvIf", "SetEnvIf User-Agent [a x", "SetEnvIf User-Agent [a] x", "User-Agent [a x"
    ),
    _refused("rewrite-flag-unknown", "", "RewriteRule ^ /y [R, L]", "RewriteRule ^ /y [R,L]", "[R, L]"),
    _refused("expression-broken", "", _CONDITION, _CONDITION_RIGHT, '<If "%{HTTPS} ==">'),
    _refused("provider-unknown", "", _PROVIDER, _PROVIDER_RIGHT, "Require everybody"),
    _refused(
        "included-file-missing",
        "",
        "Include /no/such/part.conf",
        "IncludeOptional /no/such/part.conf",
        "Include /no/such/part.conf",
        number="",
    ),
)
