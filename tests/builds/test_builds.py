"""Every httpd of the table is built, and serves; what is old or weak is really negotiated."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.httpds.builds import build_of, builds
from pytest_modssl.targets.choice import container_target
from pytest_modssl.targets.registry import Owner, new_run
from pytest_modssl.tls import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import CA
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server

    from .conftest import TargetOf

pytestmark = pytest.mark.timeout(3600)

NAME = "www.example.test"
LEGACY = "source:2.4.69-legacy"
ALL = """
SSLProtocol all +SSLv3
SSLCipherSuite ALL:COMPLEMENTOFALL:@SECLEVEL=0
SSLOpenSSLConfCmd Options Compression
SSLOptions +StdEnvVars
"""
# As ALL, for a library that has no SSLv3.
COMPRESSED = ALL.replace("all +SSLv3", "all")
# Suites that no OpenSSL of a distribution has, by cipher.
WEAK = {"RC4-SHA": "RC4_128", "RC4-MD5": "RC4_128", "DES-CBC3-SHA": "3DES_EDE_CBC", "IDEA-CBC-SHA": "IDEA_CBC"}


def launch(target: Target, ca: CA, directives: str) -> Server:
    leaf = ca.issue(NAME, key_type="rsa-2048")
    return target.launch(ServerConfig(VirtualHost(NAME, tls=leaf, directives=directives)))


@pytest.fixture
def legacy(target_of: TargetOf, ca: CA) -> Iterator[Server]:
    server = launch(target_of(LEGACY), ca, ALL)
    yield server
    server.stop()


def page(client: Installation, server: Server, *options: str) -> dict[str, str]:
    """The SSL_* variables that a CGI script saw in a request by `openssl s_client`."""
    assert client.openssl_command is not None
    host, port = server.address(443)
    command = [*client.openssl_command, "s_client", "-quiet", "-connect", f"{host}:{port}", "-servername", NAME]
    done = subprocess.run(
        [*command, *options],
        input=f"GET /env.cgi HTTP/1.0\r\nHost: {NAME}\r\n\r\n",
        env=dict(client.environment),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "200 OK" in done.stdout, done.stderr
    return dict(re.findall(r"^=(SSL_\w+)\n (.*)$", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("name", builds())
def test_a_build_serves_over_tls(name: str, target_of: TargetOf, ca: CA) -> None:
    target = target_of(f"source:{name}")
    installation, build = target.installation, build_of(name)
    assert str(installation.version) in build.httpd.file
    assert set(installation.mpms) == {"event", "worker", "prefork"}
    assert {"rewrite", "headers", "proxy_http", "cgid", "include", "deflate", "socache_shmcb"} <= installation.modules
    if build.openssl is not None:
        assert f"_{installation.openssl}." in build.openssl.file
    server = launch(target, ca, "SSLOptions +StdEnvVars")
    try:
        newest = "TLSv1.3" if installation.can("TLSv1.3") else "TLSv1.2"
        assert server.handshake(NAME).protocol == newest
        assert server.scan(NAME).protocols[0] == newest
        seen = server.environment(f"https://{NAME}/")
        assert seen["SSL_VERSION_INTERFACE"] == f"mod_ssl/{installation.version}"
        assert seen["SSL_VERSION_LIBRARY"] == f"OpenSSL/{installation.openssl}"
    finally:
        server.stop()


def test_the_legacy_server_selects_what_is_old_and_weak(legacy: Server) -> None:
    seen = legacy.scan(NAME)
    assert seen.protocols == ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3")
    assert set(WEAK) <= set(seen.suites["SSLv3"])
    assert "SEED-SHA" in seen.suites["TLSv1"]
    assert seen.compression == "DEFLATE"
    every = {names.cipher_suite(suite) for suites in seen.suites.values() for suite in suites}
    # mod_ssl adds !aNULL:!eNULL to whatever is configured.
    assert not any(suite.authentication == "anon" or suite.encryption == "NULL" for suite in every)


@pytest.mark.parametrize("suite", WEAK)
@pytest.mark.parametrize(("protocol", "option"), [("SSLv3", "-ssl3"), ("TLSv1", "-tls1")])
def test_an_old_client_and_the_legacy_server_use_it(
    legacy: Server, old_client: Installation, protocol: str, option: str, suite: str
) -> None:
    seen = legacy.probe(NAME, versions=[protocol], suites=[suite])
    assert (seen.protocol, seen.cipher_suite) == (protocol, suite)
    variables = page(old_client, legacy, option, "-cipher", f"{suite}:@SECLEVEL=0")
    assert (variables["SSL_PROTOCOL"], variables["SSL_CIPHER"]) == (protocol, suite)


@pytest.mark.usefixtures("engine")
def test_the_legacy_image_does_so_too(ca: CA, old_client: Installation) -> None:
    owner = Owner(new_run())
    target = container_target("modssl/legacy", owner, start_seconds=60, say=lambda _: None)
    try:
        server = launch(target, ca, ALL)
        try:
            seen = server.scan(NAME)
            assert "SSLv3" in seen.protocols
            assert set(WEAK) <= set(seen.suites["SSLv3"])
            assert seen.compression == "DEFLATE"
            variables = page(old_client, server, "-ssl3", "-cipher", "RC4-SHA:@SECLEVEL=0")
            assert (variables["SSL_PROTOCOL"], variables["SSL_CIPHER"]) == ("SSLv3", "RC4-SHA")
        finally:
            server.stop()
        program = target.installation.openssl_command
        assert program is not None
        assert "1.1.1w" in target.installation.run([*program, "version"]).stdout
    finally:
        target.close()
        owner.close()


@pytest.mark.parametrize("target", ["debian:trixie", LEGACY])
def test_deflate_is_negotiated_and_used(target: str, target_of: TargetOf, ca: CA, old_client: Installation) -> None:
    one = target_of(target)
    server = launch(one, ca, COMPRESSED)
    try:
        assert server.probe(NAME, versions=["TLSv1.2"], compressions=["DEFLATE", "NULL"]).compression == "DEFLATE"
        assert server.probe(NAME, versions=["TLSv1.2"]).compression == "NULL"
        assert server.probe(NAME, versions=["TLSv1.3"], compressions=["NULL"]).compression == "NULL"
        assert server.scan(NAME).compression == "DEFLATE"
        # By an OpenSSL of the same version as the server's, and by the old one.
        for client in (one.installation, old_client):
            low = ("-comp", "-tls1_2", "-cipher", "ALL:@SECLEVEL=0")
            assert page(client, server, *low)["SSL_COMPRESS_METHOD"] == "DEFLATE"
            assert page(client, server, *low[1:])["SSL_COMPRESS_METHOD"] == "NULL"
            assert page(client, server, "-comp", "-tls1_3")["SSL_COMPRESS_METHOD"] == "NULL"
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("instead", "of"),
    [("SSLCompression on", "SSLOpenSSLConfCmd Options Compression"), ("@SECLEVEL=2", "@SECLEVEL=0")],
)
def test_neither_the_directive_alone_nor_security_level_2_compresses(
    instead: str, of: str, target_of: TargetOf, ca: CA
) -> None:
    server = launch(target_of("debian:trixie"), ca, COMPRESSED.replace(of, instead))
    try:
        assert server.scan(NAME).compression == "NULL"
    finally:
        server.stop()
