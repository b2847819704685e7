"""Pages, scripts, redirects and proxies as they may well be, and refusals that are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.httpd.site import File
from tests.faq.healthy._model import NAME, OTHER, Healthy, over_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.targets.server import Server

FAILED = "#!/bin/sh\nprintf 'Status: 500\\nContent-Type: text/plain\\n\\nfailed\\n'\n"
ALIAS = """
    Alias /other "${MODSSL_PKI}"
    <Directory "${MODSSL_PKI}">
        Require all granted
    </Directory>
"""
CONDITIONS = """
    <If "%{HTTPS} == 'on'">
        Header set X-Secure yes
    </If>
    <Else>
        Header set X-Secure no
    </Else>
"""
PASSWORD = """
    <Location />
        AuthType Basic
        AuthName Members
        AuthUserFile /dev/null
        Require valid-user
    </Location>
"""
REQUIREMENT = """
    <Location />
        SSLRequireSSL
        SSLRequire %{SSL_CIPHER_USEKEYSIZE} >= 128
    </Location>
"""
TO_HTTPS = r"""
    RewriteEngine on
    RewriteCond %{HTTPS} !=on
    RewriteRule ^/(.*)$ https://%{SERVER_NAME}/$1 [R=301,L]
"""
MACRO = """
    <Macro Page $name>
        Alias /$name "${MODSSL_SITE}/index.html"
    </Macro>
    Use Page start
"""
BACKEND = """
    ProxyPass "/back/" "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8080}/"
    ProxyPassReverse "/back/" "http://${MODSSL_ADDRESS}:${MODSSL_PORT_8080}/"
"""
TLS_BACKEND = """
    SSLProxyEngine on
    SSLProxyVerify require
    SSLProxyCheckPeerName off
    SSLProxyCACertificateFile "${MODSSL_PKI}/ca.pem"
    ProxyPass "/back/" "https://${MODSSL_ADDRESS}:${MODSSL_PORT_443}/"
"""


def _site(directives: str = "", files: Mapping[str, str | File] | None = None) -> Callable[[Scene], ServerConfig]:
    return lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives, files=files))


def _answers(path: str = "", status: int = 200, **options: str) -> Callable[[Server], None]:
    def look(server: Server) -> None:
        assert server.get(f"https://{NAME}/{path}", headers=options).status_code == status

    return look


def _both(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME)), VirtualHost(NAME, directives=TO_HTTPS))


def _switched(server: Server) -> None:
    chain = server.redirects(f"http://{NAME}/")
    assert chain.url == f"https://{NAME}/"


def _proxy(directives: str) -> Callable[[Scene], ServerConfig]:
    return lambda scene: ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives),
        VirtualHost(OTHER, port=8080),
        modules=["proxy_http"],
        pki={"ca.pem": scene.ca.cert_pem},
    )


def _down(server: Server) -> None:
    assert server.get(f"https://{NAME}/back/").status_code == 503


def _two_hosts(scene: Scene) -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, tls=scene.ca.issue(NAME)), VirtualHost(OTHER, tls=scene.ca.issue(OTHER), aliases=["*.test"])
    )


def _misdirected(server: Server) -> None:
    assert server.get(f"https://{NAME}/", headers={"Host": OTHER}).status_code == 421


HEALTHY = (
    Healthy("a page of one's own", _site(files={"page.html": "<p>here"}), _answers("page.html")),
    Healthy("a folder that is listed", _site("IndexOptions FancyIndexing"), _answers()),
    Healthy("a script", _site(), _answers("env.cgi")),
    Healthy("a page that includes others", _site(), _answers("env.shtml")),
    Healthy(
        "a script that says that it failed",
        _site(files={"failed.cgi": FAILED}),
        _answers("failed.cgi", 500),
    ),
    Healthy(
        "a script that may not be run, as is meant",
        _site(files={"still.cgi": File(b"no script\n")}),
        _answers("still.cgi", 500),
    ),
    Healthy("an alias", _site(ALIAS), _answers("other/", 404)),
    Healthy("conditions", _site(CONDITIONS), _answers()),
    Healthy("a macro", _site(MACRO), _answers("start")),
    Healthy(".htaccess", _site(files={".htaccess": "Header set X-From htaccess\n"}), _answers()),
    Healthy(".htaccess that denies", _site(files={".htaccess": "Require all denied\n"}), _answers("", 403)),
    Healthy("an index page that is not there, as is meant", _site("DirectoryIndex disabled"), _answers("", 404)),
    Healthy("a page that was gone", _site("Redirect gone /old"), _answers("old", 410)),
    Healthy("a page of one's own for errors", _site("ErrorDocument 404 /index.html"), _answers("nothing", 404)),
    Healthy("a password that is asked for", _site(PASSWORD), _answers("", 401)),
    Healthy("a requirement that is met", _site(REQUIREMENT), _answers()),
    Healthy("an encoded slash that is refused, as is meant", _site(), _answers("a%2Fb", 404)),
    Healthy(
        "a header that is too large, as is meant", _site("LimitRequestFieldSize 100"), _answers("", 400, x="x" * 200)
    ),
    Healthy("HTTP that leads to HTTPS", _both, _switched),
    Healthy("HSTS", _site('Header always set Strict-Transport-Security "max-age=63072000"'), _answers()),
    Healthy("a proxy of the server itself", _proxy(BACKEND), _answers("back/")),
    Healthy(
        "a proxy whose back end is down, as is meant", _proxy(BACKEND.replace(":${MODSSL_PORT_8080}", ":1")), _down
    ),
    Healthy("a proxy that speaks TLS", _proxy(TLS_BACKEND), _answers("back/index.html")),
    Healthy("a name of another host, as is meant", _two_hosts, _misdirected),
    Healthy("compressed pages", _site("AddOutputFilterByType DEFLATE text/html"), _answers()),
    Healthy("logs of one's own", over_tls('CustomLog "${MODSSL_LOGS}/own.log" "%h %r %{SSL_PROTOCOL}x"')),
)
