"""Demonstrations of failures that show in the answer to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_modssl.asserts import assert_answers
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"


U = f"http://{NAME}/"

_DENIED = """
    <Location />
        Require ip 192.0.2.1
    </Location>
"""
_GRANTED = """
    <Location />
        Require all granted
    </Location>
"""
_DENIED_OF_OLD = """
    <Location />
        Order deny,allow
        Deny from all
    </Location>
"""
_GRANTED_OF_OLD = """
    <Location />
        Order deny,allow
        Allow from all
    </Location>
"""
# /root is closed to every account but root's, on any system.
_CLOSED = """
    DocumentRoot /root
    <Directory /root>
        AllowOverride None
        Require all granted
    </Directory>
"""
_CLOSED_TO_HTACCESS = """
    DocumentRoot /root
    <Directory /root>
        AllowOverride All
        Require all granted
    </Directory>
"""
_LINK = """
    Alias /link /proc/self/exe
    <Directory /proc>
        Options None
        Require all granted
    </Directory>
"""
_LINK_ALLOWED = """
    Alias /link /proc/self/status
    <Directory /proc>
        Options FollowSymLinks
        Require all granted
    </Directory>
"""
_LISTED = "IndexOptions FancyIndexing"
_NOT_LISTED = """
    IndexOptions FancyIndexing
    <Location />
        Options -Indexes
    </Location>
"""
_TLS_ALONE = """
    <Location />
        SSLRequireSSL
    </Location>
"""
_REQUIREMENT = """
    <Location />
        SSLRequire %{SSL_CIPHER_USEKEYSIZE} >= 512
    </Location>
"""
_LOWER_REQUIREMENT = """
    <Location />
        SSLRequire %{SSL_CIPHER_USEKEYSIZE} >= 128
    </Location>
"""


def _no_folder(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, directives="DocumentRoot /no/such/folder"))


def _folder(_: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME))


def _host(directives: str = "", files: Mapping[str, str] | None = None) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, directives=directives, files=files))


def _over_tls(scene: Scene, directives: str) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives))


def _answers(path: str = "", **options: Any) -> Callable[[Server], object]:
    return lambda server: assert_answers(server, f"{U}{path}", **options)


DEMONSTRATIONS = (
    Demonstration(
        entry="document-root-missing",
        name="of a virtual host",
        problem=_no_folder,
        remedy=_folder,
        check=lambda server: assert_answers(server, f"http://{NAME}/"),
        place="DocumentRoot /no/such/folder",
        number="AH00112",
    ),
    Demonstration(
        entry="document-root-missing",
        name="of the main server",
        problem=lambda _: ServerConfig(VirtualHost(NAME), directives="DocumentRoot /no/such/folder"),
        remedy=_folder,
        check=lambda server: assert_answers(server, f"http://{NAME}/"),
        place='directives="DocumentRoot /no/such/folder"',
    ),
    Demonstration(
        entry="page-not-found",
        problem=lambda _: _host(),
        remedy=lambda _: _host(files={"page.html": "<p>here"}),
        check=_answers("page.html"),
        place="VirtualHost(NAME",
        number="AH00128",
    ),
    Demonstration(
        entry="no-index-page",
        name="and no list",
        problem=lambda _: _host(files={"folder/page.html": "<p>here"}),
        remedy=lambda _: _host(files={"folder/index.html": "<p>here"}),
        check=_answers("folder/"),
        place="VirtualHost(NAME",
        number="AH00129",
    ),
    Demonstration(
        entry="no-index-page",
        name="and no list allowed",
        problem=lambda _: _host(_NOT_LISTED, {"folder/page.html": "<p>here"}),
        remedy=lambda _: _host(_LISTED, {"folder/page.html": "<p>here"}),
        check=_answers("folder/"),
        place="Options -Indexes",
        number="AH01276",
    ),
    Demonstration(
        entry="access-denied",
        name="by Require",
        problem=lambda _: _host(_DENIED),
        remedy=lambda _: _host(_GRANTED),
        check=_answers(),
        place="Require ip 192.0.2.1",
        number="AH01630",
    ),
    Demonstration(
        entry="access-denied",
        name="by Order, Allow, Deny",
        problem=lambda _: _host(_DENIED_OF_OLD),
        remedy=lambda _: _host(_GRANTED_OF_OLD),
        check=_answers(),
        place="Order deny,allow",
        number="AH01797",
    ),
    Demonstration(
        entry="file-permissions",
        name="of a folder",
        problem=lambda _: _host(_CLOSED),
        remedy=lambda _: _host(),
        check=_answers("index.html"),
        place="VirtualHost(NAME",
        number="AH00035",
    ),
    Demonstration(
        entry="file-permissions",
        name="of the folder of .htaccess",
        problem=lambda _: _host(_CLOSED_TO_HTACCESS),
        remedy=lambda _: _host(),
        check=_answers("index.html"),
        place="DocumentRoot /root",
        number="AH00529",
    ),
    Demonstration(
        entry="link-refused",
        problem=lambda _: _host(_LINK),
        remedy=lambda _: _host(_LINK_ALLOWED),
        check=_answers("link"),
        place="Options None",
        number="AH00037",
    ),
    Demonstration(
        entry="tls-required",
        problem=lambda _: _host(_TLS_ALONE),
        remedy=lambda _: _host(),
        check=_answers(),
        place="SSLRequireSSL",
        number="AH02219",
    ),
    Demonstration(
        entry="tls-requirement-not-met",
        problem=lambda scene: _over_tls(scene, _REQUIREMENT),
        remedy=lambda scene: _over_tls(scene, _LOWER_REQUIREMENT),
        check=lambda server: assert_answers(server, f"https://{NAME}/"),
        place="SSLRequire %{SSL_CIPHER_USEKEYSIZE} >= 512",
        number="AH02228",
    ),
    Demonstration(
        entry="encoded-slash",
        problem=lambda _: _host("AllowEncodedSlashes Off", {"a/b": "here"}),
        remedy=lambda _: _host("AllowEncodedSlashes On", {"a/b": "here"}),
        check=_answers("a%2Fb"),
        number="AH00026",
    ),
    Demonstration(
        entry="request-too-large",
        name="in its body",
        problem=lambda _: _host("LimitRequestBody 10"),
        remedy=lambda _: _host("LimitRequestBody 0"),
        check=_answers("index.html", data=b"x" * 100),
        place="LimitRequestBody 10",
        number="AH01588",
    ),
    Demonstration(
        entry="request-too-large",
        name="in a header",
        problem=lambda _: _host("LimitRequestFieldSize 100"),
        remedy=lambda _: _host("LimitRequestFieldSize 8190"),
        check=_answers(headers={"X-Long": "x" * 200}),
        place="LimitRequestFieldSize 100",
        number="AH00561",
    ),
    Demonstration(
        entry="request-too-large",
        name="in its URL",
        problem=lambda _: _host("LimitRequestLine 100"),
        remedy=lambda _: _host("LimitRequestLine 8190"),
        check=_answers("?" + "x" * 200),
        place="LimitRequestLine 100",
        number="AH00565",
    ),
)
