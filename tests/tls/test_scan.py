from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import names
from pytest_modssl.tls.messages import parse_client_hello
from pytest_modssl.tls.records import HandshakeMessage, HandshakeReader, Record, RecordReader
from pytest_modssl.tls.scan import scan

from .conftest import ALL_SUITES, NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.pki import CA, LeafCert

    from .conftest import Httpd, StartHttpd

PROTOCOLS = "SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLHonorCipherOrder on"
REQUIRE = 'SSLVerifyClient require\nSSLCACertificateFile "${MODSSL_PKI}/ca.pem"'
TLS13_SUITES = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)


@contextlib.contextmanager
def compressing_peer() -> Iterator[tuple[str, int]]:
    """A server of TLS 1.2 that accepts one suite, and compresses for clients that offer it."""
    suite = names.cipher_suite("AES128-SHA").code

    def answer(data: bytes) -> bytes:
        (record,) = RecordReader().feed(data)
        (message,) = HandshakeReader().feed(record.payload)
        hello = parse_client_hello(message.body)
        if hello.versions != (0x0303,) or suite not in hello.cipher_suites:
            return Record(21, 0x0303, bytes([2, names.ALERTS["handshake_failure"]])).to_bytes()
        selected = b"\x03\x03" + bytes(33) + suite.to_bytes(2, "big") + bytes([max(hello.compressions)])
        done = HandshakeMessage(2, selected).to_bytes() + HandshakeMessage(14, b"").to_bytes()
        return Record(22, 0x0303, done).to_bytes()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    if data := connection.recv(65536):
                        connection.sendall(answer(data))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(params=["", REQUIRE], ids=["open", "client-certificate-required"])
def generous(
    request: pytest.FixtureRequest, start_httpd: StartHttpd, rsa_leaf: LeafCert, ecdsa_leaf: LeafCert
) -> Httpd:
    """Accepts every suite of TLS 1.2 and 1.3 that its OpenSSL has."""
    return start_httpd(f"{ALL_SUITES}\n{PROTOCOLS}\n{request.param}", certificates=[rsa_leaf, ecdsa_leaf])


def openssl_of(server: Httpd, *arguments: str) -> str:
    """What the program `openssl` that goes with a server's library says: its own where it is not the machine's."""
    installation = server.server.installation
    own = [*installation.prefix, str(installation.binary.parents[1] / "bin" / "openssl")]
    command = own if installation.prefix else ["openssl"]
    environment = {**os.environ, **installation.environment}
    run = subprocess.run([*command, *arguments], input="", env=environment, capture_output=True, text=True, check=False)
    return run.stdout


def suites_of_openssl(server: Httpd, version: str) -> list[str]:
    return openssl_of(server, "ciphers", "-s", version, "ALL:COMPLEMENTOFALL:@SECLEVEL=0").strip().split(":")


