"""One small httpd of these tests: two TLS hosts, one of plain HTTP, on ports that are not those of its URLs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.errors import UnknownHostError
from pytest_modssl.http import open_session
from pytest_modssl.pki import self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import requests

    from pytest_modssl import Server
    from pytest_modssl.targets.local import LocalTarget

NAMES = ["www.example.test", "b.example.test", "xn--mller-kva.example.test"]
HTTP, HTTPS = 8080, 8443

FOLDERS = """
    <Directory "${MODSSL_SITE}/not-run">
        Options -ExecCGI -Includes
        RemoveHandler .cgi
        RemoveOutputFilter .shtml
    </Directory>
    <Directory "${MODSSL_SITE}/refused">
        Require all denied
    </Directory>
"""
REWRITES = """
    RewriteEngine on
    RewriteRule ^/absolute$ http://www.example.test/end.txt [R=301,L]
    RewriteRule ^/to-https$ https://www.example.test/end.txt [R=302,L]
    RewriteRule ^/to-ftp$ ftp://www.example.test/ [R=302,L]
    RewriteRule ^/elsewhere$ https://nobody.example.test/ [R=302,L]
    RewriteRule ^/loop-a$ http://www.example.test/loop-b [R=302,L]
    RewriteRule ^/loop-b$ http://www.example.test/loop-a [R=302,L]
    RewriteRule ^/count/(.*)$ http://www.example.test/count/$1x [R=302,L]
    RewriteRule ^/other-method$ http://www.example.test/show.cgi [R=303,L]
    RewriteRule ^/found$ http://www.example.test/show.cgi [R=302,L]
    RewriteRule ^/same-method$ http://www.example.test/show.cgi [R=307,L]
    RewriteRule ^/port$ http://www.example.test:8080/end.txt [R=302,L]
"""
TLS = """
    SSLOptions +StdEnvVars +ExportCertData
    SSLVerifyClient optional_no_ca
    <Location "/other-cipher">
        SSLCipherSuite ECDHE-ECDSA-AES256-CCM
    </Location>
"""
MEMBERS = """
    SSLCACertificateFile "${MODSSL_PKI}/server.pem"
    <Location "/members">
        SSLVerifyClient require
    </Location>
"""

PAGES = {
    "end.txt": "the end\n",
    "other-cipher/index.txt": "another cipher\n",
    "members/end.txt": "",
    "not-run/end.txt": "",
    "refused/end.txt": "",
    "nothing.cgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n",
    "rubbish.cgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n\\377\\376rubbish'\n",
    "half.cgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nmodssl-environment/1\\n=SSL_CIPHER\\n AES'\n",
    "odd.cgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nmodssl-environment/1\\nhello\\n.\\n'\n",
    "fails.cgi": "#!/nonexistent/interpreter\n",
    "relative.cgi": "#!/bin/sh\nprintf 'Status: 302\\r\\nLocation: end.txt?a=b\\r\\n\\r\\n'\n",
    "no-location.cgi": "#!/bin/sh\nprintf 'Status: 302\\r\\nContent-Type: text/plain\\r\\n\\r\\n'\n",
    "show.cgi": '#!/bin/sh\nprintf \'Content-Type: text/plain\\r\\n\\r\\n%s %s\' "$REQUEST_METHOD" "$HTTP_HOST"\n',
    "unicode.cgi": "#!/bin/sh\nprintf 'Status: 302\\r\\nLocation: /t\\303\\274r\\r\\n\\r\\n'\n",
    "step.cgi": (
        "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n'\n"
        "case $HTTP_COOKIE in *step=2*) ;; *step=1*) next=2 ;; *) next=1 ;; esac\n"
        '[ -z "$next" ] || printf "Status: 302\\r\\nLocation: /step.cgi\\r\\nSet-Cookie: step=$next\\r\\n"\n'
        'printf "\\r\\n"\n'
    ),
}


@dataclass(frozen=True)
class Httpd:
    server: Server
    root_pem: bytes

    @property
    def folder(self) -> Path:
        """The folder of `server.pem` and `server.key`."""
        return self.server.instance.folder / "pki"

    def resolve(self, scheme: str, host: str, port: int) -> tuple[str, int]:
        if host == "nobody.example.test":
            raise UnknownHostError(f"no virtual host serves {host}:{port}")
        return self.server.address(HTTPS if scheme == "https" else HTTP)


@pytest.fixture(scope="session")
def httpd(local_target: LocalTarget) -> Iterator[Httpd]:
    subject = {"O": 'A "quoted" & <Gärtner>', "OU": ["one", "two"]}
    usages = ("serverAuth", "clientAuth")
    leaf = self_signed(*NAMES, common_name=NAMES[0], subject=subject, usages=usages, ca=True)
    server = local_target.launch(
        ServerConfig(
            VirtualHost(NAMES[0], port=HTTP, directives=FOLDERS + REWRITES, files=PAGES),
            VirtualHost(NAMES[0], port=HTTPS, tls=leaf, directives=FOLDERS + TLS, files=PAGES),
            VirtualHost(NAMES[1], port=HTTPS, tls=leaf, directives=FOLDERS + MEMBERS, files=PAGES),
            pki={"server.pem": leaf.cert_pem, "server.key": leaf.key_file_pem},
        )
    )
    yield Httpd(server, leaf.cert_pem.bytes())
    server.stop()


@pytest.fixture
def new_session(httpd: Httpd) -> Iterator[Callable[..., requests.Session]]:
    sessions: list[requests.Session] = []

    def make(**options: object) -> requests.Session:
        session = open_session(httpd.resolve, **{"trust": [httpd.root_pem], **options})  # type: ignore[arg-type]
        sessions.append(session)
        return session

    yield make
    for session in sessions:
        session.close()


@pytest.fixture
def session(new_session: Callable[..., requests.Session]) -> requests.Session:
    return new_session()
