"""Demonstrations of HTTP and HTTPS side by side, of their ports, and of HTTPS by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts import (
    assert_answers,
    assert_answers_by_hand,
    assert_no_redirect_loop,
    assert_switches_to_https,
)
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
PAGES = {"folder/index.html": "a page\n"}

EVERYWHERE = """
    SSLEngine on
    SSLCertificateFile "${MODSSL_PKI}/server.pem"
"""


def _tls_everywhere(scene: Scene) -> ServerConfig:
    leaf = scene.ca.issue(NAME)
    return ServerConfig(
        VirtualHost(NAME),
        VirtualHost(NAME, tls=leaf),
        directives=EVERYWHERE,
        pki={"server.pem": leaf.private_key_and_cert_chain_pem},
    )


def _side_by_side(scene: Scene) -> ServerConfig:
    return ServerConfig(VirtualHost(NAME), VirtualHost(NAME, tls=scene.ca.issue(NAME)))


def _both_answer(server: Server) -> None:
    assert_answers(server, f"https://{NAME}/")
    assert_answers(server, f"http://{NAME}/")


def _on_8443(scene: Scene, *, plain: str = "", tls: str = "") -> ServerConfig:
    return ServerConfig(
        VirtualHost(NAME, directives=plain),
        VirtualHost(NAME, port=8443, tls=scene.ca.issue(NAME), directives=tls, files=PAGES),
    )


def _typed(server: Server) -> None:
    assert_answers_by_hand(server, NAME, f"GET / HTTP/1.1\nHost: {NAME}\nConnection: close\n\n".encode())


def _typed_with_crlf(server: Server) -> None:
    assert_answers_by_hand(server, NAME, f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode())


def _typed_without_host(server: Server) -> None:
    assert_answers_by_hand(server, NAME, b"GET / HTTP/1.0\r\n\r\n")


DEMONSTRATIONS = (
    Demonstration(
        entry="http-and-https",
        problem=_tls_everywhere,
        remedy=_side_by_side,
        check=_both_answer,
        place="SSLEngine on",
        number="AH01996",
        also=("connection-hangs",),
    ),
    Demonstration(
        entry="https-port",
        name="a redirect without the port",
        problem=lambda scene: _on_8443(scene, plain="Redirect / https://www.example.test/"),
        remedy=lambda scene: _on_8443(scene, plain="Redirect / https://www.example.test:8443/"),
        check=lambda server: assert_switches_to_https(server, f"http://{NAME}/", to=f"https://{NAME}:8443/"),
        place="Redirect / https://www.example.test/",
    ),
    Demonstration(
        entry="https-port",
        name="a name without the port",
        problem=lambda scene: _on_8443(scene, tls="ServerName https://www.example.test\nUseCanonicalName on"),
        remedy=lambda scene: _on_8443(scene, tls="ServerName https://www.example.test:8443\nUseCanonicalName on"),
        check=lambda server: assert_no_redirect_loop(server, f"https://{NAME}:8443/folder"),
        place="ServerName https://www.example.test",
    ),
    Demonstration(
        entry="https-port",
        name="a URL without the port",
        problem=_on_8443,
        remedy=_on_8443,
        check=lambda server: assert_answers(server, f"https://{NAME}/"),
        cure=lambda server: assert_answers(server, f"https://{NAME}:8443/"),
        place="VirtualHost(NAME, port=8443",
    ),
    Demonstration(
        entry="speak-https-by-hand",
        name="lines that end by LF",
        problem=_side_by_side,
        remedy=_side_by_side,
        check=_typed,
        cure=_typed_with_crlf,
    ),
    Demonstration(
        entry="speak-https-by-hand",
        name="no Host field",
        problem=_side_by_side,
        remedy=_side_by_side,
        check=_typed_without_host,
        cure=_typed_with_crlf,
        number="AH02031",
    ),
)
