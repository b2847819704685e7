"""Assertions on suites, groups and policies, on a real server: each mismatch is told, by protocol."""

from __future__ import annotations

import contextlib
import functools
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl import (
    HttpdNotFoundError,
    ModsslAssertionError,
    PolicyError,
    ServerConfig,
    TlsError,
    VirtualHost,
    assert_ciphers,
    assert_groups,
    assert_handshake,
    assert_policy,
    requires,
    tls,
)
from pytest_modssl.httpd.library import listed_suites
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_modssl.pki import CA
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server

pytestmark = requires(feature="TLSv1.3")

NAME = "www.example.test"
STRING = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-SHA"
ORDERED = f"SSLProtocol -all +TLSv1.2 +TLSv1.3\nSSLHonorCipherOrder on\nSSLCipherSuite {STRING}"


@pytest.fixture(scope="module")
def leaves(modssl_ca: CA) -> list[Any]:
    return [modssl_ca.issue(NAME, key_type=one) for one in ("rsa-2048", "ec-p256")]


@pytest.fixture
def server(modssl_server_factory: Callable[[ServerConfig], Server], leaves: list[Any]) -> Server:
    return modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=leaves, directives=ORDERED)))


def told(call: Callable[[], object]) -> list[tuple[str, str, str]]:
    with pytest.raises(ModsslAssertionError) as caught:
        call()
    return [(one.what, one.expected, one.seen) for one in caught.value.mismatches]


def test_what_is_as_expected_passes_and_gives_the_scan(server: Server) -> None:
    seen = assert_ciphers(
        server,
        name=NAME,
        protocols=["TLSv1.2", "TLSv1.3"],
        only={"TLSv1.2": ["ECDHE+AEAD", "AES128-SHA"], "TLSv1.3": "AEAD"},
        never=["aNULL", "eNULL", "RC4", "3DES", "EXP"],
        accepts=["ECDHE-RSA-AES128-GCM-SHA256", "aECDSA"],
        ordered={"TLSv1.2": ["ECDHE+AESGCM", "CHACHA20", "kRSA"]},
    )
    assert seen.suites["TLSv1.2"][-1] == "AES128-SHA"


def test_every_mismatch_is_told_by_protocol(server: Server) -> None:
    chacha20 = "ECDHE-ECDSA-CHACHA20-POLY1305, ECDHE-RSA-CHACHA20-POLY1305"
    found = told(
        lambda: assert_ciphers(
            server,
            NAME,
            protocols=["TLSv1.3"],
            only={"TLSv1.2": ["CHACHA20", "kRSA", "aECDSA"]},
            never=["SHA1", "CHACHA20"],
            accepts={"TLSv1.2": ["CAMELLIA"], "TLSv1.1": ["AES"]},
            ordered={"TLSv1.2": ["kRSA"]},
        )
    )
    assert found == [
        ("protocols", "TLSv1.3", "TLSv1.3, TLSv1.2"),
        ("cipher suites of TLSv1.3", "none of SHA1, CHACHA20", "TLS_CHACHA20_POLY1305_SHA256"),
        (
            "cipher suites of TLSv1.2",
            "only CHACHA20, kRSA, aECDSA",
            "ECDHE-RSA-AES256-GCM-SHA384, ECDHE-RSA-AES128-GCM-SHA256",
        ),
        ("cipher suites of TLSv1.2", "none of SHA1, CHACHA20", f"{chacha20}, AES128-SHA"),
        ("order of the cipher suites of TLSv1.2", "kRSA", "ECDHE-ECDSA-AES256-GCM-SHA384 before AES128-SHA"),
        ("cipher suites of TLSv1.2", "some of CAMELLIA", ", ".join(server.scan(NAME).suites["TLSv1.2"])),
        ("cipher suites of TLSv1.1", "some of AES", "no TLSv1.1"),
    ]


