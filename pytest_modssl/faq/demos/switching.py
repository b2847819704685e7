"""Demonstrations of links that switch between HTTP and HTTPS, and of rules that do not do it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_no_redirect_loop, assert_switches_to_http, assert_switches_to_https
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
OTHER = "other.example.test"

TO_HTTPS = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
"""
TO_HTTP = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_NOSSL$ http://%{SERVER_NAME}/$1 [R,L]
"""
NO_ENGINE = r"""
    RewriteRule ^/(.+)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
"""
IN_FOLDER = r"""
    <Directory "${MODSSL_SITE}">
        RewriteEngine on
        RewriteRule ^(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
    </Directory>
"""
SLASH_IN_FOLDER = r"""
    <Directory "${MODSSL_SITE}">
        RewriteEngine on
        RewriteRule ^/(.*?)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
    </Directory>
"""
TO_8443 = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}:8443/$1 [R,L]
"""
OF_HOST_FIELD = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{HTTP_HOST}/$1 [R,L]
"""
CANONICAL = rf"""
    ServerName {OTHER}
    ServerAlias {NAME}
    UseCanonicalName on
"""
NOT_LAST = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R]
    RewriteRule ^/?(.*)$ /index.html
"""
LAST = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
    RewriteRule ^/?(.*)$ /index.html
"""
ENCODED = r"""
    RewriteEngine on
    RewriteCond %{THE_REQUEST} "^GET (\S+)_SSL "
    RewriteRule _SSL$ https://%{SERVER_NAME}%1 [R,L]
"""
NOT_ENCODED = r"""
    RewriteEngine on
    RewriteCond %{THE_REQUEST} "^GET (\S+)_SSL "
    RewriteRule _SSL$ https://%{SERVER_NAME}%1 [R,L,NE]
"""
ASKING = r"""
    RewriteEngine on
    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L,B,NE,UnsafeAllow3F]
"""
EVERYTHING = r"""
    RewriteEngine on
    RewriteRule ^/(.*)$ https://%{SERVER_NAME}/$1 [R,L]
"""
LONGER = r"""
    RewriteEngine on
    RewriteRule ^/(.*)$ https://%{SERVER_NAME}/$1x [R,L]
