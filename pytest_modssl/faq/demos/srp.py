"""Demonstrations of passwords instead of certificates: TLS-SRP."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from pytest_modssl.asserts import assert_srp
from pytest_modssl.faq.demos._play import Demonstration
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.pki import srp_verifier, srp_verifier_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.faq.demos._play import Scene
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.pki import Blob
    from pytest_modssl.targets.server import Server

NAME = "www.example.test"
_USER, _PASSWORD = "alice", "open sesame"
_SRP = """
    SSLProtocol -all +TLSv1.2
    SSLCipherSuite "!DSS:!aRSA:SRP"
    SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
"""
_SEEDED = """
    SSLProtocol -all +TLSv1.2
    SSLCipherSuite "!DSS:!aRSA:SRP"
    SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
    SSLSRPUnknownUserSeed "something random"
"""
_WITHOUT_SUITES = """
    SSLProtocol -all +TLSv1.2
    SSLCipherSuite ECDHE+AESGCM
    SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
"""
_WITHOUT_FILE = """
    SSLProtocol -all +TLSv1.2
    SSLCipherSuite "ECDHE+AESGCM:SRP"
"""
_WITH_TLS_1_3 = """
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite "!DSS:!aRSA:SRP"
    SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
"""
_TLS_1_3_ALONE = """
    SSLProtocol TLSv1.3
    SSLSRPVerifierFile "${MODSSL_PKI}/users.srpv"
"""


def _users(*names: str) -> Blob:
    return srp_verifier_file(*(srp_verifier(name, _PASSWORD, info="in the office") for name in names))


def _serving(directives: str = _SRP, users: Blob | str | None = None) -> Callable[[Scene], ServerConfig]:
    def config(scene: Scene) -> ServerConfig:
        host = VirtualHost(NAME, tls=scene.ca.issue(NAME), directives=directives)
        return ServerConfig(host, pki={"users.srpv": _users(_USER) if users is None else users})

    return config


def _logs_in(server: Server, password: str = _PASSWORD, newest: str = "TLSv1.2") -> None:
    assert_srp(server, NAME, _USER, password, newest=newest, info="in the office")


def _has_srp(installation: Installation) -> bool:
    return installation.can("srp")


def _has_both(installation: Installation) -> bool:
    return installation.can("srp") and installation.can("TLSv1.3")


_demonstration = functools.partial(
    Demonstration, entry="tls-srp", remedy=_serving(), check=_logs_in, available=_has_srp
)

DEMONSTRATIONS: tuple[Demonstration, ...] = (
    Demonstration(
        entry="tls-srp",
        name="a file that is none of verifiers",
        problem=_serving(users="alice:open sesame\n"),
        remedy=_serving(),
        place="SSLSRPVerifierFile",
        number="AH02310",
        available=_has_srp,
    ),
    _demonstration(name="an unknown user", problem=_serving(users=_users("bob")), place="SSLSRPVerifierFile"),
    _demonstration(
        name="an unknown user who is not told so",
        problem=_serving(_SEEDED, _users("bob")),
        remedy=_serving(_SEEDED),
        place="SSLSRPVerifierFile",
    ),
    _demonstration(
        name="a wrong password",
        problem=_serving(),
        check=lambda server: _logs_in(server, "close sesame"),
        cure=_logs_in,
        place="SSLSRPVerifierFile",
    ),
    _demonstration(name="no suites with SRP", problem=_serving(_WITHOUT_SUITES), place="SSLCipherSuite ECDHE+AESGCM"),
    _demonstration(name="no verifier file", problem=_serving(_WITHOUT_FILE), place="VirtualHost(NAME"),
    _demonstration(
        name="TLS 1.3 taken instead",
        problem=_serving(_WITH_TLS_1_3),
        check=functools.partial(_logs_in, newest="TLSv1.3"),
        place="SSLProtocol -all +TLSv1.2 +TLSv1.3",
        available=_has_both,
    ),
    _demonstration(
        name="TLS 1.3 alone", problem=_serving(_TLS_1_3_ALONE), place="SSLProtocol TLSv1.3", available=_has_both
    ),
)