def test_whose_order_decides_is_seen(server: Server) -> None:
    assert_ciphers(server, NAME, ordered=True)
    assert told(lambda: assert_ciphers(server, NAME, ordered=False)) == [
        (f"order of the cipher suites of {one}", "the client's order", "the server's order")
        for one in ("TLSv1.3", "TLSv1.2")
    ]


def test_the_list_of_its_own_library_is_what_the_server_accepts(server: Server) -> None:
    if server.installation.openssl_command is None:
        pytest.skip(f"no program openssl came with {server.installation.id}")
    assert_ciphers(server, NAME, listed=STRING)
    found = told(lambda: assert_ciphers(server, NAME, listed="ECDHE+AESGCM:CAMELLIA256-SHA"))
    what = "cipher suites of TLSv1.2 against its own library's list of ECDHE+AESGCM:CAMELLIA256-SHA"
    assert [one for one in found if one[0] == what] == [
        (what, "CAMELLIA256-SHA", "that they are not accepted"),
        (what, "no others", "ECDHE-ECDSA-CHACHA20-POLY1305, ECDHE-RSA-CHACHA20-POLY1305, AES128-SHA"),
    ]


def test_without_a_program_of_its_own_library_a_list_cannot_be_compared(
    modssl_target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(modssl_target.installation), "openssl_command", None)
    with pytest.raises(HttpdNotFoundError, match=r"none came with .*Install it there"):
        listed_suites(modssl_target.installation, "HIGH", "TLSv1.2")


@pytest.mark.parametrize(
    "wrong", [{"never": ["RC5"]}, {"only": {"TLSv1.4": ["AES"]}}, {"ordered": "AESGMC"}, {"protocols": ["TLS"]}]
)
def test_what_does_not_exist_is_told_before_the_server_is_asked(server: Server, wrong: dict[str, Any]) -> None:
    with pytest.raises(TlsError, match=r"no kind of them|No protocol is called"):
        assert_ciphers(server, NAME, **wrong)
    assert not server.observations


def test_groups_are_compared_by_protocol(server: Server) -> None:
    assert_groups(server, NAME, accepts=["x25519", "secp256r1"], never=["secp192r1"], ordered=["x25519", "secp256r1"])
    found = told(lambda: assert_groups(server, NAME, only=["x25519"], accepts=["sect163k1"]))
    assert found[0][:2] == ("groups of TLSv1.3", "none but x25519")
    assert "secp256r1" in found[0][2]
    assert found[1][:2] == ("groups of TLSv1.3", "sect163k1")
    with pytest.raises(TlsError, match="No group is called 'P-256'"):
        assert_groups(server, NAME, only=["P-256"])


def test_hybrids_with_ml_kem_are_seen_where_openssl_has_them(server: Server) -> None:
    version = server.installation.openssl
    if version is not None and version[:2] >= (3, 5):
        seen = assert_groups(server, NAME, accepts=["X25519MLKEM768"], ordered=["X25519MLKEM768", "x25519"])
        assert "X25519MLKEM768" not in seen.groups["TLSv1.2"]
        assert_handshake(server, NAME, protocol="TLSv1.3", group="X25519MLKEM768")
    else:
        found = told(lambda: assert_groups(server, NAME, accepts=["X25519MLKEM768"]))
        assert [one[:2] for one in found] == [("groups of TLSv1.3", "X25519MLKEM768")]