"""
HTACCESS = "RewriteEngine on\nRewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]\n"


def _both(
    scene: Scene,
    plain: str = "",
    tls: str = TO_HTTP,
    *,
    ports: tuple[int, int] = (80, 443),
    everywhere: str = "",
    htaccess: str = "",
) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, port=ports[0], directives=plain, files={".htaccess": htaccess}),
        VirtualHost(NAME, port=ports[1], directives=tls, tls=scene.ca.issue(NAME)),
        directives=everywhere,
    )


def _switches(server: Server, path: str = "page.html", port: str = "", to: str = "") -> None:
    url = f"http://{NAME}{port}/{path}_SSL"
    assert_switches_to_https(server, url, to=f"https://{NAME}{to}/{path}")


def _switches_back(server: Server) -> None:
    assert_switches_to_http(server, f"https://{NAME}/page.html_NOSSL", to=f"http://{NAME}/page.html")


DEMONSTRATIONS = (
    Demonstration(
        entry="scheme-switching",
        name="a rule in a folder that wants a slash",
        problem=lambda scene: _both(scene, SLASH_IN_FOLDER),
        remedy=lambda scene: _both(scene, IN_FOLDER),
        check=_switches,
        place=r"RewriteRule ^/(.*?)_SSL$",
    ),
    Demonstration(
        entry="scheme-switching",
        name="a rule in .htaccess that wants a slash",
        problem=lambda scene: _both(scene, htaccess=HTACCESS),
        remedy=lambda scene: _both(scene, htaccess=HTACCESS.replace("^/", "^")),
        check=_switches,
        place="VirtualHost(NAME, port=ports[0]",
    ),
    Demonstration(
        entry="scheme-switching",
        name="no RewriteEngine in the virtual host",
        problem=lambda scene: _both(scene, NO_ENGINE),
        remedy=lambda scene: _both(scene, TO_HTTPS),
        check=_switches,
        place="RewriteRule ^/(.+)_SSL$",
    ),
    Demonstration(
        entry="scheme-switching",
        name="a rule outside of the virtual hosts",
        problem=lambda scene: _both(scene, everywhere=TO_HTTPS),
        remedy=lambda scene: _both(scene, TO_HTTPS),
        check=_switches,
        place=r"RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]",
    ),
    Demonstration(
        entry="scheme-switching",
        name="back to HTTP",
        problem=lambda scene: _both(scene, TO_HTTPS, TO_HTTP.replace("RewriteEngine on", "")),
        remedy=lambda scene: _both(scene, TO_HTTPS),
        check=_switches_back,
        place=r"RewriteRule ^/(.*)_NOSSL$",
    ),
    Demonstration(
        entry="scheme-switching",
        name="other ports, and SERVER_NAME",
        problem=lambda scene: _both(scene, TO_HTTPS, ports=(8080, 8443)),
        remedy=lambda scene: _both(scene, TO_8443, ports=(8080, 8443)),
        check=partial(_switches, port=":8080", to=":8443"),
        place=r"RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]",
    ),
    Demonstration(
        entry="scheme-switching",
        name="other ports, and HTTP_HOST",
        problem=lambda scene: _both(scene, OF_HOST_FIELD, ports=(8080, 8443)),
        remedy=lambda scene: _both(scene, TO_8443, ports=(8080, 8443)),
        check=partial(_switches, port=":8080", to=":8443"),
        place=r"RewriteRule ^/(.*)_SSL$ https://%{HTTP_HOST}/$1 [R,L]",
    ),
    Demonstration(
        entry="scheme-switching",
        name="another name by UseCanonicalName",
        problem=lambda scene: _both(scene, CANONICAL + TO_HTTPS),
        remedy=lambda scene: _both(scene, TO_HTTPS),
        check=_switches,
        place="UseCanonicalName on",
    ),
    Demonstration(
        entry="scheme-switching",
        name="R without L",
        problem=lambda scene: _both(scene, NOT_LAST),
        remedy=lambda scene: _both(scene, LAST),
        check=_switches,
        place=r"RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R]",
    ),
    Demonstration(
        entry="scheme-switching",
        name="encoded twice",
        problem=lambda scene: _both(scene, ENCODED),
        remedy=lambda scene: _both(scene, NOT_ENCODED),
        check=partial(_switches, path="a%20page.html"),
        place=r"RewriteRule _SSL$ https://%{SERVER_NAME}%1 [R,L]",
    ),
    Demonstration(
        entry="scheme-switching",
        name="an encoded question mark",
        problem=lambda scene: _both(scene, TO_HTTPS),
        remedy=lambda scene: _both(scene, ASKING),
        check=partial(_switches, path="why%3f"),
        place=r"RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]",
        number="AH10508",
        available=lambda installation: installation.version >= (2, 4, 60),
    ),
    Demonstration(
        entry="scheme-switching",
        name="a loop",
        problem=lambda scene: _both(scene, EVERYTHING, EVERYTHING),
        remedy=lambda scene: _both(scene, EVERYTHING),
        check=lambda server: assert_no_redirect_loop(server, f"http://{NAME}/page.html"),
        place=r"RewriteRule ^/(.*)$ https://%{SERVER_NAME}/$1 [R,L]",
    ),
    Demonstration(
        entry="scheme-switching",
        name="more than ten redirects",
        problem=lambda scene: _both(scene, EVERYTHING, LONGER),
        remedy=lambda scene: _both(scene, EVERYTHING),
        check=lambda server: assert_no_redirect_loop(server, f"http://{NAME}/page.html"),
        place=r"RewriteRule ^/(.*)$ https://%{SERVER_NAME}/$1x [R,L]",
    ),
)
