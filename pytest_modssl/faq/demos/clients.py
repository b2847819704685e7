"""Demonstrations of what some clients ask for, or cannot do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import (
    assert_clean_shutdown,
    assert_compression,
    assert_never_on_wire,
    assert_no_compression,
    assert_unclean_shutdown,
)
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.httpd.installation import Version

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
URL = f"https://{NAME}/"
OLD_AGENT = "Mozilla/4.0 (compatible; MSIE 4.01; Windows 95)"
NEW_AGENT = "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)"
USER, PASSWORD = "alice", "open sesame"
# Of that password (htpasswd -s, which needs no program here): httpd calls it {SHA}.
PASSWORDS = "alice:{SHA}W8r/fyL/UzygmbNAjq2HbA67qac=\n"

_COMPRESSION = "SSLCompression on"
_COMPRESSES = """
    SSLOpenSSLConfCmd Options Compression
    SSLCipherSuite ALL:@SECLEVEL=1
"""
_KEPT_OFF = """
    SSLCompression on
    SSLCipherSuite ALL:@SECLEVEL=1
"""
_FORBIDDEN = """
    SSLOpenSSLConfCmd Options Compression
    SSLCipherSuite ALL:@SECLEVEL=2
"""
_NO_COMPRESSION = """
    SSLCompression off
    SSLCipherSuite ALL:@SECLEVEL=1
"""
_MEMBERS = """
    <Location />
        AuthType Basic
        AuthName Members
        AuthUserFile "${MODSSL_SITE}/.htpasswd"
        Require valid-user
    </Location>
"""
_TO_HTTPS = f'Redirect permanent "/" "{URL}"'
_OLD_MSIE = 'SetEnvIf User-Agent "MSIE [2-5]" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0'
_OTHER_MSIE = 'SetEnvIf User-Agent "MSIE [67]" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0'
_EVERY_MSIE = 'BrowserMatch "MSIE" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0'
_MSIE_OF_A_PATH = """
    <Location />
        SetEnvIf User-Agent "MSIE [2-5]" nokeepalive ssl-unclean-shutdown downgrade-1.0 force-response-1.0
    </Location>
"""
_MSIE_TOO_LATE = "SetEnv ssl-unclean-shutdown 1"


def _host(scene: Scene, directives: str = "") -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives))


def _members(scene: Scene, plain: str) -> ServerConfig:
    files = {".htpasswd": PASSWORDS}
    return ServerConfig(
        VirtualHost(NAME, directives=plain, files=files),
        VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=_MEMBERS, files=files),
    )


def _log_in(server: Server) -> None:
    """Ask as browsers do: with the password only where it is asked for."""
    session = server.session()
    with server.capture():
        answer = session.get(f"http://{NAME}/env.cgi")
        if answer.status_code == 401:
            answer = session.get(answer.url, auth=(USER, PASSWORD))
    assert_never_on_wire(server, PASSWORD)
    assert f"=REMOTE_USER\n {USER}\n" in answer.text


def _old_agent(server: Server) -> None:
    assert_unclean_shutdown(server, URL, user_agent=OLD_AGENT)


def _new_agent(server: Server) -> None:
    assert_clean_shutdown(server, URL, user_agent=NEW_AGENT)


def _compressed(server: Server) -> None:
    assert_compression(server, NAME)


def _not_compressed(server: Server) -> None:
    assert_no_compression(server, NAME)


def _can_compress(installation: Installation) -> bool:
    # httpd 2.4.27 takes SSLCompression on whatever OpenSSL has, 2.4.39 asks it (measured on both, OpenSSL 3.0.19).
    return installation.version >= Version.parse("2.4.39") and installation.can("compression")


def _cannot_compress(installation: Installation) -> bool:
    return not installation.can("compression")


DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="compression",
        name="an OpenSSL without it",
        problem=lambda scene: _host(scene, _COMPRESSION),
        remedy=_host,
        place=_COMPRESSION,
        number="AH00526",
        available=_cannot_compress,
    ),
    Demonstration(
        entry="compression",
        name="negotiated",
        problem=lambda scene: _host(scene, _COMPRESSES),
        remedy=lambda scene: _host(scene, _NO_COMPRESSION),
        check=_not_compressed,
        place="Options Compression",
        available=_can_compress,
    ),
    Demonstration(
        entry="compression",
        name="kept off by OpenSSL",
        problem=lambda scene: _host(scene, _KEPT_OFF),
        remedy=lambda scene: _host(scene, _COMPRESSES),
        check=_compressed,
        place="SSLCompression on",
        available=_can_compress,
    ),
    Demonstration(
        entry="compression",
        name="forbidden at the security level",
        problem=lambda scene: _host(scene, _FORBIDDEN),
        remedy=lambda scene: _host(scene, _COMPRESSES),
        check=_compressed,
        place="@SECLEVEL=2",
        available=_can_compress,
    ),
    Demonstration(
        entry="basic-auth-lock-icon",
        problem=lambda scene: _members(scene, _MEMBERS),
        remedy=lambda scene: _members(scene, _TO_HTTPS),
        check=_log_in,
        place="AuthType Basic",
    ),
    Demonstration(
        entry="msie-workarounds",
        name="none",
        problem=_host,
        remedy=lambda scene: _host(scene, _OLD_MSIE),
        check=_old_agent,
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="msie-workarounds",
        name="for other versions",
        problem=lambda scene: _host(scene, _OTHER_MSIE),
        remedy=lambda scene: _host(scene, _OLD_MSIE),
        check=_old_agent,
        place='"MSIE [67]"',
    ),
    Demonstration(
        entry="msie-workarounds",
        name="in a section, which is too late",
        problem=lambda scene: _host(scene, _MSIE_OF_A_PATH),
        remedy=lambda scene: _host(scene, _OLD_MSIE),
        check=_old_agent,
        place="        SetEnvIf User-Agent",
    ),
    Demonstration(
        entry="msie-workarounds",
        name="by SetEnv, which is too late",
        problem=lambda scene: _host(scene, _MSIE_TOO_LATE),
        remedy=lambda scene: _host(scene, _OLD_MSIE),
        check=_old_agent,
        place=_MSIE_TOO_LATE,
    ),
    Demonstration(
        entry="msie-workarounds",
        name="for every version",
        problem=lambda scene: _host(scene, _EVERY_MSIE),
        remedy=lambda scene: _host(scene, _OLD_MSIE),
        check=_new_agent,
        place='BrowserMatch "MSIE"',
    ),
)
