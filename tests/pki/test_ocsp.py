"""OCSP: what the CA answers, judged by the openssl program, and by httpd where the responder is asked by the URL."""

from __future__ import annotations

import base64
import datetime as dt
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from pytest_modssl import CA, OcspResponder, ServerConfig, VirtualHost
from pytest_modssl.errors import PkiError
from pytest_modssl.tls import shell_line
from pytest_modssl.tls.stapling import faults_of_stapled, read_stapled

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.local import LocalTarget

NAME = "www.example.test"


def request_about(leaf: LeafCert, issuer: CA, *, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
    builder = ocsp.OCSPRequestBuilder()
    builder = builder.add_certificate(leaf.certificate, issuer.certificate, algorithm or hashes.SHA1())
    return builder.build().public_bytes(Encoding.DER)


@pytest.fixture
def ca() -> CA:
    return CA().intermediate()


@pytest.mark.parametrize("key_type", ["ec-p256", "rsa-2048", "ed25519"])
def test_openssl_verifies_each_status(tmp_path: Path, key_type: str) -> None:
    ca = CA(key_type=key_type)
    good, revoked, forgotten = (ca.issue(NAME) for _ in range(3))
    ca.revoke(revoked)
    ca.forget(forgotten)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    for leaf, status in ((good, "good"), (revoked, "revoked"), (forgotten, "unknown")):
        leaf.cert_pem.write_to_path(tmp_path / "leaf.pem")
        (tmp_path / "response.der").write_bytes(ca.ocsp_response(request_about(leaf, ca)))
        said = subprocess.run(
            [
                "openssl",
                "ocsp",
                "-respin",
                "response.der",
                "-issuer",
                "ca.pem",
                "-cert",
                "leaf.pem",
                "-CAfile",
                "ca.pem",
                "-no_nonce",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "Response verify OK" in said.stderr
        assert f"leaf.pem: {status}" in said.stdout


def test_a_certificate_of_another_ca_is_none_of_its_business(ca: CA) -> None:
    other = CA()
    assert read_stapled(ca.ocsp_response(request_about(other.issue(NAME), other))).response == "unauthorized"


@pytest.mark.parametrize("request_", [b"", b"no DER", b"0\x03\x02\x01\x00"])
def test_what_is_no_request_is_malformed(ca: CA, request_: bytes) -> None:
    assert read_stapled(ca.ocsp_response(request_)).response == "malformed_request"


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA512()])
def test_the_answer_is_about_what_was_asked(ca: CA, algorithm: hashes.HashAlgorithm) -> None:
    leaf = ca.issue(NAME)
    response = ocsp.load_der_ocsp_response(ca.ocsp_response(request_about(leaf, ca, algorithm=algorithm)))
    assert response.serial_number == leaf.certificate.serial_number
    assert response.hash_algorithm.name == algorithm.name


def test_a_nonce_comes_back(ca: CA) -> None:
    builder = ocsp.OCSPRequestBuilder().add_certificate(ca.issue(NAME).certificate, ca.certificate, hashes.SHA1())
    request = builder.add_extension(x509.OCSPNonce(b"0123456789"), critical=False).build()
    response = ocsp.load_der_ocsp_response(ca.ocsp_response(request.public_bytes(Encoding.DER)))
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789"


def test_a_client_believes_the_response_of_the_issuer_about_the_certificate_alone(ca: CA) -> None:
    leaf, other = ca.issue(NAME), ca.issue(NAME)
    der = ca.ocsp_response(request_about(leaf, ca))
    known = [CA().certificate, ca.certificate]
    assert list(faults_of_stapled(der, leaf.certificate, known)) == []
    (about,) = faults_of_stapled(der, other.certificate, known)
    assert "it is about serial number" in about
    (unknown,) = faults_of_stapled(der, leaf.certificate, known[:1])
    assert "is not known" in unknown


def test_a_client_does_not_believe_a_response_that_was_changed(ca: CA) -> None:
    leaf = ca.issue(NAME)
    der = bytearray(ca.ocsp_response(request_about(leaf, ca)))
    signature = ocsp.load_der_ocsp_response(bytes(der)).signature
    der[der.rindex(signature) + len(signature) - 1] ^= 1
    assert any("has not signed it" in one for one in faults_of_stapled(bytes(der), leaf.certificate, [ca.certificate]))


def test_the_certificate_names_the_responder(ca: CA) -> None:
    leaf = ca.issue(NAME, ocsp_url="http://ocsp.example.test/")
    (access,) = leaf.certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert access.access_method == AuthorityInformationAccessOID.OCSP
    assert access.access_location.value == "http://ocsp.example.test/"
    with pytest.raises(PkiError, match="ocsp_url"):
        ca.issue(NAME, ocsp_url="http://ocsp.exämple.test/")


def test_the_responder_answers_by_post_and_by_get_as_things_stand(ca: CA) -> None:
    leaf = ca.issue(NAME)
    request = request_about(leaf, ca)
    with OcspResponder(ca) as responder:
        posted = requests.post(responder.url, data=request, timeout=5)
        assert posted.headers["Content-Type"] == "application/ocsp-response"
        assert read_stapled(posted.content).certificate == "good"
        ca.revoke(leaf)
        path = base64.b64encode(request).decode().replace("/", "%2F").replace("+", "%2B")
        assert read_stapled(requests.get(responder.url + path, timeout=5).content).certificate == "revoked"
        assert read_stapled(requests.get(responder.url, timeout=5).content).response == "malformed_request"
        assert requests.post(responder.url, data=iter([request]), timeout=5).status_code == 400
        assert responder.asked == (leaf.certificate.serial_number,) * 2


def test_nothing_is_left_of_the_responder(ca: CA) -> None:
    responder = OcspResponder(ca)
    responder.close()
    responder.close()
    assert not any(one.name == "pytest-modssl OCSP" for one in threading.enumerate())
    with pytest.raises(requests.ConnectionError):
        requests.post(responder.url, data=b"", timeout=5)


def test_httpd_asks_the_responder_that_the_client_s_certificate_names(local_target: LocalTarget) -> None:
    ca = CA()
    with OcspResponder(ca) as responder:
        good, revoked, forgotten = (ca.issue_client(name, ocsp_url=responder.url) for name in ("Ada", "Eve", "Bob"))
        ca.revoke(revoked)
        ca.forget(forgotten)
        directives = """
            SSLVerifyClient require
            SSLCACertificateFile "${MODSSL_PKI}/ca.pem"
            SSLOCSPEnable on
        """
        host = VirtualHost(NAME, tls=ca.issue(NAME), directives=directives)
        server = local_target.launch(ServerConfig(host, pki={"ca.pem": ca.cert_pem}))
        try:
            seen = [server.handshake(NAME, client=one) for one in (good, revoked, forgotten)]
        finally:
            server.stop()
        assert [one.ok for one in seen] == [True, False, False]
        assert [one.alerts_received[-1].name for one in seen[1:]] == ["certificate_revoked", "handshake_failure"]
        assert responder.asked == tuple(one.certificate.serial_number for one in (good, revoked, forgotten))


def test_httpd_staples_what_the_responder_in_its_certificate_says(local_target: LocalTarget, ca: CA) -> None:
    with OcspResponder(ca) as responder:
        leaf = ca.issue(NAME, ocsp_url=responder.url)
        host = VirtualHost(NAME, tls=leaf, directives="SSLUseStapling on")
        cache = 'SSLStaplingCache "shmcb:${MODSSL_RUN}/stapling(32768)"'
        server = local_target.launch(ServerConfig(host, directives=cache))
        try:
            asked = [server.handshake(NAME, status_request=True) for _ in range(2)]
            line = shell_line(server.commands()[0])
            by_hand = subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
            unasked = server.handshake(NAME)
        finally:
            server.stop()
    for seen in asked:
        assert seen.stapled is not None
        assert seen.stapled.certificate == "good"
        assert "stapled OCSP response: good, until" in str(seen)
    assert "OCSP Response Status: successful" in by_hand
    assert "Cert Status: good" in by_hand
    assert unasked.stapled is None
    assert responder.asked == (leaf.certificate.serial_number,), "the second time the response is in the cache"


@pytest.mark.parametrize(("days", "believed"), [(-2, False), (2, True)])
def test_a_client_believes_who_may_sign_as_long_as_his_certificate_is_valid(
    ca: CA, *, days: int, believed: bool
) -> None:
    leaf = ca.issue(NAME)
    now = dt.datetime.now(dt.timezone.utc)
    start, end = (now + dt.timedelta(days=one) for one in (-9, days))
    signer = ca.issue("ocsp.example.test", usages=("OCSPSigning",), not_before=start, not_after=end)
    der = _response(leaf, ca, signer)
    assert list(faults_of_stapled(der, leaf.certificate, [ca.certificate])) == (
        [] if believed else [f"{ca.certificate.subject.rfc4514_string()} has not signed it, nor let somebody sign it"]
    )


def test_a_client_does_not_believe_a_response_about_another_issuers_certificate(ca: CA) -> None:
    leaf, other = ca.issue(NAME), CA(common_name="another")
    (fault,) = faults_of_stapled(_response(leaf, other, ca), leaf.certificate, [ca.certificate])
    assert fault == f"it is about a certificate of another issuer than {ca.certificate.subject.rfc4514_string()}"


def _response(leaf: LeafCert, issuer: CA, signer: CA | LeafCert) -> bytes:
    """That the serial number of a certificate is a good one of this issuer's."""
    now = dt.datetime.now(dt.timezone.utc)
    times = now - dt.timedelta(hours=1), now + dt.timedelta(days=1)
    good = ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response(
        leaf.certificate, issuer.certificate, hashes.SHA1(), good, *times, None, None
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    key = signer.private_key.signing_key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return builder.certificates([signer.certificate]).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
