"""What a real httpd and its clients send each other, recorded: what hostile bytes are made of."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING
from unittest.mock import patch

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from pytest_modssl import Backends, ServerConfig, VirtualHost
from pytest_modssl.backends.streams import Plain
from pytest_modssl.http import ASK
from pytest_modssl.httpd.render import ERROR_LOG
from pytest_modssl.httpd.variables import header_directives
from pytest_modssl.pki import CA
from pytest_modssl.repo.proxied import redirected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl import Server
    from pytest_modssl.targets.local import LocalTarget

NAME = "www.example.test"
PLAIN, TLS13, TLS12 = 8080, 8443, 8444
BACKENDS = ("http", "fcgi", "scgi", "uwsgi", "ajp", "https")
MODULES = ("proxy", "proxy_http", "proxy_fcgi", "proxy_ajp", "proxy_scgi", "proxy_uwsgi", "headers", "rewrite")
DUMPS = {"vhosts": "DUMP_VHOSTS", "config": "DUMP_CONFIG", "mutexes": "DUMP_RUN_CFG"}

# Longer ones hold nothing new, and take time.
_LONGEST = 4_000

Recorded = dict[str, list[bytes]]


def record(target: LocalTarget, folder: Path) -> Recorded:
    """Recorded bytes, by what they are.

    Args:
        target: runs the httpd.
        folder: for the sockets of back ends, which httpd's children can enter.
    """
    ca = CA(common_name="Recorded Root")
    with Backends(folder, ca) as backends, _heard() as heard:
        server = target.launch(_config(ca, backends))
        try:
            found = _answers(server) | _requests(server, heard) | _dumps(server)
            found["log"] = [(server.instance.folder / ERROR_LOG).read_bytes()[-_LONGEST:]]
        finally:
            server.stop()
    leaf = ca.issue(NAME, "127.0.0.1", "*.example.test", ocsp_url="http://ocsp.example.test/")
    asked = ocsp.OCSPRequestBuilder().add_certificate(leaf.certificate, ca.certificate, SHA1()).build()
    found["certificate"] = [leaf.der, ca.issue_client("Alice", emails=("alice@example.test",)).der]
    found["ocsp"] = [ca.ocsp_response(asked.public_bytes(Encoding.DER))]
    return found


def _config(ca: CA, backends: Backends) -> ServerConfig:
    leaf = ca.issue(NAME, key_type="rsa-2048")
    verify = "SSLCACertificateFile ${MODSSL_PKI}/ca.pem\nSSLVerifyClient optional"
    suites = "SSLProtocol +TLSv1 +TLSv1.1 +TLSv1.2\nSSLCipherSuite ALL:@SECLEVEL=0\nSSLHonorCipherOrder off"
    places = {one: f"{one}://{one}.internal/" for one in BACKENDS}
    proxied = "\n".join(f"ProxyPass /{one}/ {redirected(url, str(backends.serve(url)))}" for one, url in places.items())
    return ServerConfig(
        VirtualHost(
            NAME,
            port=PLAIN,
            directives=f"""
                RewriteEngine on
                RewriteRule ^/away$ https://other.example.test/x?y=1#z [R=302,L]
                SSLProxyEngine on
                {proxied}
            """,
            files={"page.txt": "a page\n" * 20},
        ),
        VirtualHost(
            NAME, port=TLS13, tls=leaf, directives="SSLOptions +StdEnvVars +ExportCertData\n" + header_directives()
        ),
        VirtualHost(NAME, port=TLS12, tls=leaf, directives=f"{suites}\n{verify}"),
        directives="LogLevel debug rewrite:trace5",
        pki={"ca.pem": ca.cert_pem},
        modules=MODULES,
    )


def _answers(server: Server) -> Recorded:
    """What the server sends to clients of all kinds, from the beginning of a connection."""
    found: Recorded = {}
    with server.capture() as capture:
        server.handshake(NAME, port=TLS13)
        for suites in ("ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256", "AES128-SHA"):
            server.handshake(NAME, port=TLS12, protocol="TLSv1.2", ciphers=suites)
        server.handshake(NAME, port=TLS12, protocol="TLSv1")
        server.handshake(NAME, port=TLS12, ciphersuites="TLS_AES_128_CCM_SHA256", protocol="TLSv1.3")
    found["tls"] = [one.received for one in capture.streams]
    found["hello"] = [one.sent for one in capture.streams]
    with server.capture() as capture:
        for path in ("/page.txt", "/away", "/missing"):
            server.get(f"http://{NAME}:{PLAIN}{path}", headers={"Connection": "close", "Cookie": "a=opensesame"})
    found["http"] = [one.received for one in capture.streams]
    found["asked"] = [one.sent for one in capture.streams]
    page = f"https://{NAME}:{TLS13}/"
    found["cgi"] = [server.get(f"{page}env.cgi").content]
    found["ssi"] = [server.get(f"{page}env.shtml").content]
    fields = server.get(page, headers=dict(ASK)).headers
    found["fields"] = ["".join(f"{name}: {value}\n" for name, value in fields.items()).encode("latin-1")]
    return found


def _requests(server: Server, heard: list[bytes]) -> Recorded:
    """What httpd sends to back ends of each protocol."""
    found: Recorded = {}
    for one in BACKENDS:
        heard.clear()
        server.session().post(f"http://{NAME}:{PLAIN}/{one}/x?y=1", data="body " * 20, headers={"X-One": "ä"})
        found[f"to {one}"] = [b"".join(heard)]
    return found


def _dumps(server: Server) -> Recorded:
    """What httpd says of its configuration."""
    rendered = server.instance.rendered
    found: Recorded = {}
    for name, what in DUMPS.items():
        loaded = f'LoadModule info_module "{server.installation.loadable["info"]}"'
        asked = ["-f", rendered.main, "-t", "-D", what, "-c", loaded]
        found[name] = [server.installation.ask(asked).stdout.encode()[:_LONGEST]]
    found["refused"] = [server.installation.ask(["-f", rendered.main, "-t", "-c", "SSLEngine maybe"]).stderr.encode()]
    return found


@contextlib.contextmanager
def _heard() -> Iterator[list[bytes]]:
    """Meanwhile, whatever back ends receive is added to it."""
    heard: list[bytes] = []
    receive = Plain.receive

    async def kept(self: Plain) -> bytes:
        data = await receive(self)
        heard.append(data)
        return data

    with patch.object(Plain, "receive", kept):
        yield heard
