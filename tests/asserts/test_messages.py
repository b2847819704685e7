from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.asserts import (
    ModsslAssertionError,
    assert_handshake,
    assert_handshake_fails,
    assert_no_redirect_loop,
    assert_sni,
    assert_ssl_env,
    assert_switches_to_http,
    assert_switches_to_https,
)
from pytest_modssl.errors import EnvironmentPageError
from pytest_modssl.http import Hop, RedirectChain, SslEnvironment
from pytest_modssl.tls.handshake import Handshake, Verification
from pytest_modssl.tls.messages import Alert

from .conftest import LINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import FakeServer

URL = "http://www.example.test/a"
SECURE = "https://www.example.test/a"


def message_of(action: Callable[..., object], *args: Any, **options: Any) -> list[str]:
    with pytest.raises(ModsslAssertionError) as caught:
        action(*args, **options)
    return str(caught.value).splitlines()


def handshake(**facts: Any) -> Handshake:
    known: dict[str, Any] = {
        "address": ("127.0.0.1", 443),
        "server_name": "www.example.test",
        "ok": True,
        "stage": "after",
        "protocol": "TLSv1.2",
        "cipher_suite": "ECDHE-RSA-AES128-GCM-SHA256",
        "group": "x25519",
        "verification": Verification(ok=True),
    }
    return Handshake(**{**known, **facts})


def test_a_handshake_that_is_as_expected_is_returned(fake: FakeServer) -> None:
    fake.shaken = handshake(dh_prime=1 << 2047)
    seen = assert_handshake(
        fake.real(),
        "www.example.test",
        protocol="TLSv1.2",
        cipher_suite=re.compile("GCM"),
        group="x25519",
        dh_bits=lambda bits: bits >= 2048,
        resumed=False,
    )
    assert seen is fake.shaken
    assert fake.asked == [("www.example.test", 443, {"protocol": "TLSv1.2"})]
    assert not fake.settled


def test_every_mismatch_of_a_handshake_stands_first(fake: FakeServer) -> None:
    fake.shaken = handshake(verification=Verification(ok=False, code=10, reason="certificate has expired"))
    lines = message_of(
        assert_handshake,
        fake.real(),
        "www.example.test",
        protocol="TLSv1.3",
        cipher_suite=re.compile("CHACHA"),
        group="x25519",
        dh_bits=2048,
        alpn="h2",
        resumed=True,
        client_certificate_requested=True,
    )
    assert lines[:8] == [
        "TLS handshake with www.example.test on port 443: 7 mismatches",
        "  protocol: expected 'TLSv1.3', seen 'TLSv1.2'",
        "  cipher_suite: expected a match of 'CHACHA', seen 'ECDHE-RSA-AES128-GCM-SHA256'",
        "  dh_bits: expected 2048, seen nothing",
        "  alpn: expected 'h2', seen nothing",
        "  resumed: expected True, seen False",
        "  client_certificate_requested: expected True, seen False",
        "  chain: expected trusted, seen not trusted: certificate has expired (code 10) at depth 0",
    ]


def test_a_failed_handshake_is_told_without_what_it_did_not_come_to(fake: FakeServer) -> None:
    fake.shaken = handshake(
        ok=False, failure="alert", error="alert handshake_failure", protocol=None, cipher_suite=None, group=None,
        verification=Verification(ok=None),
    )  # fmt: skip
    lines = message_of(assert_handshake, fake.real(), "www.example.test", cipher_suite="X", group="x25519")
    assert lines[:3] == [
        "TLS handshake with www.example.test on port 443: 1 mismatch",
        "  handshake: expected success, seen failure (alert): alert handshake_failure",
        "",
    ]


def test_the_message_goes_from_the_mismatches_over_log_and_handshake_to_the_command(fake: FakeServer) -> None:
    fake.shaken = handshake()
    fake.log.lines = [
        LINE.format(level="debug", ah="AH02041", text="Protocol: TLSv1.2"),
        "[Mon Nov 23 22:30:49.048985 2026] [ssl:debug] [pid 7:tid 8] a line without a number",
        LINE.format(level="error", ah="AH02032", text="Hostname differs"),
    ]
    lines = message_of(assert_handshake, fake.real(), "www.example.test", protocol="TLSv1.3")
    assert lines == [
        "TLS handshake with www.example.test on port 443: 1 mismatch",
        "  protocol: expected 'TLSv1.3', seen 'TLSv1.2'",
        "",
        "the server's log of this test (1 more not shown):",
        "  " + fake.log.lines[0],
        "  " + fake.log.lines[2],
        "",
        *str(fake.shaken).splitlines(),
        "",
        *str(fake.shaken.transcript).splitlines(),
        "",
        "to repeat it by hand:",
        "  openssl s_client -servername www.example.test protocol </dev/null",
    ]
    assert fake.settled