def completed_tls12(server: Httpd, client: LeafCert, folder: Path) -> set[str]:
    """The suites of TLS 1.2 with which a whole handshake succeeds, tried one by one with another library.

    That which other versions of OpenSSL do not have (SEED since 3.0) is tried with the server's own.
    """
    client.cert_file_pem.write_to_path(folder / "crt")
    client.key_file_pem.write_to_path(folder / "key")
    done = set()
    by_hand = ["s_client", "-connect", "{}:{}".format(*server.address), "-servername", NAME, "-tls1_2"]
    by_hand += ["-cert", str(folder / "crt"), "-key", str(folder / "key")]
    for suite in suites_of_openssl(server, "-tls1_2"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(folder / "crt", folder / "key")
        try:
            context.set_ciphers(f"{suite}:@SECLEVEL=0")
        except ssl.SSLError:
            if f"Cipher is {suite}" in openssl_of(server, *by_hand, "-cipher", f"{suite}:@SECLEVEL=0"):
                done.add(suite)
            continue
        with (
            contextlib.suppress(ssl.SSLError),
            socket.create_connection(server.address) as raw,
            context.wrap_socket(raw, server_hostname=NAME) as connection,
        ):
            done.add((connection.cipher() or ("",))[0])
    return done


def completed_tls13(server: Httpd) -> set[str]:
    """The same for TLS 1.3; the server refuses a missing client certificate only after this client's handshake."""
    host, port = server.address
    command = ["openssl", "s_client", "-connect", f"{host}:{port}", "-servername", NAME, "-tls1_3", "-ciphersuites"]
    done = set()
    for suite in TLS13_SUITES:
        run = subprocess.run([*command, suite], input="", capture_output=True, text=True, check=False)
        if f"New, TLSv1.3, Cipher is {suite}" in run.stdout:
            done.add(suite)
    return done


def test_every_suite_with_which_a_handshake_succeeds_is_found(generous: Httpd, tls_ca: CA, tmp_path: Path) -> None:
    found = scan(generous.address, NAME)
    assert found.protocols == ("TLSv1.3", "TLSv1.2")
    assert set(found.suites["TLSv1.2"]) == completed_tls12(generous, tls_ca.issue_client("Alice"), tmp_path)
    assert set(found.suites["TLSv1.3"]) == completed_tls13(generous)
    assert sum(map(len, found.suites.values())) == len(set().union(*found.suites.values()))
    # Debian's builds; SEED went with 3.0 (measured on 1.1.1w and 3.0.22).
    library = str(generous.server.installation.openssl)
    known = {"1.1": 64, "3.0": 62}.get(library[:3])
    assert known in {None, sum(map(len, found.suites.values()))}


def test_the_suites_come_in_the_servers_order(generous: Httpd) -> None:
    found = scan(generous.address, NAME)
    assert found.server_order == {"TLSv1.3": True, "TLSv1.2": True}
    order = suites_of_openssl(generous, "-tls1_2")
    assert list(found.suites["TLSv1.2"]) == sorted(found.suites["TLSv1.2"], key=order.index)
    assert list(found.suites["TLSv1.3"]) == [suite for suite in TLS13_SUITES if suite in found.suites["TLSv1.3"]]


def test_chains_and_the_demand_for_a_client_certificate_are_seen(
    generous: Httpd, rsa_leaf: LeafCert, ecdsa_leaf: LeafCert, request: pytest.FixtureRequest
) -> None:
    found = scan(generous.address, NAME)
    assert {kind: chain[0] for kind, chain in found.certificates.items()} == {
        "RSA": rsa_leaf.der,
        "ECDSA": ecdsa_leaf.der,
    }
    required = "SSLVerifyClient" in (generous.root / "httpd.conf").read_text()
    assert found.client_certificate is required
    assert ("asks for a client certificate" in str(found)) is required


def test_62_suites_take_less_than_a_hundred_connections(generous: Httpd) -> None:
    """What a scan costs is its connections, half a millisecond each; `make bench` measures the time."""
    assert scan(generous.address, NAME).connections < 100


def test_an_own_order_of_suites_and_groups_is_read(start_httpd: StartHttpd) -> None:
    suites = ("DHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-GCM-SHA256")
    server = start_httpd(
        f"SSLCipherSuite {':'.join(suites)}\nSSLCipherSuite TLSv1.3 TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384\n"
        f"SSLOpenSSLConfCmd Curves X448:P-384:X25519\n{PROTOCOLS}"
    )
    found = scan(server.address, NAME)
    assert found.suites == {"TLSv1.3": ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"), "TLSv1.2": suites}
    assert found.groups["TLSv1.3"] == found.groups["TLSv1.2"] == ("x448", "secp384r1", "x25519")
    assert found.dh_bits == 2048


def test_compression_is_found(start_httpd: StartHttpd) -> None:
    with compressing_peer() as address:
        found = scan(address)
    assert found.suites == {"TLSv1.2": ("AES128-SHA",)}
    assert found.compression == "DEFLATE"
    assert "compresses: DEFLATE" in str(found)
    found = scan(start_httpd(PROTOCOLS).address, NAME)
    assert found.compression == "NULL"
    assert "compresses" not in str(found)
    assert scan(start_httpd("SSLProtocol TLSv1.3").address, NAME).compression is None


def test_where_the_clients_order_decides_that_is_told(start_httpd: StartHttpd) -> None:
    server = start_httpd("SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLHonorCipherOrder off")
    found = scan(server.address, NAME)
    assert found.server_order == {"TLSv1.3": False, "TLSv1.2": False}
    assert "the client's order decides" in str(found)


def test_one_suite_alone_has_no_order(start_httpd: StartHttpd) -> None:
    server = start_httpd("SSLProtocol TLSv1.2\nSSLCipherSuite AES128-SHA")
    found = scan(server.address, NAME)
    assert found.suites == {"TLSv1.2": ("AES128-SHA",)}
    assert found.server_order == {"TLSv1.2": None}
    assert found.groups == {"TLSv1.2": ()}
    assert found.dh_bits is None


def test_the_prime_in_force_is_told(start_httpd: StartHttpd, dh1024_leaf: LeafCert) -> None:
    found = scan(start_httpd(f"{ALL_SUITES}\n{PROTOCOLS}", certificates=[dh1024_leaf]).address, NAME)
    assert found.dh_bits == 1024
    assert "DHE primes: 1024 bits" in str(found)


def test_old_protocols_are_found(start_httpd: StartHttpd) -> None:
    found = scan(start_httpd(f"{ALL_SUITES}\nSSLProtocol all").address, NAME)
    assert found.protocols == ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1")
    assert "DHE-RSA-AES128-SHA" in found.suites["TLSv1"]
    assert "DHE-RSA-AES128-GCM-SHA256" not in found.suites["TLSv1.1"]


def test_a_server_that_falls_back_to_an_older_protocol_does_not_accept_the_newer(start_httpd: StartHttpd) -> None:
    found = scan(start_httpd(f"{ALL_SUITES}\nSSLProtocol -all +TLSv1.1").address, NAME)
    assert found.protocols == ("TLSv1.1",)


@pytest.mark.parametrize(
    ("order", "groups"),
    [
        ("on", ("x25519", "secp256r1")),
        ("off", ("x25519", "secp256r1", "secp384r1", "secp521r1", "x448")),
    ],
)
def test_a_server_with_an_ecdsa_key_alone_shows_the_groups_that_it_can_use(
    start_httpd: StartHttpd, ecdsa_leaf: LeafCert, order: str, groups: tuple[str]
) -> None:
    """OpenSSL 3.0 refuses an ECDSA key whose curve the client does not offer, also where the group is another one."""
    server = start_httpd(f"SSLProtocol TLSv1.2\nSSLHonorCipherOrder {order}", certificates=[ecdsa_leaf])
    found = scan(server.address, NAME)
    assert found.groups == {"TLSv1.2": groups}
    assert set(found.certificates) == {"ECDSA"}


@pytest.mark.parametrize("seed", ["", "SSLSRPUnknownUserSeed secret"], ids=["alert", "hidden"])
def test_srp_suites_are_found_without_a_user(
    start_httpd: StartHttpd, tmp_path_factory: pytest.TempPathFactory, seed: str
) -> None:
    verifiers = tmp_path_factory.mktemp("srp") / "verifiers"
    verifiers.touch()
    adding = ["openssl", "srp", "-srpvfile", str(verifiers), "-add", "-passout", "pass:secret", "alice"]
    subprocess.run(adding, check=True, capture_output=True)
    server = start_httpd(f"{ALL_SUITES}\nSSLProtocol TLSv1.2\nSSLSRPVerifierFile {verifiers}\n{seed}")
    found = scan(server.address, NAME)
    assert {suite for suite in found.suites["TLSv1.2"] if "SRP" in suite} == {
        "SRP-AES-128-CBC-SHA",
        "SRP-AES-256-CBC-SHA",
        "SRP-RSA-AES-128-CBC-SHA",
        "SRP-RSA-AES-256-CBC-SHA",
    }
    assert "AES128-SHA" in found.suites["TLSv1.2"]


def test_the_table_shows_each_suite_and_group(generous: Httpd) -> None:
    text = str(scan(generous.address, NAME))
    host, port = generous.address
    assert text.startswith(f"{host}:{port} ({NAME}) accepts TLSv1.3, TLSv1.2\n")
    assert "    ECDHE-ECDSA-AES256-GCM-SHA384    ECDHE     ECDSA AES_256_GCM\n" in text
    assert "groups: x25519, secp256r1" in text
    assert "TLSv1.3: 3 cipher suites, the server's order" in text


@contextlib.contextmanager
def answering(reply: bytes | None) -> Iterator[tuple[str, int]]:
    """A server that gives every connection the same answer; None: keeps silent until the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                if reply is None:
                    kept.append(connection)
                    continue
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", r"Not TLS.*It answered b'HTTP/1.1 400 Bad Request"),
        (None, r"no \(whole\) answer within 0\.[\d.]+ s \(timeout\)"),
        (bytes.fromhex("160303002a020000260303" + "00" * 32 + "00" + "fafa" + "00"), "0xfafa, which was not offered"),
    ],
    ids=["plain-http", "silent", "suite-not-offered"],
)
def test_a_port_that_does_not_speak_tls_is_an_error(reply: bytes | None, said: str) -> None:
    with answering(reply) as address, pytest.raises(TlsError, match=said):
        scan(address, timeout=0.2)


def test_a_closed_port_is_an_error() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(TlsError, match=r"connection refused.*\(refused\)"):
            scan(bound.getsockname())


def test_a_server_that_refuses_everything_accepts_nothing() -> None:
    with answering(bytes.fromhex("15030300020228")) as address:
        found = scan(address)
    assert found.protocols == ()
    assert "accepts no protocol" in str(found)
    assert found.client_certificate is None
