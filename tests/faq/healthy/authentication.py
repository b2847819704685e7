"""Client certificates as they may well be demanded, and refusals of clients that are meant."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_modssl import CA, ServerConfig, VirtualHost, assert_answers, assert_client_certificate
from tests.faq.healthy._model import NAME, Healthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos import Scene
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server

URL = f"https://{NAME}/private/"
REQUEST = f"GET /private/ HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
A_PLACE = """
    <Location /private>
        SSLVerifyClient require
    </Location>
"""
FAKE = """
    SSLVerifyClient optional
    <Location /private>
        SSLOptions +FakeBasicAuth
        AuthType Basic
        AuthName "Members"
        AuthUserFile "${MODSSL_SITE}/users"
        Require valid-user
    </Location>
"""
CIPHERS = """
    SSLCipherSuite ECDHE+AES128
    <Location /private>
        SSLCipherSuite ECDHE-ECDSA-AES256-GCM-SHA384
    </Location>
"""


@cache
def _staff() -> CA:
    return CA(common_name="Example staff root")


@cache
def _ada() -> LeafCert:
    return _staff().issue_client("Ada")


@cache
def _eve() -> LeafCert:
    return CA(common_name="Example staff root").issue_client("Eve")


def _members(directives: str) -> Callable[[Scene], ServerConfig]:
    def config(scene: Scene) -> ServerConfig:
        directed = f'SSLCACertificateFile "${{MODSSL_PKI}}/clients.pem"\n{directives}'
        files = {"private/index.html": "members only\n", "users": "nobody:!\n"}
        host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directed, files=files)
        return ServerConfig(host, pki={"clients.pem": _staff().cert_pem})

    return config


def _asked(server: Server) -> None:
    # Without a protocol named: httpds before 2.4.37 have no TLS 1.3.
    for protocol in ("TLSv1.2", None):
        assert_client_certificate(server, URL, client=_ada(), protocol=protocol, refused=[_eve()])


def _asked_and_not_offered(server: Server) -> None:
    assert server.speak(NAME, REQUEST, client=_ada(), protocol="TLSv1.3").status == 403


def _somebody(server: Server) -> None:
    assert_client_certificate(
        server, f"https://{NAME}/", client=_eve(), required=False, SSL_CLIENT_VERIFY=lambda said: said != "SUCCESS"
    )


def _a_form(server: Server) -> None:
    assert_answers(server, URL, data=b"x" * 200_000)


def _a_form_that_is_refused(server: Server) -> None:
    assert server.get(URL, data=b"x" * 200_000).status_code == 413


def _an_unknown_user(server: Server) -> None:
    assert server.session(client=_ada()).get(URL).status_code == 401


def _nobody(server: Server) -> None:
    assert "REMOTE_USER" not in server.environment(f"https://{NAME}/")


def _whatever_cipher(server: Server) -> None:
    assert "SSL_CIPHER" in server.environment(URL, via="header")


HEALTHY = (
    Healthy("a client certificate for one place", _members(A_PLACE), _asked),
    Healthy("a client certificate for the host", _members("SSLVerifyClient require"), _asked),
    Healthy("a place forbidden to browsers, as is meant", _members(A_PLACE), _asked_and_not_offered),
    Healthy("certificates of any CA, as is meant", _members("SSLVerifyClient optional_no_ca"), _somebody),
    Healthy("a form for a host with client certificates", _members("SSLVerifyClient optional"), _a_form),
    Healthy(
        "a form that is refused, as is meant",
        _members("SSLProtocol TLSv1.2" + A_PLACE.replace("require", "optional")),
        _a_form_that_is_refused,
    ),
    Healthy("a client that FakeBasicAuth does not know, as is meant", _members(FAKE), _an_unknown_user),
    Healthy("no user, where nobody minds", _members("SSLUserName SSL_CLIENT_S_DN_CN"), _nobody),
    Healthy("a cipher suite for one place", _members(CIPHERS), _whatever_cipher),
)
