"""One small httpd of these tests: two TLS hosts, one of plain HTTP, on free ports of 127.0.0.1."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pytest_modssl._data import fixture
from pytest_modssl.errors import UnknownHostError
from pytest_modssl.http import open_session
from pytest_modssl.httpd.variables import header_directives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

MODULES = Path("/usr/lib/apache2/modules")
NAMES = ["www.example.test", "b.example.test", "xn--mller-kva.example.test"]

CONFIG = r"""
ServerRoot "{root}"
ServerName localhost
PidFile httpd.pid
ErrorLog error.log
LogLevel info ssl:debug
{owner}
{load}
TypesConfig /dev/null
ScriptSock "{root}/cgisock"
DocumentRoot "{root}/htdocs"
<Directory "{root}/htdocs">
    Require all granted
    Options +ExecCGI +Includes
    AddHandler cgi-script .cgi
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
</Directory>
<Directory "{root}/htdocs/not-run">
    Options -ExecCGI -Includes
    RemoveHandler .cgi
    RemoveOutputFilter .shtml
</Directory>
<Directory "{root}/htdocs/refused">
    Require all denied
</Directory>
Listen 127.0.0.1:{http}
Listen 127.0.0.1:{https} https
SSLCertificateFile server.pem
SSLCertificateKeyFile server.key
{headers}
<VirtualHost *:{http}>
    ServerName www.example.test
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
</VirtualHost>
<VirtualHost *:{https}>
    ServerName www.example.test
    SSLEngine on
    SSLOptions +StdEnvVars +ExportCertData
    SSLVerifyClient optional_no_ca
    <Location "/other-cipher">
        SSLCipherSuite ECDHE-ECDSA-AES256-CCM8
    </Location>
</VirtualHost>
<VirtualHost *:{https}>
    ServerName b.example.test
    SSLEngine on
    SSLCACertificateFile server.pem
    <Location "/members">
        SSLVerifyClient require
    </Location>
</VirtualHost>
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
    http: int
    https: int
    root_pem: bytes
    folder: Path

    def resolve(self, scheme: str, host: str, port: int) -> tuple[str, int]:
        if host == "nobody.example.test":
            raise UnknownHostError(f"no virtual host serves {host}:{port}")
        return "127.0.0.1", self.https if scheme == "https" else self.http


def _certificate(folder: Path, names: list[str]) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'A "quoted" & <Gärtner>'),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "one"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "two"),
            x509.NameAttribute(NameOID.COMMON_NAME, names[0]),
        ]
    )
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(pem)
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _await_start(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            try:
                process.wait(timeout=0.01)
            except subprocess.TimeoutExpired:
                continue
            break
        return
    pytest.fail(f"httpd did not start:\n{(folder / 'error.log').read_text()}")


@pytest.fixture(scope="session")
def httpd() -> Iterator[Httpd]:
    folder = Path(tempfile.mkdtemp(prefix="modssl-http-"))
    folder.chmod(0o755)
    http, https = _free_ports()
    for name, text in PAGES.items():
        page = folder / "htdocs" / name
        page.parent.mkdir(parents=True, exist_ok=True)
        for one in (folder / "htdocs", page.parent):
            one.chmod(0o755)
        page.write_text(text)
        page.chmod(0o755)
    for shipped in ("env.cgi", "env.shtml"):
        for where in ("", "not-run", "refused"):
            shutil.copy(fixture(f"pages/{shipped}"), folder / "htdocs" / where / shipped)
    names = ["mpm_event", "authz_core", "mime", "cgid", "include", "headers", "rewrite", "ssl"]
    config = CONFIG.format(
        root=folder,
        owner="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
        load="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names),
        http=http,
        https=https,
        headers=header_directives(),
    )
    (folder / "httpd.conf").write_text(config)
    pem = _certificate(folder, NAMES)
    process = subprocess.Popen(
        ["/usr/sbin/apache2", "-f", str(folder / "httpd.conf"), "-DFOREGROUND"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    try:
        _await_start(process, https, folder)
        yield Httpd(http, https, pem, folder)
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder)


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
