"""How fast servers are looked at, and certificates made."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bench import bare
from bench.figures import Figure, medians, seconds, timed
from bench.place import NAME
from pytest_modssl import CA, ServerConfig, VirtualHost
from pytest_modssl.tls import client_hello

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.place import Bench
    from pytest_modssl import Server

_SCANS = 7
_ROUNDS = 15
_BATCH = 20
# Every suite of TLS 1.2 and 1.3 that this OpenSSL has, anonymous and NULL ones excepted: mod_ssl refuses those.
ALL_SUITES = "SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLHonorCipherOrder on\nSSLCipherSuite ALL:@SECLEVEL=0"
REQUIRE = 'SSLVerifyClient require\nSSLCACertificateFile "${MODSSL_PKI}/ca.pem"'


def measure(bench: Bench) -> Iterator[Figure]:
    yield scan(bench, "", "scan()")
    yield scan(bench, REQUIRE, "scan(), SSLVerifyClient require")
    yield handshake(bench)
    yield leaf(bench)


def scan(bench: Bench, directives: str, what: str) -> Figure:
    """The peer makes as many connections, each with one hello that is made already, and reads the first answer."""
    leaves = [bench.ca.issue(NAME, key_type="rsa-2048"), bench.ca.issue(NAME)]
    host = VirtualHost(NAME, tls=leaves, directives=f"{ALL_SUITES}\n{directives}")
    with _launched(bench, ServerConfig(host, pki={"ca.pem": bench.ca.cert_pem})) as server:
        found = server.scan(NAME)
        hello = client_hello(NAME, versions=("TLSv1.2",))

        def peer() -> None:
            for _ in range(found.connections):
                with socket.create_connection(server.address()) as connection:
                    connection.sendall(hello)
                    assert connection.recv(16_384)[0] == 22

        mine, other = medians(lambda: timed(lambda: server.scan(NAME)), lambda: timed(peer), rounds=_SCANS)
    count = sum(map(len, found.suites.values()))
    return Figure(
        what=f"{what}, {count} suites in {found.connections} connections",
        ours=seconds(mine),
        bare=seconds(other),
        ratio=f"{mine / other:.2f}",
        bar="<= 100 ms",
        reached=mine <= 0.1,
    )


def handshake(bench: Bench) -> Figure:
    """Both verify chain and name, exchange close_notify, and wait for the end of the connection."""
    client = bare.context(bench.ca.cert_pem.bytes())
    with _launched(bench, bench.config()) as server:
        address = server.address()

        def ours() -> None:
            for _ in range(_BATCH):
                seen = server.handshake(NAME)
                assert seen.verification.ok
                assert seen.hostname_ok

        def peer() -> None:
            for _ in range(_BATCH):
                bare.polite_handshake(address, client, NAME)

        ours()
        mine, other = medians(lambda: timed(ours) / _BATCH, lambda: timed(peer) / _BATCH, rounds=_ROUNDS)
    return Figure(
        what="verified handshake, against stdlib ssl",
        ours=seconds(mine),
        bare=seconds(other),
        ratio=f"{mine / other:.2f}",
        bar="<= 2",
        reached=mine / other <= 2,
    )


def leaf(bench: Bench) -> Figure:
    """With a key of its own, both as PEM; the peer does with `cryptography` what ours has to do with it."""
    key = ec.generate_private_key(ec.SECP256R1())

    def ours() -> None:
        for _ in range(_BATCH):
            issued = bench.ca.issue(NAME)
            assert issued.cert_file_pem.bytes()
            assert issued.key_file_pem.bytes()

    def peer() -> None:
        for _ in range(_BATCH):
            _bare_leaf(bench.ca, key)

    mine, other = medians(lambda: timed(ours) / _BATCH, lambda: timed(peer) / _BATCH, rounds=_ROUNDS)
    return Figure(
        what="EC leaf certificate and key as PEM",
        ours=seconds(mine),
        bare=seconds(other),
        ratio=f"{mine / other:.2f}",
        bar="<= 1 ms",
        reached=mine <= 0.001,
    )


def _bare_leaf(ca: CA, issuer: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.timezone.utc)
    no, public = False, key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]))
        .issuer_name(ca.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, no, no, no, no, no, no, no, no), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(issuer, hashes.SHA256())
    )
    assert certificate.public_bytes(Encoding.PEM)
    assert key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@contextlib.contextmanager
def _launched(bench: Bench, config: ServerConfig) -> Iterator[Server]:
    server = bench.target.launch(config)
    try:
        yield server
    finally:
        server.stop()
