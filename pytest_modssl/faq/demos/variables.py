"""Demonstrations of variables that scripts and pages do not see."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_ssl_env
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.http import Via

_PAGES: tuple[Via, ...] = ("cgi", "ssi")
NAME = "www.example.test"


def _host(scene: Scene, directives: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives))


def _without_variables(scene: Scene) -> ServerConfig:
    return _host(scene, "SSLOptions +StrictRequire")


def _with_variables(scene: Scene) -> ServerConfig:
    return _host(scene, "SSLOptions +StdEnvVars")


def _without_certificates(scene: Scene) -> ServerConfig:
    return _host(scene, "SSLOptions +StdEnvVars +StrictRequire")


def _with_certificates(scene: Scene) -> ServerConfig:
    return _host(scene, "SSLOptions +StdEnvVars +ExportCertData")


DEMONSTRATIONS = (
    *(
        Demonstration(
            entry="ssl-variables-missing",
            name=f"in a page by {via.upper()}",
            problem=_without_variables,
            remedy=_with_variables,
            check=partial(assert_ssl_env, url=f"https://{NAME}/", via=via, SSL_PROTOCOL="TLSv1.3"),
            place="SSLOptions +StrictRequire",
        )
        for via in _PAGES
    ),
    *(
        Demonstration(
            entry="ssl-variables-missing",
            name=f"certificates as PEM by {via.upper()}",
            problem=_without_certificates,
            remedy=_with_certificates,
            check=partial(assert_ssl_env, url=f"https://{NAME}/", via=via, SSL_SERVER_CERT=re.compile("BEGIN CERT")),
            place="SSLOptions +StdEnvVars +StrictRequire",
        )
        for via in _PAGES
    ),
)
