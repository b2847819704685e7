"""What a request with a client certificate tells scripts: subject, names, serial number, chain, and the user in it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, VirtualHost, assert_ssl_env

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl import LeafCert, Server
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.http import Via

NAME = "www.example.test"
URL = f"https://{NAME}/"
CLIENTS = """
    SSLCACertificateFile "${MODSSL_PKI}/clients.pem"
    SSLVerifyClient require
    SSLVerifyDepth 2
"""
PASSWORDS = """
    SSLOptions +FakeBasicAuth
    <Location />
        AuthType Basic
        AuthName "Members"
        AuthUserFile "${MODSSL_SITE}/users"
        Require valid-user
    </Location>
"""
# The word "password", which FakeBasicAuth gives every user (manual, SSLOptions).
PASSWORD = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="


@cache
def root() -> CA:
    return CA(common_name="Example staff root", subject={"O": "Example"})


@cache
def ada() -> LeafCert:
    return (
        root()
        .intermediate(common_name="Example shop")
        .issue_client(
            "Ada",
            subject={"C": "GB", "O": "Example", "OU": ["Shop", "Web"], "UID": "ada"},
            emails=["ada@example.test", "countess@example.test"],
            upns=["ada@corp.example.test"],
        )
    )


@pytest.fixture
def serve(modssl_server_factory: ServerFactory, modssl_ca: CA) -> Callable[[str], Server]:
    """Starts a server with these directives beside those that demand a client certificate."""

    def start(directives: str) -> Server:
        host = VirtualHost(
            NAME,
            tls=modssl_ca.issue(NAME),
            directives=CLIENTS + directives,
            files={"users": f"/C=GB/O=Example/OU=Shop/OU=Web/UID=ada/CN=Ada:{PASSWORD}\n"},
        )
        return modssl_server_factory(ServerConfig(host, pki={"clients.pem": root().cert_pem}))

    return start


@pytest.mark.parametrize("via", ["cgi", "ssi"])
def test_a_script_sees_all_that_the_certificate_says(serve: Callable[[str], Server], via: Via) -> None:
    server = serve("SSLOptions +StdEnvVars +ExportCertData")
    seen = assert_ssl_env(
        server,
        URL,
        via=via,
        session=server.session(client=ada()),
        absent=["SSL_CLIENT_S_DN_OU_0", "SSL_CLIENT_SAN_Email_2", "SSL_CLIENT_SAN_DNS_0", "SSL_CLIENT_CERT_CHAIN_1"],
        SSL_CLIENT_VERIFY="SUCCESS",
        SSL_CLIENT_S_DN="CN=Ada,UID=ada,OU=Web,OU=Shop,O=Example,C=GB",
        SSL_CLIENT_S_DN_CN="Ada",
        SSL_CLIENT_S_DN_OU="Shop",
        SSL_CLIENT_S_DN_OU_1="Web",
        SSL_CLIENT_S_DN_UID="ada",
        SSL_CLIENT_I_DN="CN=Example shop",
        SSL_CLIENT_SAN_Email_0="ada@example.test",
        SSL_CLIENT_SAN_Email_1="countess@example.test",
        SSL_CLIENT_SAN_OTHER_msUPN_0="ada@corp.example.test",
        SSL_CLIENT_M_VERSION="3",
    )
    assert seen.value("SSL_CLIENT_M_SERIAL") == ada().certificate.serial_number
    assert seen.value("SSL_CLIENT_CERT") == ada().certificate
    assert seen.value("SSL_CLIENT_CERT_CHAIN_0") == ada().chain[0], "the chain begins with the issuer"
    assert abs(seen.number("SSL_CLIENT_V_REMAIN") - 30) <= 1, "whole days, rounded as the version does"
    assert seen.value("SSL_CLIENT_V_END") == ada().certificate.not_valid_after_utc


def test_names_come_in_the_old_form_on_request(serve: Callable[[str], Server]) -> None:
    server = serve("SSLOptions +StdEnvVars +LegacyDNStringFormat")
    assert_ssl_env(
        server,
        URL,
        session=server.session(client=ada()),
        SSL_CLIENT_S_DN="/C=GB/O=Example/OU=Shop/OU=Web/UID=ada/CN=Ada",
        SSL_CLIENT_I_DN="/CN=Example shop",
    )


@pytest.mark.parametrize(
    ("directives", "user"),
    [
        ("SSLUserName SSL_CLIENT_S_DN_CN", "Ada"),
        ("SSLUserName SSL_CLIENT_SAN_Email_1", "countess@example.test"),
        ("SSLUserName SSL_CLIENT_SAN_OTHER_msUPN_0", "ada@corp.example.test"),
        (PASSWORDS, "/C=GB/O=Example/OU=Shop/OU=Web/UID=ada/CN=Ada"),
    ],
)
def test_the_certificate_gives_the_user(serve: Callable[[str], Server], directives: str, user: str) -> None:
    server = serve(directives)
    assert_ssl_env(server, URL, session=server.session(client=ada()), REMOTE_USER=user)
