"""Demonstrations of what rests on a client certificate: its demand for one request, its verification, its user."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pytest_modssl.asserts import (
    assert_answers,
    assert_answers_by_hand,
    assert_client_certificate,
    assert_ssl_env,
)
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.httpd.features import has_feature
from pytest_modssl.pki import CA

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
URL = f"https://{NAME}/private/"
_CLIENTS = """
    SSLCACertificateFile "${MODSSL_PKI}/clients.pem"
"""
_IN_A_PLACE = """
    <Location /private>
        SSLVerifyClient require
    </Location>
"""
_IN_ANOTHER_PLACE = """
    <Location /secret>
        SSLVerifyClient require
    </Location>
"""
_OF_THE_HOST = """
    SSLVerifyClient optional
    <Location /private>
        Require ssl-verify-client
    </Location>
"""
_OPTIONAL_THERE = """
    <Location /private>
        SSLVerifyClient optional
    </Location>
"""
_OPTIONAL = """
    SSLVerifyClient optional
"""
# Old versions keep bodies only where they renegotiate.
_RENEGOTIATING = """
    SSLProtocol TLSv1.2
    <Location /private>
        SSLVerifyClient optional
    </Location>
"""
_SMALL_BUFFER = """
    SSLProtocol TLSv1.2
    <Location /private>
        SSLVerifyClient optional
        SSLRenegBufferSize 100
    </Location>
"""
_ANY_CA = """
    SSLVerifyClient optional_no_ca
"""
_FAKE = """
    SSLVerifyClient require
    <Location /private>
        SSLOptions +FakeBasicAuth
        AuthType Basic
        AuthName "Members"
        AuthUserFile "${MODSSL_SITE}/users"
        Require valid-user
    </Location>
"""
_USER_BY_EMAIL = """
    SSLVerifyClient require
    SSLUserName SSL_CLIENT_SAN_Email_0
"""
_USER_BY_NAME = """
    SSLVerifyClient require
    SSLUserName SSL_CLIENT_S_DN_CN
"""
_STRONG_THERE = """
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite ECDHE+AES128
    <Location /private>
        SSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384
    </Location>
"""
_STRONG_THERE_12 = """
    SSLProtocol TLSv1.2
    SSLCipherSuite ECDHE+AES128
    <Location /private>
        SSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384
    </Location>
