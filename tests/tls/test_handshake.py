"""The Handshake as a value: what it derives from its fields, and how it prints."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import CA
from pytest_modssl.tls.client import connect
from pytest_modssl.tls.context import ConnectOptions
from pytest_modssl.tls.demand import CertificateDemand
from pytest_modssl.tls.handshake import Handshake, Verification
from pytest_modssl.tls.messages import Alert

ADDRESS = ("127.0.0.1", 443)
SEEN = Handshake(
    address=ADDRESS,
    server_name="www.example.test",
    ok=True,
    stage="after",
    protocol="TLSv1.2",
    cipher_suite="DHE-RSA-AES128-GCM-SHA256",
    cipher_bits=128,
    dh_prime=(1 << 1023) + 1,
    signature="rsa_pss_rsae_sha256",
    alpn="http/1.1",
    certificates=(CA().issue("other.example.test").der,),
    verification=Verification(ok=False, code=10, reason="cert has expired", depth=0),
    demands=(CertificateDemand("handshake"),),
    alerts_sent=(Alert(1, 0),),
    peer_closed=True,
    timings={"connect": 0.001, "handshake": 0.0025},
    bytes_in=100,
    bytes_out=200,
)


def test_a_cipher_whose_strength_is_not_known_yet_prints_without_one() -> None:
    assert "  TLSv1.2, DHE-RSA-AES128-GCM-SHA256, DH 1024" in str(dataclasses.replace(SEEN, cipher_bits=None))


def test_it_prints_what_matters_in_a_few_lines() -> None:
    assert str(SEEN).splitlines() == [
        "TLS handshake with 127.0.0.1:443 as www.example.test: ok",
        (
            "  TLSv1.2, DHE-RSA-AES128-GCM-SHA256 (128 bits), DH 1024 bits, signed rsa_pss_rsae_sha256, ALPN http/1.1, "
            "new session"
        ),
        (
            "  certificate CN=other.example.test (other.example.test), NOT for www.example.test, 1 sent, "
            "not trusted: cert has expired (code 10) at depth 0"
        ),
        "  client certificate demanded in the handshake, none sent",
        "  alerts sent: close_notify (warning); received: none",
        "  the server closed without close_notify",
        "  connect 1.0 ms, handshake 2.5 ms; 100 bytes in, 200 out",
    ]


def test_it_prints_a_failure_with_its_stage() -> None:
    failed = Handshake(address=ADDRESS, failure="refused", error="nobody listens")
    assert str(failed).splitlines()[0] == "TLS handshake with 127.0.0.1:443: failed at stage connect: nobody listens"
    assert failed.leaf is None
    assert failed.names == ()
    assert failed.hostname_ok is None
    assert failed.dh_bits is None


def test_a_certificate_that_cannot_be_read_still_prints() -> None:
    broken = dataclasses.replace(SEEN, certificates=(b"nonsense",))
    assert "certificate not readable" in str(broken)
    with pytest.raises(PkiError, match=r"a certificate of 8 bytes cannot be read: .*asn1"):
        _ = broken.chain


def test_a_missing_close_notify_counts_only_after_a_good_handshake() -> None:
    assert SEEN.unexpected_eof
    assert not dataclasses.replace(SEEN, alerts_received=(Alert(1, 0),)).unexpected_eof
    assert not dataclasses.replace(SEEN, peer_closed=False).unexpected_eof
    assert not dataclasses.replace(SEEN, stage="handshake").unexpected_eof
    assert not dataclasses.replace(SEEN, failure="alert").unexpected_eof


def test_it_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        SEEN.ok = False  # type: ignore[misc]


def test_the_options_that_are_passed_on_are_those_of_connect() -> None:
    parameters = inspect.signature(connect).parameters.values()
    keywords = {parameter.name for parameter in parameters if parameter.kind is inspect.Parameter.KEYWORD_ONLY}
    assert set(ConnectOptions.__annotations__) == keywords