def test_a_long_observation_is_cut_in_its_middle(fake: FakeServer) -> None:
    hops = [Hop(f"{URL}{number}", 302, f"{URL}{number + 1}", f"{URL}{number + 1}") for number in range(40)]
    fake.chain = chain(*hops)
    lines = message_of(assert_switches_to_https, fake.real(), URL)
    shown = [number for number, hop in enumerate(hops, 1) if f"{number}. {hop}" in lines]
    assert shown == [*range(1, 11), *range(22, 41)]
    assert "  (11 lines not shown)" in lines


def test_chatter_of_every_fine_level_is_left_out(fake: FakeServer) -> None:
    fake.shaken = handshake()
    line = "[Mon Nov 23 22:30:49.048985 2026] [ssl:{}] [pid 7:tid 8] {}"
    fake.log.lines = [line.format("trace4", "octets"), line.format("debug", "more"), line.format("info", "a reason")]
    text = "\n".join(message_of(assert_handshake, fake.real(), protocol="TLSv1.3"))
    assert "a reason" in text
    assert "octets" not in text
    assert "(2 more not shown)" in text


def at_least_1024(bits: int) -> bool:
    return bits >= 1024


def test_patterns_and_functions_hold_of_nothing_never(fake: FakeServer) -> None:
    fake.shaken = handshake(group=None)
    lines = message_of(
        assert_handshake, fake.real(), group=re.compile(""), dh_bits=at_least_1024, cipher_suite=str.islower
    )
    assert lines[1:4] == [
        "  cipher_suite: expected what islower accepts, seen 'ECDHE-RSA-AES128-GCM-SHA256'",
        "  group: expected a match of '', seen nothing",
        "  dh_bits: expected what at_least_1024 accepts, seen nothing",
    ]


def test_a_chain_that_must_be_judged_must_be_there_unless_resumed(fake: FakeServer) -> None:
    fake.shaken = handshake(verification=Verification(ok=None))
    assert message_of(assert_handshake, fake.real(), verified=True)[1] == "  chain: expected one to judge, seen none"
    fake.shaken = handshake(verification=Verification(ok=None), resumed_by="ticket")
    assert_handshake(fake.real(), verified=True)


def test_a_warning_is_no_refusal(fake: FakeServer) -> None:
    fake.shaken = handshake(ok=False, failure="closed", alerts_received=(Alert(1, 0),))
    lines = message_of(assert_handshake_fails, fake.real(), alert="close_notify")
    assert lines[1] == "  alert from the server: expected 'close_notify', seen nothing"


def test_a_name_that_gets_no_handshake_is_told_first(fake: FakeServer) -> None:
    fake.shaken = handshake(ok=False, failure="alert", error="alert unrecognized_name")
    lines = message_of(assert_sni, fake.real(), {"a.test": "a.test"})
    assert lines[1:3] == [
        "  a.test: handshake: expected success, seen failure (alert): alert unrecognized_name",
        "  a.test: certificate: expected one for a.test, seen one for no names",
    ]


def test_a_long_log_is_cut_to_its_end(fake: FakeServer) -> None:
    fake.shaken = handshake()
    fake.log.lines = [LINE.format(level="info", ah=f"AH{number:05}", text="x") for number in range(30)]
    text = "\n".join(message_of(assert_handshake, fake.real(), protocol="TLSv1.3"))
    assert "(18 more not shown)" in text
    assert "AH00017" not in text
    assert "AH00018" in text
    assert "AH00029" in text


def test_a_wrong_name_is_told_with_the_verification(fake: FakeServer, leaf_der: bytes) -> None:
    fake.shaken = handshake(server_name="other.test", certificates=(leaf_der,))
    lines = message_of(assert_handshake, fake.real(), "other.test")
    assert lines[1] == "  chain: expected trusted, seen trusted but for www.example.test, not other.test"


def test_a_chain_that_must_not_be_trusted_may_not_be(fake: FakeServer) -> None:
    fake.shaken = handshake()
    assert message_of(assert_handshake, fake.real(), verified=False)[1] == "  chain: expected not trusted, seen trusted"
    fake.shaken = handshake(verification=Verification(ok=False))
    assert_handshake(fake.real(), verified=False)