"""
_PASSWORD = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="  # noqa: S105 - the word "password", which is no secret here
_OTHER_PASSWORD = "{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk="  # noqa: S105 - the empty one


@functools.cache
def _staff() -> CA:
    """The CA of the client certificates."""
    return CA(common_name="Example staff root")


@functools.cache
def _ada() -> LeafCert:
    return _staff().issue_client("Ada", subject={"O": "Example"})


def _host(scene: Scene, directives: str, users: str = "") -> ServerConfig:
    files = {"private/index.html": "members only\n", "users": users}
    host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=_CLIENTS + directives, files=files)
    return ServerConfig(host, pki={"clients.pem": _staff().cert_pem})


def _ada_is_let_in(server: Server, *, like_a_browser: bool = False, protocol: str | None = None) -> None:
    assert_client_certificate(server, URL, client=_ada(), protocol=protocol, post_handshake_auth=not like_a_browser)


def _ada_is_verified(server: Server) -> None:
    assert_client_certificate(server, f"https://{NAME}/", client=_ada(), required=False)


def _anybody_is_let_in(server: Server, protocol: str) -> None:
    request = f"GET /private/ HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
    assert_answers_by_hand(server, NAME, request, protocol=protocol, post_handshake_auth=True)


def _a_form_is_taken(server: Server) -> None:
    assert_answers(server, URL, data=b"x" * 200_000)


def _ada_is_the_user(server: Server) -> None:
    assert_ssl_env(server, f"https://{NAME}/", session=server.session(client=_ada()), REMOTE_USER="Ada")


def _the_strong_cipher_is_used(server: Server) -> None:
    assert_ssl_env(server, URL, via="header", SSL_CIPHER="ECDHE-ECDSA-AES256-GCM-SHA384")


def _speaks_tls13(installation: Installation) -> bool:
    return has_feature(installation, "TLSv1.3")


DEMONSTRATIONS = (
    Demonstration(
        entry="client-certificate-not-demanded",
        problem=lambda scene: _host(scene, _IN_ANOTHER_PLACE),
        remedy=lambda scene: _host(scene, _IN_A_PLACE),
        check=_ada_is_let_in,
        place="SSLVerifyClient require",
    ),
    Demonstration(
        entry="client-certificate-not-demanded",
        name="nowhere",
        problem=lambda scene: _host(scene, ""),
        remedy=lambda scene: _host(scene, _IN_A_PLACE),
        check=_ada_is_let_in,
        place="VirtualHost(NAME",
    ),
    *(
        Demonstration(
            entry="client-certificate-missing",
            name=f"in a location, {protocol}",
            problem=lambda scene: _host(scene, _IN_A_PLACE),
            remedy=lambda scene: _host(scene, _OPTIONAL_THERE),
            check=functools.partial(_anybody_is_let_in, protocol=protocol),
            place="SSLVerifyClient require",
            number=number,
            available=_speaks_tls13,
        )
        for protocol, number in (("TLSv1.2", "AH02261"), ("TLSv1.3", "AH02263"))
    ),
    Demonstration(
        entry="post-handshake-auth-missing",
        problem=lambda scene: _host(scene, _IN_A_PLACE),
        remedy=lambda scene: _host(scene, _OF_THE_HOST),
        check=functools.partial(_ada_is_let_in, like_a_browser=True),
        place="SSLVerifyClient require",
        number="AH10158",
        available=_speaks_tls13,
    ),
    Demonstration(
        entry="body-before-client-certificate",
        problem=lambda scene: _host(scene, _RENEGOTIATING),
        remedy=lambda scene: _host(scene, _OPTIONAL),
        check=_a_form_is_taken,
        place="SSLVerifyClient optional",
        number="AH02018",
    ),
    Demonstration(
        entry="body-before-client-certificate",
        name="a small buffer",
        problem=lambda scene: _host(scene, _SMALL_BUFFER),
        remedy=lambda scene: _host(scene, _OPTIONAL),
        check=_a_form_is_taken,
        place="SSLRenegBufferSize 100",
        number="AH02018",
    ),
    Demonstration(
        entry="client-certificate-not-verified",
        problem=lambda scene: ServerConfig(VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=_ANY_CA)),
        remedy=lambda scene: _host(scene, _OPTIONAL),
        check=_ada_is_verified,
        place="SSLVerifyClient optional_no_ca",
    ),
    Demonstration(
        entry="fake-basic-auth-user",
        problem=lambda scene: _host(scene, _FAKE, users=f"CN=Ada,O=Example:{_PASSWORD}\n"),
        remedy=lambda scene: _host(scene, _FAKE, users=f"/O=Example/CN=Ada:{_PASSWORD}\n"),
        check=_ada_is_let_in,
        place="AuthUserFile",
        number="AH01618",
    ),
    Demonstration(
        entry="fake-basic-auth-user",
        name="another password",
        problem=lambda scene: _host(scene, _FAKE, users=f"/O=Example/CN=Ada:{_OTHER_PASSWORD}\n"),
        remedy=lambda scene: _host(scene, _FAKE, users=f"/O=Example/CN=Ada:{_PASSWORD}\n"),
        check=_ada_is_let_in,
        place="AuthUserFile",
        number="AH01617",
    ),
    Demonstration(
        entry="user-name-missing",
        problem=lambda scene: _host(scene, _USER_BY_EMAIL),
        remedy=lambda scene: _host(scene, _USER_BY_NAME),
        check=_ada_is_the_user,
        place="SSLUserName",
        number="AH02227",
    ),
    Demonstration(
        entry="ciphers-of-a-location",
        problem=lambda scene: _host(scene, _STRONG_THERE),
        remedy=lambda scene: _host(scene, _STRONG_THERE_12),
        check=_the_strong_cipher_is_used,
        place="SSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384",
        available=_speaks_tls13,
    ),
)