@contextlib.contextmanager
def anonymous_peer() -> Iterator[tuple[str, int]]:
    """A server that is not httpd and accepts anonymous suites."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        host, port = bound.getsockname()
    command = ["openssl", "s_server", "-nocert", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0", "-accept", f"{host}:{port}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        try:
            until(lambda: _listens(host, port) or None, seconds=10, what="openssl s_server to listen")
            yield host, port
        finally:
            peer.kill()


def _listens(host: str, port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex((host, port)) == 0


def test_anonymous_suites_are_found_where_a_server_has_them(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_ciphers(server, NAME, never=["aNULL"])
    with anonymous_peer() as address:
        monkeypatch.setattr(server, "scan", lambda *_, **__: tls.scan(address))
        found = told(lambda: assert_ciphers(server, never=["aNULL"]))
    assert [one[:2] for one in found] == [("cipher suites of TLSv1.2", "none of aNULL")]
    assert "ADH-AES128-SHA" in found[0][2]


def test_a_policy_lists_each_deviation_with_what_to_change(server: Server) -> None:
    check = functools.partial(assert_policy, server, "intermediate", name=NAME, version="5.8")
    with pytest.raises(ModsslAssertionError) as caught:
        check()
    subjects = [one.what for one in caught.value.mismatches]
    assert subjects == [
        "suite (TLSv1.2)",
        "order (TLSv1.3)",
        "order (TLSv1.2)",
        "group (TLSv1.3)",
        "group (TLSv1.2)",
        "hsts",
        "stapling (RSA certificate)",
        "stapling (ECDSA certificate)",
    ]
    assert all("Change: " in one.seen for one in caught.value.mismatches)
    assert caught.value.mismatches[0].seen.startswith("AES128-SHA. Change: SSLCipherSuite ECDHE-ECDSA-AES128-GCM")
    (diagnosis,) = caught.value.diagnoses
    assert diagnosis.entry.id == "supported-ciphers"
    assert any(__file__ in line for line in diagnosis.finding.seen)
    report = check(except_for=["suite", "order", "group", "hsts", "stapling"])
    assert {one.area for one in report.deviations} == {"suite", "order", "group", "hsts", "stapling"}


def test_both_certificates_of_a_host_are_judged(server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_policy(server, "modern", name=NAME)
    found = [one for one in caught.value.mismatches if one.what.startswith("certificate-type")]
    assert [(one.what, one.expected) for one in found] == [("certificate-type (RSA certificate)", "ECDSA")]


@pytest.mark.parametrize(
    "wrong", [{"policy": "ancient"}, {"policy": "old", "version": "6.0"}, {"except_for": ["everything"]}]
)
def test_a_policy_or_area_that_does_not_exist_is_told(server: Server, wrong: dict[str, Any]) -> None:
    with pytest.raises(PolicyError, match=r"There is no policy|has no area"):
        assert_policy(server, name=NAME, **wrong)
    assert not server.observations


def test_a_host_that_accepts_nothing_meets_no_expectation(
    modssl_server_factory: Callable[[ServerConfig], Server], modssl_ca: CA
) -> None:
    """Its suites are not for the kind of its key."""
    leaf = modssl_ca.issue(NAME, key_type="rsa-2048")
    directives = "SSLProtocol TLSv1.2\nSSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256"
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=leaf, directives=directives)))
    assert told(lambda: assert_groups(server, NAME, only=["x25519"])) == [("protocols", "one at least", "none")]
    ((what, _, seen), *_) = told(lambda: assert_policy(server, "intermediate", name=NAME))
    assert what == "protocol"
    assert seen.startswith("none: no handshake succeeds")


def test_a_certificate_with_a_key_for_pss_alone_is_judged(
    modssl_server_factory: Callable[[ServerConfig], Server], tmp_path: Path
) -> None:
    make = ["openssl", "req", "-x509", "-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:1024", "-nodes"]
    make += ["-days", "900"]
    files = tmp_path / "key.pem", tmp_path / "certificate.pem"
    name = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run([*make, "-keyout", files[0], "-out", files[1], *name], check=True, capture_output=True)
    pki = {one.name: one.read_bytes() for one in files}
    directives = """
        SSLEngine on
        SSLCipherSuite DEFAULT:@SECLEVEL=0
        SSLCertificateFile "${MODSSL_PKI}/certificate.pem"
        SSLCertificateKeyFile "${MODSSL_PKI}/key.pem"
    """
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, port=443, directives=directives), pki=pki))
    areas = {what.partition(" ")[0] for what, _, _ in told(lambda: assert_policy(server, "modern", name=NAME))}
    assert {"certificate-type", "lifetime"} <= areas