def test_a_server_without_known_roots_is_not_verified_by_default(fake: FakeServer) -> None:
    fake.trust = ()
    fake.shaken = handshake(verification=Verification(ok=False, reason="self-signed"))
    assert_handshake(fake.real())
    assert "self-signed" in message_of(assert_handshake, fake.real(), verified=True)[1]


def test_several_protocols_of_alpn_are_offered_and_the_first_expected(fake: FakeServer) -> None:
    fake.shaken = handshake(alpn="http/1.1")
    lines = message_of(assert_handshake, fake.real(), alpn=("h2", "http/1.1"))
    assert fake.asked[0][2] == {"alpn": ("h2", "http/1.1")}
    assert lines[1] == "  alpn: expected 'h2', seen 'http/1.1'"


def test_a_failure_that_is_as_expected_is_returned_and_its_log_lines_are_expected(fake: FakeServer) -> None:
    fake.shaken = handshake(ok=False, failure="alert", alerts_received=(Alert(2, 40),))
    fake.log.lines = [LINE.format(level="error", ah="AH02261", text="Re-negotiation handshake failed")]
    seen = assert_handshake_fails(fake.real(), alert="handshake_failure", failure="alert", log="AH02261")
    assert seen is fake.shaken
    assert fake.log.expected == ["AH02261"]


def test_every_mismatch_of_a_failure_is_told(fake: FakeServer) -> None:
    fake.shaken = handshake(ok=False, failure="closed", alerts_received=(Alert(2, 80),))
    lines = message_of(
        assert_handshake_fails,
        fake.real(),
        alert="handshake_failure",
        failure="alert",
        log=["AH02261", re.compile("no .* cipher")],
    )
    assert lines[:5] == [
        "TLS handshake with no name on port 443, which must fail: 4 mismatches",
        "  failure: expected 'alert', seen 'closed'",
        "  alert from the server: expected 'handshake_failure', seen 'internal_error'",
        "  log: expected 'AH02261', seen no such line",
        "  log: expected 'no .* cipher', seen no such line",
    ]


def test_a_success_where_a_failure_was_expected_is_told(fake: FakeServer) -> None:
    fake.shaken = handshake()
    lines = message_of(assert_handshake_fails, fake.real(), alert="handshake_failure", failure="alert")
    assert lines[1:4] == [
        "  handshake: expected failure, seen success with TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256",
        "  alert from the server: expected 'handshake_failure', seen nothing",
        "",
    ]


def test_variables_as_expected_are_returned(fake: FakeServer) -> None:
    fake.seen = SslEnvironment(SECURE, "cgi", {"SSL_PROTOCOL": "TLSv1.3", "SSL_CLIENT_CERT": "", "HTTPS": "on"})
    seen = assert_ssl_env(
        fake.real(),
        SECURE,
        absent=["SSL_SRP_USER"],
        empty=["SSL_CLIENT_CERT"],
        SSL_PROTOCOL=re.compile(r"^TLSv1\.[23]$"),
        HTTPS="on",
    )
    assert seen is fake.seen


def test_every_mismatch_of_the_variables_is_told_absent_and_empty_apart(fake: FakeServer) -> None:
    fake.seen = SslEnvironment(SECURE, "cgi", {"SSL_PROTOCOL": "TLSv1.3", "SSL_EMPTY": "", "SSL_CIPHER": "(null)"})
    lines = message_of(
        assert_ssl_env,
        fake.real(),
        SECURE,
        absent=["SSL_EMPTY", "SSL_NONE"],
        empty=["SSL_PROTOCOL", "SSL_NONE", "SSL_EMPTY"],
        SSL_PROTOCOL="TLSv1.2",
        SSL_EMPTY="x",
        SSL_CIPHER="y",
        SSL_CLIENT_VERIFY="NONE",
    )
    assert lines[:8] == [
        f"SSL_* variables of {SECURE} (via cgi): 7 mismatches",
        "  SSL_PROTOCOL: expected 'TLSv1.2', seen 'TLSv1.3'",
        "  SSL_EMPTY: expected 'x', seen ''",
        "  SSL_CIPHER: expected 'y', seen '(null)'",
        "  SSL_CLIENT_VERIFY: expected 'NONE', seen nothing: it is absent",
        "  SSL_EMPTY: expected it to be absent, seen ''",
        "  SSL_PROTOCOL: expected it to be empty, seen 'TLSv1.3'",
        "  SSL_NONE: expected it to be empty, seen nothing: it is absent",
    ]
    assert lines[-1] == f"  curl {SECURE}"


