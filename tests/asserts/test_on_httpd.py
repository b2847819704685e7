from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.asserts import (
    ModsslAssertionError,
    Served,
    assert_dh_bits,
    assert_handshake,
    assert_handshake_fails,
    assert_java7_compatible,
    assert_no_redirect_loop,
    assert_sni,
    assert_ssl_env,
    assert_switches_to_http,
    assert_switches_to_https,
)
from pytest_modssl.http import tls_of
from pytest_modssl.httpd.config import ServerConfig, VirtualHost
from pytest_modssl.httpd.expectations import expectations
from pytest_modssl.pki import CA, dh_parameters, self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.targets.server import Server

WWW = "www.example.test"
SHOP = "shop.example.test"
# The price list of an old host, as its owner would have it: Java 7 needs TLS 1.0, and OpenSSL 3 level 0 for both.
HOST_PAGE = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s' \"$HTTP_HOST\"\n"
WRONG_PAGE = "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nmodssl-environment/1\\n=SSL_TLS_SNI\\n x\\n.\\n'\n"
JAVA7 = "SSLProtocol +TLSv1\nSSLHonorCipherOrder on\nSSLCipherSuite DHE-RSA-AES128-SHA:@SECLEVEL=0\n"


@pytest.fixture(scope="module")
def ca() -> CA:
    return CA()


@pytest.fixture(scope="module")
def leaves(ca: CA) -> dict[str, LeafCert]:
    return {name: ca.issue(name) for name in (WWW, SHOP)}


@pytest.fixture(scope="module")
def running(local_target: LocalTarget, ca: CA, leaves: dict[str, LeafCert]) -> Iterator[Server]:
    legacy = ca.issue("legacy.example.test", key_type="rsa-2048")
    server = local_target.launch(
        ServerConfig(
            VirtualHost(WWW, tls=leaves[WWW], directives="SSLOptions +StdEnvVars", files={"wrong.cgi": WRONG_PAGE}),
            VirtualHost(
                SHOP,
                tls=leaves[SHOP],
                aliases=["xn--bcher-kva.example.test"],
                directives="""
                    SSLOptions +StdEnvVars
                    RewriteEngine on
                    RewriteRule ^/(.*)_NOSSL$ http://%{SERVER_NAME}/$1 [R,L]
                    RewriteRule ^/circle$ /circle [R,L]
                """,
                files={"document.html": "für den Laden", "host.cgi": HOST_PAGE, "wrong.cgi": WRONG_PAGE},
            ),
            VirtualHost(
                SHOP,
                directives="""
                    RewriteEngine on
                    RewriteRule ^/(.*)_SSL$ https://%{SERVER_NAME}/$1 [R,L]
                """,
                files={"document.html": "the same in clear"},
            ),
            VirtualHost(
                "legacy.example.test",
                port=8443,
                tls=legacy.with_dh_parameters(dh_parameters("rfc2409-1024")),
                directives=JAVA7,
            ),
            VirtualHost("silent.example.test", port=8444, tls=legacy.with_dh_parameters(dh_parameters("rfc2409-1024")),
                        directives="SSLProtocol +TLSv1.2\nSSLHonorCipherOrder on\nSSLCipherSuite DHE-RSA-AES128-SHA"),
            VirtualHost("long.example.test", port=8445, tls=legacy,
                        directives=JAVA7),
            VirtualHost("modern.example.test", port=8446, tls=legacy, directives="SSLProtocol TLSv1.3",
                        files={"host.cgi": HOST_PAGE}),
            VirtualHost("plain.example.test", port=8447, tls=legacy),
        )
    )  # fmt: skip
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    running.begin_test()
    yield running
    running.end_test()


def test_a_handshake_is_judged(server: Server, leaves: dict[str, LeafCert]) -> None:
    seen = assert_handshake(server, WWW, protocol="TLSv1.3", certificate=leaves[WWW], alpn="http/1.1")
    assert seen.ok


def test_another_certificate_is_told_by_its_names(server: Server, leaves: dict[str, LeafCert]) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_handshake(server, WWW, certificate=leaves[SHOP])
    (mismatch,) = caught.value.mismatches
    assert str(mismatch).startswith(f"certificate: expected that for {SHOP} (sha256 ")
    assert str(mismatch).endswith(f"seen that for {WWW}")


def test_a_resumed_session_is_seen(server: Server) -> None:
    first = assert_handshake(server, WWW, protocol="TLSv1.2", resumed=False)
    assert_handshake(server, WWW, protocol="TLSv1.2", resumed=True, session=first.session)


def test_a_refusal_is_judged_by_alert_and_log(server: Server) -> None:
    assert_handshake_fails(
        server,
        "modern.example.test",
        port=8446,
        protocol="TLSv1.2",
        alert="protocol_version",
        failure="alert",
        log=["AH02008", re.compile("unsupported protocol")],
    )


