"""What clients see otherwise, in words: two values of what was seen, with one difference each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_modssl.repo.changes import SUBJECTS, Change, changes
from pytest_modssl.repo.seen import Accepted, Certificate, Page, SeenHost

ACCEPTED = Accepted(
    suites={"TLSv1.3": ("A", "B"), "TLSv1.2": ("C", "D")},
    groups={"TLSv1.3": ("x25519", "secp256r1")},
    server_order={"TLSv1.3": True, "TLSv1.2": False},
)
HOST = SeenHost(
    key="www.example.com:443",
    url="https://www.example.com/",
    port=443,
    names=("www.example.com", "example.com"),
    tls=True,
    page=Page(200),
    headers={"server": "Apache", "x-frame-options": "DENY"},
    unknown=Page(403),
    certificates=(Certificate("RSA 2048", ("example.com", "www.example.com")),),
    chain=2,
    accepted=ACCEPTED,
    alpn="h2",
    plain=Page(400),
)


def told(**other: Any) -> list[str]:
    return [one.text for one in changes({HOST.key: HOST}, {HOST.key: replace(HOST, **other)})]


def accepting(**other: Any) -> Accepted:
    return replace(ACCEPTED, **other)


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ({"names": ("www.example.com",)}, "lost name example.com"),
        ({"names": (*HOST.names, "*.example.com")}, "new name *.example.com"),
        ({"tls": False, "url": "http://www.example.com:443/"}, "it speaks plain HTTP now, spoke TLS"),
        ({"failure": "alert", "certificates": ()}, "the handshake fails now: alert"),
        ({"client": "demanded"}, "a client certificate is demanded now, was not asked for"),
        ({"client_cas": ("CN=staff",)}, "client certificates of CN=staff are asked for now"),
        (
            {"certificates": (Certificate("RSA 2048", ("example.com",)),)},
            "its certificate is not for www.example.com any more",
        ),
        (
            {"certificates": (Certificate("EC secp256r1", HOST.certificates[0].names),)},
            "the key of its certificate is EC secp256r1 now, was RSA 2048",
        ),
        (
            {"certificates": (*HOST.certificates, Certificate("EC secp256r1", ("example.com",)))},
            (
                "certificates: one for example.com, www.example.com (RSA 2048), one for example.com (EC secp256r1); "
                "before: one for example.com, www.example.com (RSA 2048)"
            ),
        ),
        ({"chain": 1}, "its chain has 1 certificate(s) now, had 2"),
        (
            {"accepted": accepting(suites={**ACCEPTED.suites, "TLSv1.1": ("E",)})},
            "TLSv1.1 is accepted now, with E",
        ),
        ({"accepted": accepting(suites={"TLSv1.3": ("A", "B")})}, "TLSv1.2 is refused now"),
        ({"accepted": accepting(suites={"TLSv1.3": ("A",), "TLSv1.2": ("C", "D")})}, "TLSv1.3: B no more"),
        (
            {"accepted": accepting(suites={"TLSv1.3": ("B", "A"), "TLSv1.2": ("C", "D")})},
            "TLSv1.3: the order is B, A now",
        ),
        (
            {"accepted": accepting(server_order={"TLSv1.3": True, "TLSv1.2": True})},
            "TLSv1.2: the order of the server decides now, was the client's",
        ),
        ({"accepted": accepting(groups={"TLSv1.3": ("x25519",)})}, "TLSv1.3: secp256r1 no more"),
        (
            {"accepted": accepting(groups={"TLSv1.3": ("secp256r1", "x25519")})},
            "TLSv1.3: secp256r1, x25519 now, in this order",
        ),
        ({"accepted": Accepted(error="nothing")}, "a scan says: nothing; before: TLS"),
        ({"alpn": None}, "ALPN: nothing is selected now, was h2"),
        ({"page": Page(301, "https://b/")}, "https://www.example.com/: 301 to https://b/ now, was 200"),
        ({"page": Page(error="none")}, "https://www.example.com/: no answer (none) now, was 200"),
        ({"endless": "a loop"}, "the redirects from https://www.example.com/ have no end now: a loop"),
        ({"unknown": Page(200)}, "names that no virtual host has at port 443 get 200 now, got 403"),
        ({"unknown": None}, "names that no virtual host has at port 443 do not lead here any more"),
        ({"plain": Page(200)}, "plain HTTP on the TLS port gets 200 now, got 400"),
        ({"headers": {"server": "Apache"}}, "no field X-Frame-Options any more, was DENY"),
        ({"headers": {**HOST.headers, "x-a": "b"}}, "new field X-A: b"),
        ({"headers": {**HOST.headers, "server": "Apache/2.4"}}, "Server: Apache/2.4 now, was Apache"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_difference_is_told_and_nothing_else(other: dict[str, Any], text: str) -> None:
    assert told(**other) == [text]


def test_what_is_equal_is_not_told_and_nothing_twice() -> None:
    assert told() == []
    default = replace(HOST, unknown=HOST.page)
    other = replace(default, page=Page(404), unknown=Page(404))
    (only,) = changes({HOST.key: default}, {HOST.key: other})
    assert only.subject == "answer"


def test_the_most_important_change_comes_first() -> None:
    found = changes(
        {HOST.key: HOST},
        {HOST.key: replace(HOST, alpn=None, page=Page(404), names=("www.example.com",), headers={}, chain=1)},
    )
    assert [one.subject for one in found] == ["names", "certificate", "answer", "header", "header", "alpn"]
    assert [one.rank for one in found] == sorted(one.rank for one in found)
    assert {one.subject for one in found} < SUBJECTS.keys()


def test_hosts_that_come_and_go_are_told_with_who_has_their_names() -> None:
    api = replace(HOST, key="api.example.com:443", url="https://api.example.com/", names=("api.example.com",))
    wide = replace(HOST, names=(*HOST.names, "api.example.com"))
    found = changes({HOST.key: HOST, api.key: api}, {HOST.key: wide})
    assert found == (
        Change("names", "new name api.example.com", HOST.key, HOST.key, "api.example.com"),
        Change(
            "host",
            "no virtual host any more: https://api.example.com/ (www.example.com:443 has its names now)",
            None,
            api.key,
        ),
    )
    (new,) = changes({}, {HOST.key: HOST})
    assert new.text == "new virtual host: https://www.example.com/ (example.com) answers 200"
    moved = changes({HOST.key: wide, api.key: api}, {HOST.key: HOST, api.key: api})
    assert [one.text for one in moved] == ["lost name api.example.com, which api.example.com:443 has now"]


def test_a_host_with_a_new_name_is_known_by_those_it_kept() -> None:
    other = replace(HOST, key="shop.example.com:443", names=("shop.example.com", *HOST.names), page=Page(404))
    found = changes({HOST.key: HOST}, {other.key: other})
    assert [one.text for one in found] == [
        "it is shop.example.com:443 now, was www.example.com:443",
        "new name shop.example.com",
        "https://www.example.com/: 404 now, was 200",
    ]
    assert {(one.host, one.before) for one in found} == {(other.key, HOST.key)}
