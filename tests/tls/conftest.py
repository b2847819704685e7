"""Real servers for the tests of TLS clients: by their address alone, since these know nothing of servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.pki import CA, dh_parameters
from pytest_modssl.targets.pool import Pool
from tests.tls.watched_httpd import WatchedHttpd, watched_httpd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_modssl import Server
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.local import LocalTarget

NAME = "www.example.test"
ALL_SUITES = "SSLCipherSuite ALL:@SECLEVEL=0"
"""What makes httpd accept every suite that its OpenSSL has, but anonymous, NULL and export ones."""


@dataclass(frozen=True)
class Httpd:
    server: Server

    @property
    def address(self) -> tuple[str, int]:
        return self.server.address(8443)

    @property
    def root(self) -> Path:
        return self.server.instance.folder

    def log(self) -> str:
        return "\n".join(record.raw for record in self.server.log.records)


class StartHttpd(Protocol):
    def __call__(self, directives: str = "", *, certificates: Sequence[LeafCert] = ()) -> Httpd: ...


@pytest.fixture(scope="session")
def tls_ca() -> CA:
    return CA(common_name="Probe Root")


@pytest.fixture(scope="session")
def rsa_leaf(tls_ca: CA) -> LeafCert:
    return tls_ca.issue(NAME, key_type="rsa-2048")


@pytest.fixture(scope="session")
def ecdsa_leaf(tls_ca: CA) -> LeafCert:
    return tls_ca.issue(NAME)


@pytest.fixture(scope="session")
def dh1024_leaf(rsa_leaf: LeafCert) -> LeafCert:
    return rsa_leaf.with_dh_parameters(dh_parameters("rfc2409-1024"))


@pytest.fixture(scope="session")
def start_httpd(local_target: LocalTarget, tls_ca: CA, rsa_leaf: LeafCert) -> Iterator[StartHttpd]:
    """Starts httpd with these directives in its TLS host; the same ones are started once."""
    pool = Pool(local_target)

    def start(directives: str = "", *, certificates: Sequence[LeafCert] = ()) -> Httpd:
        host = VirtualHost(NAME, port=8443, tls=tuple(certificates) or rsa_leaf, directives=directives)
        return Httpd(pool.get(ServerConfig(host, pki={"ca.pem": tls_ca.cert_pem}), "the session"))

    yield start
    pool.close()


@pytest.fixture(scope="session")
def httpd(local_target: LocalTarget) -> Iterator[WatchedHttpd]:
    with watched_httpd(local_target) as server:
        yield server