def test_a_protocol_below_the_security_level_is_refused_by_the_alert_of_the_library(server: Server) -> None:
    alert = str(expectations(server.installation).value("alert protocol-below-level"))
    log = re.compile("unsupported protocol|no suitable signature algorithm|tls_choose_sigalg")
    assert_handshake_fails(server, WWW, protocol="TLSv1.1", alert=alert, log=log)


def test_a_refusal_that_is_none_shows_the_whole_story(server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_handshake_fails(server, WWW, alert="protocol_version")
    text = str(caught.value)
    assert text.startswith(f"TLS handshake with {WWW} on port 443, which must fail: 2 mismatches\n")
    assert "handshake: expected failure, seen success with TLSv1.3" in text
    assert f"-servername {WWW}" in text
    assert "ClientHello" in text


@pytest.mark.parametrize("via", ["cgi", "ssi"])
def test_variables_are_judged_on_a_page(server: Server, via: str) -> None:
    assert_ssl_env(
        server,
        f"https://{WWW}/",
        via=via,  # type: ignore[arg-type]
        absent=["SSL_CLIENT_CERT", "SSL_CLIENT_S_DN"],
        SSL_PROTOCOL="TLSv1.3",
        SSL_TLS_SNI=WWW,
        SSL_CIPHER=re.compile("^TLS_"),
        SSL_CIPHER_USEKEYSIZE=lambda size: int(size) >= 128,
    )


def test_variables_are_judged_in_a_header(server: Server) -> None:
    assert_ssl_env(server, f"https://{WWW}/", via="header", SSL_PROTOCOL="TLSv1.3", SSL_CLIENT_S_DN="(null)")


def test_variables_are_judged_with_a_session_of_ones_own(server: Server) -> None:
    session = server.session(protocol="TLSv1.2")
    assert_ssl_env(server, f"https://{WWW}/", session=session, SSL_PROTOCOL="TLSv1.2")


def test_the_rewrite_rules_of_the_faq_switch_both_ways(server: Server) -> None:
    assert_switches_to_https(server, f"http://{SHOP}/document.html_SSL", to=f"https://{SHOP}/document.html", status=302)
    assert_switches_to_http(server, f"https://{SHOP}/document.html_NOSSL", to=f"http://{SHOP}/document.html")


def test_a_page_that_stays_where_it_is_does_not_switch(server: Server) -> None:
    with pytest.raises(ModsslAssertionError, match="redirect: expected one to https, seen none"):
        assert_switches_to_https(server, f"http://{SHOP}/document.html")


def test_a_circle_is_found(server: Server) -> None:
    assert_no_redirect_loop(server, f"https://{SHOP}/document.html_NOSSL")
    with pytest.raises(ModsslAssertionError, match="a redirect loop"):
        assert_no_redirect_loop(server, f"https://{SHOP}/circle")


def test_each_name_gets_its_own(server: Server, leaves: dict[str, LeafCert]) -> None:
    seen = assert_sni(server, leaves, no_sni=leaves[WWW], unknown=WWW)
    assert list(seen) == [WWW, SHOP, None, "unknown.invalid"]


@pytest.mark.parametrize("via", ["cgi", "ssi"])
def test_content_and_variable_are_those_of_the_name(server: Server, via: str) -> None:
    assert_sni(
        server,
        {WWW: Served(content=re.compile(WWW)), SHOP: Served(certificate=SHOP, content=re.compile(SHOP), status=200)},
        no_sni=Served(status=200),
        via=via,  # type: ignore[arg-type]
    )


def test_the_variable_can_be_read_in_a_header(server: Server) -> None:
    assert_sni(server, {WWW: WWW}, no_sni=WWW, via="header")


def test_the_first_name_is_asked_for_without_sni_and_an_unknown_one_by_itself(server: Server) -> None:
    assert_sni(
        server,
        {SHOP: Served(content=SHOP)},
        no_sni=Served(status=421),
        unknown=Served(status=404),
        path="/host.cgi",
    )


def test_the_port_stands_in_the_host_field_where_it_is_another(server: Server) -> None:
    name = "modern.example.test"
    assert_sni(server, {name: Served(content=f"{name}:8446")}, port=8446, path="/host.cgi")


def test_an_international_name_is_sent_in_its_ascii_form(server: Server) -> None:
    served = Served(content="xn--bcher-kva.example.test")
    assert_sni(server, {"bücher.example.test": served}, path="/host.cgi")


def test_content_is_read_as_utf_8_where_the_server_names_nothing_else(server: Server) -> None:
    assert_sni(server, {SHOP: Served(content="für den Laden")}, path="/document.html")


def test_another_variable_than_the_name_is_told(server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_sni(server, {SHOP: SHOP}, path="/wrong.cgi", via="cgi")
    assert [str(one) for one in caught.value.mismatches] == [f"{SHOP}: SSL_TLS_SNI: expected '{SHOP}', seen 'x'"]
    with pytest.raises(ModsslAssertionError) as caught:
        assert_sni(server, {WWW: WWW}, no_sni=WWW, path="/wrong.cgi", via="cgi")
    assert str(caught.value.mismatches[1]) == "no SNI: SSL_TLS_SNI: expected it to be absent, seen 'x'"


def test_a_page_without_the_variable_is_told(server: Server) -> None:
    with pytest.raises(ModsslAssertionError, match=rf"{SHOP}: SSL_TLS_SNI: expected '{SHOP}', seen no SSL variables"):
        assert_sni(server, {SHOP: SHOP}, path="/document.html", via="cgi")


def test_no_name_is_nothing_to_assert(server: Server) -> None:
    with pytest.raises(ValueError, match="at least one name"):
        assert_sni(server, {})


def test_redirects_are_followed_with_a_session_of_ones_own(server: Server) -> None:
    session = server.session(protocol="TLSv1.2")
    for chain in (
        assert_switches_to_https(server, f"http://{SHOP}/document.html_SSL", session=session),
        assert_no_redirect_loop(server, f"https://{SHOP}/document.html", session=session),
    ):
        assert chain.response is not None
        facts = tls_of(chain.response)
        assert facts is not None
        assert facts.protocol == "TLSv1.2"


def test_more_redirects_than_allowed_are_no_end(server: Server) -> None:
    with pytest.raises(ModsslAssertionError, match="more than the 0 redirects allowed"):
        assert_no_redirect_loop(server, f"https://{SHOP}/document.html_NOSSL", limit=0)


def test_every_name_that_gets_the_wrong_is_told(server: Server, leaves: dict[str, LeafCert]) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_sni(
            server,
            {WWW: SHOP, SHOP: Served(certificate=leaves[WWW], content="nothing", status=404)},
            no_sni=SHOP,
            unknown=WWW,
        )
    assert [one.what for one in caught.value.mismatches] == [
        f"{WWW}: certificate",
        f"{SHOP}: certificate",
        f"{SHOP}: status",
        f"{SHOP}: content",
        "no SNI: certificate",
    ]
    assert str(caught.value.mismatches[0]) == f"{WWW}: certificate: expected one for {SHOP}, seen one for {WWW}"
    assert str(caught.value).count("openssl s_client") == 3


def test_the_size_of_the_prime_is_read_from_the_wire(server: Server) -> None:
    assert_dh_bits(server, "legacy.example.test", 1024, port=8443)
    assert_dh_bits(server, "long.example.test", lambda bits: bits >= 2048, port=8445)


def test_dhe_is_asked_for_where_the_server_would_rather_not(server: Server) -> None:
    assert_dh_bits(server, "plain.example.test", 2048, port=8447)


def test_java_7_meets_no_prime_where_it_gets_a_curve(server: Server) -> None:
    seen = assert_java7_compatible(server, "plain.example.test", port=8447, protocol="TLSv1.2")
    assert (seen.cipher_suite, seen.dh_bits) == ("ECDHE-RSA-AES128-SHA", None)


def test_a_block_that_openssl_ignores_in_silence_is_found(server: Server) -> None:
    # OpenSSL 3.0 and later do not take the block, and httpd lets the library choose; 1.1.1 takes it, and then refuses
    # to use it, so that no DHE suite is left (measured on 3.0.22 and 1.1.1w).
    seen = "2048" if (server.installation.openssl or ()) >= (3,) else "none: alert handshake_failure"
    with pytest.raises(ModsslAssertionError, match=f"DH prime in bits: expected 1024, seen {seen}"):
        assert_dh_bits(server, "silent.example.test", 1024, port=8444)


def test_a_server_without_dhe_is_told(server: Server) -> None:
    with pytest.raises(ModsslAssertionError, match=r"DH prime in bits: expected 1024, seen none: alert"):
        assert_dh_bits(server, "modern.example.test", 1024, port=8446)


def test_java_7_can_talk_where_the_prime_is_short(server: Server) -> None:
    assert_java7_compatible(server, "legacy.example.test", port=8443)


def test_java_7_gives_up_on_a_long_prime_as_it_really_does(server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_java7_compatible(server, "long.example.test", port=8445)
    assert [str(one) for one in caught.value.mismatches] == [
        "DH prime in bits: expected a multiple of 64 from 512 to 1024, seen 2048"
    ]
    assert server.log.wait_for("SSL alert number 80")


def test_java_7_cannot_talk_to_a_server_of_today(server: Server) -> None:
    with pytest.raises(ModsslAssertionError, match="handshake of Java 7: expected an answer that it can go on with"):
        assert_java7_compatible(server, "modern.example.test", port=8446)


def test_an_untrusted_certificate_is_told_with_the_reason(local_target: LocalTarget) -> None:
    server = local_target.launch(
        ServerConfig(VirtualHost(WWW, tls=CA().issue(WWW)), VirtualHost(SHOP, tls=self_signed(SHOP)))
    )
    try:
        assert_handshake(server, WWW)
        with pytest.raises(ModsslAssertionError, match="chain: expected trusted, seen not trusted"):
            assert_handshake(server, WWW, trust=())
    finally:
        server.stop()