def test_missing_std_env_vars_are_named(fake: FakeServer) -> None:
    fake.seen = SslEnvironment(SECURE, "cgi", {"HTTPS": "on"})
    lines = message_of(assert_ssl_env, fake.real(), SECURE, SSL_PROTOCOL="TLSv1.3")
    assert lines[1] == "  SSL_PROTOCOL: expected 'TLSv1.3', seen nothing: it is absent"
    assert lines[2] == ""
    assert lines[3].startswith("diagnosis: SSLOptions +StdEnvVars is not in force")


def test_a_page_that_does_not_work_is_told_with_the_log(fake: FakeServer) -> None:
    fake.seen = EnvironmentPageError("no SSL variables: the page printed nothing.")
    fake.log.lines = [LINE.format(level="error", ah="AH01215", text="sh: not found")]
    lines = message_of(assert_ssl_env, fake.real(), SECURE, HTTPS="on")
    assert lines[1] == "  page: expected the variables, seen no SSL variables: the page printed nothing."
    assert any("AH01215" in line for line in lines)


@pytest.mark.parametrize("kind", ["absent", "empty"])
def test_a_header_cannot_be_asked_for_absent_or_empty(fake: FakeServer, kind: str) -> None:
    with pytest.raises(ValueError, match=r'says "\(null\)" for both absent and empty'):
        assert_ssl_env(fake.real(), SECURE, via="header", **{kind: ["SSL_SRP_USER"]})  # type: ignore[arg-type]


def chain(*hops: Hop, **facts: Any) -> RedirectChain:
    known: dict[str, Any] = {"url": hops[-1].next_url if hops else URL, "status": 200}
    return RedirectChain(hops=hops, **{**known, **facts})


def test_a_switch_to_https_is_returned(fake: FakeServer) -> None:
    fake.chain = chain(Hop(URL, 301, SECURE, SECURE))
    assert assert_switches_to_https(fake.real(), URL, to=SECURE, status=301) is fake.chain
    fake.chain = chain(Hop(SECURE, 302, URL, URL))
    assert assert_switches_to_http(fake.real(), SECURE) is fake.chain


def test_no_switch_is_told(fake: FakeServer) -> None:
    fake.chain = chain()
    lines = message_of(assert_switches_to_https, fake.real(), URL, to=SECURE)
    assert lines[:7] == [
        f"redirects from {URL} to https: 2 mismatches",
        "  redirect: expected one to https, seen none",
        f"  URL at the end: expected '{SECURE}', seen '{URL}'",
        "",
        "the server's log of this test: nothing was logged",
        "",
        f"1. 200 {URL}",
    ]
    assert lines[-1] == f"  curl {URL} --location"


def test_every_mismatch_of_a_chain_is_told(fake: FakeServer) -> None:
    back = "http://www.example.test/b"
    fake.chain = chain(Hop(URL, 302, SECURE, SECURE), Hop(SECURE, 307, back, back), status=421)
    lines = message_of(assert_switches_to_https, fake.real(), URL, to=re.compile("^https"), status={301, 308})
    assert lines[:6] == [
        f"redirects from {URL} to https: 5 mismatches",
        f"  scheme at the end: expected 'https', seen 'http' ({back})",
        f"  status of the redirect to {SECURE}: expected 301 or 308, seen 302",
        f"  way: expected none back from https, seen 307 to {back}",
        f"  URL at the end: expected a match of '^https', seen '{back}'",
        f"  answer at {back}: expected that of its host, seen status 421",
    ]


def test_a_loop_is_told_with_the_chain(fake: FakeServer) -> None:
    fake.chain = chain(Hop(URL, 302, URL, URL), status=302, loop=True, error="a redirect loop: and so on")
    for action in (assert_no_redirect_loop, assert_switches_to_https):
        lines = message_of(action, fake.real(), URL)
        assert lines[1] == "  end of the chain: expected an answer, seen a redirect loop: and so on"
        assert f"1. 302 {URL}  Location: {URL}" in lines


def test_a_chain_that_ends_is_no_loop_whatever_its_end(fake: FakeServer) -> None:
    fake.chain = chain(status=404)
    assert assert_no_redirect_loop(fake.real(), URL) is fake.chain


def test_the_error_keeps_its_parts(fake: FakeServer) -> None:
    fake.chain = chain()
    with pytest.raises(ModsslAssertionError) as caught:
        assert_switches_to_https(fake.real(), URL)
    assert isinstance(caught.value, AssertionError)
    assert caught.value.headline == f"redirects from {URL} to https"
    assert [one.what for one in caught.value.mismatches] == ["redirect"]
