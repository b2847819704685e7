"""Deviations from a policy, of servers that are made up so that each has one fault."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.httpd.installation import Version
from pytest_modssl.pki import CA
from pytest_modssl.policy import AREAS, Deviation, Seen, deviations, policy
from pytest_modssl.policy.deviations import Presented
from pytest_modssl.policy.report import PolicyReport
from pytest_modssl.tls import Scan

if TYPE_CHECKING:
    from pytest_modssl.policy import Policy

INTERMEDIATE = policy("intermediate")
NAME = "www.example.test"
TLS13 = "TLSv1.3"
TLS12 = "TLSv1.2"


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA()


def scan(**changes: Any) -> Scan:
    facts: dict[str, Any] = {
        "address": ("127.0.0.1", 443),
        "server_name": NAME,
        "suites": {
            TLS13: INTERMEDIATE.tls13_suites,
            TLS12: tuple(one for one in INTERMEDIATE.suites if "ECDSA" in one),
        },
        "server_order": {TLS13: False, TLS12: False},
        "groups": {TLS13: INTERMEDIATE.groups, TLS12: INTERMEDIATE.groups[1:]},
        "dh_primes": (),
        "certificates": {"ECDSA": (b"",)},
        "client_certificate": False,
        "compression": "NULL",
        "connections": 1,
        "elapsed": 0.1,
    }
    return Scan(**(facts | changes))


def seen(ca: CA, *, hsts: str | None = "max-age=63072000", stapled: bool = True, **changes: Any) -> Seen:
    leaf = {name: changes.pop(name) for name in ("key_type", "not_after", "signature_hash") if name in changes}
    presented = Presented(certificate=ca.issue(NAME, **leaf).certificate, stapled=stapled)
    return Seen(scan=scan(**changes), presented=(presented,), hsts=hsts, openssl=Version(3, 5, 9))


def found(wanted: Policy, one: Seen) -> list[tuple[str, str, bool]]:
    return [(deviation.subject, deviation.seen, deviation.lacks) for deviation in deviations(wanted, one)]


def test_a_server_that_follows_a_policy_has_no_deviation(ca: CA) -> None:
    assert deviations(INTERMEDIATE, seen(ca)) == ()


FAULTS: list[tuple[dict[str, Any], tuple[str, str, bool]]] = [
    (
        {
            "suites": {TLS13: INTERMEDIATE.tls13_suites, TLS12: scan().suites[TLS12], "TLSv1.1": ("AES128-SHA",)},
            "server_order": {TLS13: False, TLS12: False, "TLSv1.1": None},
            "groups": {TLS13: INTERMEDIATE.groups, TLS12: INTERMEDIATE.groups[1:], "TLSv1.1": ("x448",)},
        },
        ("protocol", "TLSv1.1", False),
    ),
    ({"suites": {TLS13: INTERMEDIATE.tls13_suites}, "server_order": {}}, ("protocol", TLS12, True)),
    (
        {"suites": {TLS13: INTERMEDIATE.tls13_suites, TLS12: (*scan().suites[TLS12], "AES128-SHA")}},
        (f"suite ({TLS12})", "AES128-SHA", False),
    ),
    (
        {"suites": {TLS13: INTERMEDIATE.tls13_suites[:2], TLS12: scan().suites[TLS12]}},
        (f"suite ({TLS13})", "TLS_CHACHA20_POLY1305_SHA256", True),
    ),
    ({"server_order": {TLS13: False, TLS12: True}}, (f"order ({TLS12})", "the server's order decides", False)),
    (
        {"groups": {TLS13: (*INTERMEDIATE.groups, "secp521r1"), TLS12: INTERMEDIATE.groups[1:]}},
        (f"group ({TLS13})", "secp521r1", False),
    ),
    (
        {"groups": {TLS13: INTERMEDIATE.groups[1:], TLS12: INTERMEDIATE.groups[1:]}},
        (f"group ({TLS13})", "X25519MLKEM768", True),
    ),
    ({"dh_primes": (1 << 1023,)}, ("dh-size", "1024 bits", False)),
    ({"hsts": ""}, ("hsts", "no such header", False)),
    ({"hsts": "includeSubDomains; max-age=3600"}, ("hsts", "'includeSubDomains; max-age=3600'", False)),
    ({"stapled": False}, ("stapling (ECDSA certificate)", "none", False)),
    ({"key_type": "ed25519"}, ("certificate-type (Ed25519 certificate)", "Ed25519", False)),
    ({"key_type": "rsa-1024"}, ("key-size (RSA certificate)", "1024 bits", False)),
    (
        {"not_after": dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=400)},
        ("lifetime (ECDSA certificate)", "401 days", False),
    ),
]


@pytest.mark.parametrize(("changes", "wanted"), FAULTS, ids=lambda one: one[0] if isinstance(one, tuple) else "")
def test_each_fault_is_told_alone(ca: CA, changes: dict[str, Any], wanted: tuple[str, str, bool]) -> None:
    assert found(INTERMEDIATE, seen(ca, **changes)) == [wanted]


def test_every_area_is_among_the_faults() -> None:
    told = {wanted[0].partition(" ")[0] for _, wanted in FAULTS}
    assert told == set(AREAS) - {"curve", "signature"}  # a test CA makes neither; see below


def test_a_signature_and_a_curve_that_the_policy_does_not_have_are_told(ca: CA) -> None:
    wanted = dataclasses.replace(
        INTERMEDIATE, certificate_signatures=("ecdsa-with-SHA512",), certificate_curves=("secp384r1",)
    )
    assert found(wanted, seen(ca)) == [
        ("curve (ECDSA certificate)", "secp256r1", False),
        ("signature (ECDSA certificate)", "ecdsa-with-SHA256", False),
    ]


def test_a_year_is_short_enough_and_a_day_more_is_not(ca: CA) -> None:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    for days, told in ((366, 0), (367, 1)):
        leaf = ca.issue(NAME, not_before=start, not_after=start + dt.timedelta(days=days)).certificate
        one = dataclasses.replace(seen(ca), presented=(Presented(certificate=leaf, stapled=True),))
        assert len(deviations(INTERMEDIATE, one)) == told


def test_the_old_policy_wants_the_server_to_insist_on_its_order(ca: CA) -> None:
    old = policy("old")
    suites = ("AES256-SHA", "AES128-SHA")
    one = seen(ca, suites={TLS12: suites}, server_order={TLS12: True}, groups={TLS12: ()}, certificates={"RSA": (b"",)})
    assert ("order (TLSv1.2)", "AES256-SHA before AES128-SHA", False) in found(old, one)
    one = dataclasses.replace(one, scan=dataclasses.replace(one.scan, server_order={TLS12: False}))
    assert ("order (TLSv1.2)", "the client's order decides", False) in found(old, one)


def of_area(area: str, one: Seen, wanted: Policy = INTERMEDIATE) -> Deviation:
    return next(deviation for deviation in deviations(wanted, one) if deviation.area == area)


def test_what_to_change_names_directives_that_this_openssl_takes(ca: CA) -> None:
    one = seen(ca, groups={TLS13: ("secp521r1",)})
    assert "Curves X25519MLKEM768:X25519:prime256v1:secp384r1" in of_area("group", one).change
    one = dataclasses.replace(one, openssl=Version(3, 0, 22))
    assert "Curves X25519:prime256v1:secp384r1 (X25519MLKEM768 needs OpenSSL 3.5" in of_area("group", one).change


def test_stapling_asks_for_a_responder_where_the_certificate_names_none(ca: CA) -> None:
    assert "must name its OCSP responder" in of_area("stapling", seen(ca, stapled=False)).change
    leaf = ca.issue(NAME, ocsp_url="http://ocsp.example.test/").certificate
    one = dataclasses.replace(seen(ca), presented=(Presented(certificate=leaf, stapled=False),))
    assert "responder" not in of_area("stapling", one).change


def test_what_only_costs_clients_counts_where_it_is_asked_for(ca: CA) -> None:
    one = seen(ca, groups={TLS13: INTERMEDIATE.groups[1:], TLS12: ()}, hsts=None)
    report = PolicyReport(policy=INTERMEDIATE, name=NAME, port=443, seen=one, deviations=deviations(INTERMEDIATE, one))
    assert report.against() == ()
    assert [deviation.area for deviation in report.against(complete=True)] == ["group"]
    assert report.against(complete=True, except_for=("group",)) == ()
    assert report.not_judged == ("hsts: no answer over HTTPS",)
    assert "no X25519MLKEM768" in str(report)
