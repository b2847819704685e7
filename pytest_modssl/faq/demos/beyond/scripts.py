"""Demonstrations of requests that end in an error of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_answers
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.httpd.site import File

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
_SCRIPT = "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n"
_NO_SCRIPTS = """
    <Location />
        Options -ExecCGI
    </Location>
"""
_FILE_INFO_ALONE = """
    <Directory "${MODSSL_SITE}">
        AllowOverride FileInfo
    </Directory>
"""
_OPTIONS_TOO = """
    <Directory "${MODSSL_SITE}">
        AllowOverride FileInfo Options
    </Directory>
"""
_NO_PASSWORDS = """
    <Location />
        AuthType Basic
        AuthName Members
        AuthUserFile /no/such/passwords
        Require valid-user
    </Location>
"""
_NO_TYPE = """
    <Location />
        AuthName Members
        Require valid-user
    </Location>
"""
_NO_QUESTION = """
    <Location />
        Require all granted
    </Location>
"""
# mod_rewrite begins anew below the folder after each rule of .htaccess: without END this never ends.
_ENDLESS = "RewriteEngine on\nRewriteRule ^(.*)$ more/$1\n"
_ENDS = "RewriteEngine on\nRewriteRule ^$ index.html [END]\n"


def _host(directives: str = "", files: Mapping[str, str | File] | None = None, mpm: str | None = None) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, directives=directives, files=files), mpm=mpm)


def _script(content: str, *, executable: bool = True, mpm: str | None = None) -> ServerConfig:
    return _host(files={"hello.cgi": File(content.encode(), executable)}, mpm=mpm)


def _answers(path: str = "", auth: tuple[str, str] | None = None) -> Callable[[Server], object]:
    return lambda server: assert_answers(server, f"http://{NAME}/{path}", auth=auth)


DEMONSTRATIONS = (
    Demonstration(
        entry="htaccess-refused",
        name="a misspelled directive",
        problem=lambda _: _host(files={".htaccess": "AddTyp text/plain .log\n"}),
        remedy=lambda _: _host(files={".htaccess": "AddType text/plain .log\n"}),
        check=_answers(),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="htaccess-refused",
        name="a directive that is not allowed",
        problem=lambda _: _host(_FILE_INFO_ALONE, {".htaccess": "Options +Indexes\n"}),
        remedy=lambda _: _host(_OPTIONS_TOO, {".htaccess": "Options +Indexes\n"}),
        check=_answers(),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="script-not-run",
        name="no x bit",
        problem=lambda _: _script(_SCRIPT, executable=False),
        remedy=lambda _: _script(_SCRIPT),
        check=_answers("hello.cgi"),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="script-not-run",
        name="no interpreter",
        problem=lambda _: _script(_SCRIPT.replace("/bin/sh", "/no/such/sh")),
        remedy=lambda _: _script(_SCRIPT),
        check=_answers("hello.cgi"),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="script-not-run",
        name="line ends of Windows, under prefork",
        problem=lambda _: _script(_SCRIPT.replace("\n", "\r\n", 1), mpm="prefork"),
        remedy=lambda _: _script(_SCRIPT, mpm="prefork"),
        check=_answers("hello.cgi"),
        place="VirtualHost(NAME",
        available=lambda installation: "prefork" in installation.mpms,
    ),
    Demonstration(
        entry="script-without-header",
        name="text first",
        problem=lambda _: _script("#!/bin/sh\necho hello\n"),
        remedy=lambda _: _script(_SCRIPT),
        check=_answers("hello.cgi"),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="script-without-header",
        name="nothing at all",
        problem=lambda _: _script("#!/bin/sh\nexit 1\n"),
        remedy=lambda _: _script(_SCRIPT),
        check=_answers("hello.cgi"),
        place="VirtualHost(NAME",
    ),
    Demonstration(
        entry="scripts-off",
        problem=lambda _: _host(_NO_SCRIPTS),
        remedy=lambda _: _host(),
        check=_answers("env.cgi"),
        place="Options -ExecCGI",
    ),
    Demonstration(
        entry="internal-redirects",
        name="by mod_rewrite",
        problem=lambda _: _host(files={".htaccess": _ENDLESS}),
        remedy=lambda _: _host(files={".htaccess": _ENDS}),
        check=_answers(),
        number="AH00124",
    ),
    Demonstration(
        entry="internal-redirects",
        name="by FallbackResource",
        problem=lambda _: _host("FallbackResource /no-such-page.html"),
        remedy=lambda _: _host("FallbackResource /index.html"),
        check=_answers("page"),
        number="AH00125",
    ),
    Demonstration(
        entry="password-file-unreadable",
        problem=lambda _: _host(_NO_PASSWORDS),
        remedy=lambda _: _host(_NO_QUESTION),
        check=_answers(auth=("alice", "secret")),
        place="AuthUserFile /no/such/passwords",
        number="AH01620",
    ),
    Demonstration(
        entry="authentication-not-configured",
        problem=lambda _: _host(_NO_TYPE),
        remedy=lambda _: _host(_NO_QUESTION),
        check=_answers(),
        place="Require valid-user",
    ),
)
