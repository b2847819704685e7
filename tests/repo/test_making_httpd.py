"""A real httpd on files that were all made: it starts, serves, verifies clients, checks passwords."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig
from pytest_modssl.httpd.dumps import effective_config
from pytest_modssl.pki import CA
from pytest_modssl.repo.making import make
from tests.repo.dumped import dumped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.repo.making import Making
    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.targets.server import Server

# Every directive whose file httpd reads before it serves, and some that it reads while it serves.
CONFIGURATION = """
ServerName main.example.com
SSLSessionCache shmcb:{root}/cache/ssl(512000)
SSLSessionTicketKeyFile {root}/ticket.key
SSLStaplingCache dbm:{root}/cache/stapling
SSLRandomSeed startup file:{root}/seed 256
SSLRandomSeed startup exec:{root}/bin/seed 256
SSLPassPhraseDialog exec:{root}/bin/phrase
TypesConfig {root}/mime.types
MimeMagicFile {root}/magic
RemoteIPHeader X-Forwarded-For
RemoteIPTrustedProxyList {root}/proxies.txt
Mutex file:{root}/locks ssl-cache
CustomLog {root}/log/access.log "%h"
RewriteMap known txt:{root}/maps/known.txt
RewriteMap stored dbm=sdbm:{root}/maps/stored
RewriteMap program prg:{root}/bin/map
ProxyExpressEnable off
CacheRoot {root}/cache/disk

<VirtualHost *:${{MODSSL_PORT_443}}>
    ServerName www.example.com
    ServerAlias example.com
    DocumentRoot {root}/www
    SSLEngine on
    SSLCertificateFile {root}/live/www/cert.pem
    SSLCertificateFile {root}/live/www-ecdsa/cert.pem
    SSLCertificateKeyFile {root}/live/www/privkey.pem
    SSLCertificateKeyFile {root}/live/www-ecdsa/privkey.pem
    SSLCertificateChainFile {root}/live/www/chain.pem
    SSLOpenSSLConfCmd DHParameters {root}/dh3072.pem
    SSLProxyEngine on
    SSLProxyCACertificateFile {root}/proxy/ca.pem
    SSLProxyCARevocationFile {root}/proxy/crl.pem
    SSLProxyMachineCertificateFile {root}/proxy/machine.pem
    ErrorDocument 404 /errors/404.html
    ErrorLog {root}/log/www.error.log
    <Directory {root}/www>
        Require all granted
    </Directory>
    <Location /basic>
        AuthType Basic
        AuthName basic
        AuthUserFile {root}/auth/users
        AuthGroupFile {root}/auth/groups
        Require group staff
    </Location>
    <Location /digest>
        AuthType Digest
        AuthName "The digest"
        AuthUserFile {root}/auth/digests
        Require valid-user
    </Location>
    <Location /dbm>
        AuthType Basic
        AuthName dbm
        AuthBasicProvider dbm
        AuthDBMType SDBM
        AuthDBMUserFile {root}/auth/dbm
        Require user bob
    </Location>
</VirtualHost>

<VirtualHost *:${{MODSSL_PORT_443}}>
    ServerName clients.example.com
    DocumentRoot {root}/clients
    SSLEngine on
    SSLCertificateFile {root}/clients.pem
    SSLVerifyClient require
    SSLCACertificatePath {root}/clients-ca
    SSLCADNRequestFile {root}/names.pem
    SSLCARevocationCheck chain
    SSLCARevocationPath {root}/crls
    <Directory {root}/clients>
        Require all granted
    </Directory>
</VirtualHost>
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that httpd's children can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="modssl-making-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def made(folder: Path) -> Making:
    """What the text of the configuration brings about, written out."""
    made = _make(dumped(CONFIGURATION.format(root=folder)), folder)
    for one in made.made:
        path = Path(one.path)
        (path if one.content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if one.content is not None:
            path.write_bytes(one.content)
        path.chmod(one.mode)
    return made


@pytest.fixture(scope="module")
def server(local_target: LocalTarget, folder: Path, made: Making) -> Iterator[Server]:
    server = local_target.launch(_config(folder))
    yield server
    server.stop()


def test_both_certificates_of_a_host_are_served_with_their_chain(server: Server, made: Making) -> None:
    for kind, suites in (("rsa", "ECDHE-RSA-AES128-GCM-SHA256"), ("ec", "ECDHE-ECDSA-AES128-GCM-SHA256")):
        seen = server.handshake("www.example.com", trust=made.trust, ciphers=suites, protocol="TLSv1.2")
        assert seen.ok, f"{kind}: {seen}"
        assert seen.verification.ok, f"{kind}: {seen}"


def test_a_host_accepts_the_client_certificate_and_its_revocation_list(server: Server, made: Making) -> None:
    assert made.client is not None
    session = server.session(client=made.client, trust=made.trust, any_name=True)

    assert "clients.example.com" in session.get("https://clients.example.com/").text


def test_a_host_refuses_a_client_of_another_ca(server: Server, made: Making) -> None:
    other = CA().issue_client("mallory")

    assert not server.handshake("clients.example.com", trust=made.trust, client=other, protocol="TLSv1.2").ok


@pytest.mark.parametrize(("url", "user"), [("/basic", "modssl"), ("/digest", "modssl"), ("/dbm", "bob")])
def test_made_passwords_are_accepted_and_others_are_not(server: Server, made: Making, url: str, user: str) -> None:
    from requests.auth import HTTPBasicAuth, HTTPDigestAuth

    kind = HTTPDigestAuth if url == "/digest" else HTTPBasicAuth
    session = server.session(trust=made.trust, any_name=True)

    assert session.get(f"https://www.example.com{url}", auth=kind(user, made.logins[user])).status_code == 404
    assert session.get(f"https://www.example.com{url}", auth=kind(user, "wrong")).status_code == 401


def test_pages_say_whose_they_are(server: Server, made: Making) -> None:
    session = server.session(trust=made.trust, any_name=True)

    assert "<p>www.example.com" in session.get("https://www.example.com/").text
    missing = session.get("https://www.example.com/missing")
    assert (missing.status_code, "error page of www.example.com" in missing.text) == (404, True)


def test_httpd_names_nothing_more_once_all_is_made(local_target: LocalTarget, folder: Path, made: Making) -> None:
    with local_target.prepared(_config(folder)) as prepared:
        found = effective_config(local_target.installation, prepared.rendered.main)
        again = _make([one for one in found if prepared.root not in one.arguments], folder)

    # What vouches for clients and back ends is added to whatever is there: each run has CAs of its own.
    added = ("/clients-ca/", "/crls/", "/proxy/")
    assert [one.path for one in again.made if not one.path.startswith(tuple(f"{folder}{part}" for part in added))] == []
    assert made.left_out == again.left_out == ()


def _config(folder: Path) -> ServerConfig:
    return ServerConfig(directives=CONFIGURATION.format(root=folder), listen=[443])


def _make(directives: Sequence[DumpedDirective], folder: Path) -> Making:
    return make(
        directives,
        has=lambda path: Path(path).read_bytes() if Path(path).is_file() else None,
        has_folder=lambda path: Path(path).is_dir(),
        ca=CA().intermediate(),
        server_root=str(folder),
    )
