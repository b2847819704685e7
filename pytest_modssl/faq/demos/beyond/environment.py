"""Demonstrations of what httpd needs around it to start: addresses, accounts, folders, modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.demos._play import Demonstration, Scene, started_by_an_ordinary_user
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.httpd.installation import Installation

NAME = "www.example.test"
# RFC 5737: no machine has an address of 192.0.2.0/24. RFC 1035 2.3.4: a label has 63 octets at most, so that
# a resolver refuses one of 64 without asking a name server.
_ELSEWHERE = "Listen 192.0.2.1:8443"
_NOWHERE = "Listen unresolvable-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid:8443"
_LOW = "Listen 127.0.0.1:99"
# ip(7): the first port that an ordinary user may listen on; in a container it often is 0.
_CLOSED = "test $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null || echo 1024) -gt 99"


def _host(directives: str = "", *modules: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME), directives=directives, modules=modules)


def _may_not_listen(installation: Installation) -> bool:
    closed = installation.run(["sh", "-c", _CLOSED]).returncode == 0
    return closed and started_by_an_ordinary_user(installation)


def _plain(_: Scene) -> ServerConfig:
    return _host()


def _second_mpm(scene: Scene) -> ServerConfig:
    other = next(one for one in ("prefork", "worker") if f"mpm_{one}" in scene.installation.loadable)
    return _host(f'LoadModule mpm_{other}_module "{scene.installation.loadable[f"mpm_{other}"]}"')


def _wrong_name(scene: Scene) -> ServerConfig:
    return _host(f'LoadModule rewriting_module "{scene.installation.loadable["rewrite"]}"')


def _too_early(*then: str) -> Callable[[Scene], ServerConfig]:
    """mod_proxy_http, and other modules after it."""

    def config(scene: Scene) -> ServerConfig:
        loadable = scene.installation.loadable
        return _host("\n".join(f'LoadModule {one}_module "{loadable[one]}"' for one in ("proxy_http", *then)))

    return config


DEMONSTRATIONS = (
    Demonstration(
        entry="address-not-available",
        problem=lambda _: _host(_ELSEWHERE),
        remedy=_plain,
        place="Listen 192.0.2.1:8443",
        number="AH00072",
    ),
    Demonstration(
        entry="port-not-permitted",
        problem=lambda _: _host(_LOW),
        remedy=_plain,
        place="Listen 127.0.0.1:99",
        number="AH00072",
        available=_may_not_listen,
    ),
    Demonstration(
        entry="address-not-resolved",
        problem=lambda _: _host(_NOWHERE),
        remedy=_plain,
        place=_NOWHERE,
        number="AH00077",
    ),
    Demonstration(
        entry="listen-malformed",
        name="no port",
        problem=lambda _: _host("Listen 127.0.0.1"),
        remedy=_plain,
        place="Listen 127.0.0.1",
        number="AH00526",
    ),
    Demonstration(
        entry="listen-malformed",
        name="a port that is too high",
        problem=lambda _: _host("Listen 84430"),
        remedy=_plain,
        place="Listen 84430",
        number="AH00526",
    ),
    Demonstration(
        entry="account-unknown",
        name="a user",
        problem=lambda _: _host("User no-such-user"),
        remedy=_plain,
        place="User no-such-user",
        number="AH00543",
    ),
    Demonstration(
        entry="account-unknown",
        name="a group",
        problem=lambda _: _host("Group no-such-group"),
        remedy=_plain,
        place="Group no-such-group",
        number="AH00544",
    ),
    Demonstration(
        entry="several-mpms",
        problem=_second_mpm,
        remedy=_plain,
        place="VirtualHost(NAME",
        number="AH00534",
        available=lambda installation: {"mpm_prefork", "mpm_worker"} & set(installation.loadable) != set(),
    ),
    Demonstration(
        entry="module-file-missing",
        problem=lambda _: _host("LoadModule rewrite_module /no/such/mod_rewrite.so"),
        remedy=lambda _: _host("", "rewrite"),
        place="LoadModule rewrite_module /no/such/mod_rewrite.so",
    ),
    Demonstration(
        entry="module-name-wrong",
        problem=_wrong_name,
        remedy=lambda _: _host("", "rewrite"),
        place="VirtualHost(NAME",
        available=lambda installation: "rewrite" in installation.loadable,
    ),
    Demonstration(
        entry="module-symbol-undefined",
        name="of a module that is not loaded",
        problem=_too_early(),
        remedy=lambda _: _host("", "proxy_http"),
        place="VirtualHost(NAME",
        available=lambda installation: {"proxy", "proxy_http"} <= set(installation.loadable),
    ),
    Demonstration(
        entry="module-symbol-undefined",
        name="of a module that is loaded after it",
        problem=_too_early("proxy"),
        remedy=lambda _: _host("", "proxy_http"),
        place="VirtualHost(NAME",
        available=lambda installation: {"proxy", "proxy_http"} <= set(installation.loadable),
    ),
    Demonstration(
        entry="server-root-missing",
        problem=lambda _: _host("ServerRoot /no/such/folder"),
        remedy=_plain,
        place="ServerRoot /no/such/folder",
    ),
    Demonstration(
        entry="log-folder-missing",
        name="of the error log",
        problem=lambda _: _host("ErrorLog /no/such/folder/error.log"),
        remedy=_plain,
        place="ErrorLog /no/such/folder/error.log",
        number="AH02291",
    ),
    Demonstration(
        entry="log-folder-missing",
        name="of an access log",
        problem=lambda _: _host('CustomLog /no/such/folder/access.log "%h %r"'),
        remedy=lambda _: _host('CustomLog "${MODSSL_LOGS}/other.log" "%h %r"'),
        place="CustomLog /no/such/folder/access.log",
        number="AH02297",
    ),
    Demonstration(
        entry="log-program-missing",
        problem=lambda _: _host('ErrorLog "|/no/such/program"'),
        remedy=_plain,
        place='ErrorLog "|/no/such/program"',
        number="AH00089",
    ),
    Demonstration(
        entry="mutex-mechanism-unknown",
        problem=lambda _: _host("Mutex semaphore default"),
        remedy=lambda _: _host("Mutex sem default"),
        place="Mutex semaphore default",
        number="AH00526",
    ),
    Demonstration(
        entry="mime-types-missing",
        problem=lambda _: _host("TypesConfig /no/such/mime.types"),
        remedy=lambda _: _host("TypesConfig /dev/null"),
        place="TypesConfig /no/such/mime.types",
        number="AH01597",
    ),
)
