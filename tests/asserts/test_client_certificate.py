"""Client certificates on a real server: how they are demanded is proved, and what is not as expected is named."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    CA,
    ModsslAssertionError,
    ServerConfig,
    UnknownHostError,
    VirtualHost,
    assert_client_certificate,
)
from pytest_modssl.tls import CertificateDemand
from pytest_modssl.tls.demand import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl import LeafCert, Server
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.tls.demand import How

NAME = "www.example.test"
URL = f"https://{NAME}/private/?a=b"
PLACE = "<Location /private>\n{}\n</Location>"
LISTED = """
    SSLCARevocationCheck leaf
    SSLCARevocationFile "${MODSSL_PKI}/clients.crl"
"""
PROTOCOLS = ("TLSv1.2", "TLSv1.3")
WAYS: dict[tuple[bool, str], How] = {
    (False, "TLSv1.2"): "handshake",
    (False, "TLSv1.3"): "handshake",
    (True, "TLSv1.2"): "renegotiation",
    (True, "TLSv1.3"): "post-handshake",
}


@cache
def staff() -> CA:
    return CA(common_name="Example staff root")


@cache
def ada() -> LeafCert:
    return staff().issue_client("Ada")


@cache
def eve() -> LeafCert:
    return CA(common_name="Example staff root").issue_client("Eve")


@cache
def gone() -> LeafCert:
    leaf = staff().issue_client("Bob")
    staff().revoke(leaf)
    return leaf


@pytest.fixture(scope="module")
def leaf(modssl_ca: CA) -> LeafCert:
    return modssl_ca.issue(NAME)


@pytest.fixture
def serve(modssl_server_factory: ServerFactory, leaf: LeafCert) -> Callable[[str], Server]:
    """Starts a server with these directives in its virtual host."""

    def start(directives: str) -> Server:
        host = VirtualHost(
            NAME,
            tls=leaf,
            directives=f'SSLCACertificateFile "${{MODSSL_PKI}}/clients.pem"\n{directives}',
            files={"private/index.html": "members only\n"},
        )
        assert gone()
        pki = {"clients.pem": staff().cert_pem, "clients.crl": staff().crl()}
        return modssl_server_factory(ServerConfig(host, pki=pki))

    return start


def mismatches(action: Callable[[], object]) -> list[str]:
    with pytest.raises(ModsslAssertionError) as caught:
        action()
    return [str(one) for one in caught.value.mismatches]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("in_a_place", [False, True], ids=["host", "location"])
def test_the_way_is_seen_by_the_client_and_in_the_log(
    serve: Callable[[str], Server], *, in_a_place: bool, protocol: str
) -> None:
    how = WAYS[in_a_place, protocol]
    server = serve(LISTED + (PLACE.format("SSLVerifyClient require") if in_a_place else "SSLVerifyClient require"))

    seen = assert_client_certificate(
        server, URL, client=ada(), how=how, protocol=protocol, refused=[eve(), gone()], SSL_CLIENT_S_DN_CN="Ada"
    )

    assert seen.status == 200
    assert seen.reply.endswith(b"members only\n")
    assert seen.handshake.protocol == protocol
    assert seen.handshake.demands == (CertificateDemand(how, answered=True),)
    assert server.log.unexpected() == (), "the refusals that were wanted are accounted for"
    other: How = "handshake" if in_a_place else "post-handshake"
    told = mismatches(lambda: assert_client_certificate(server, URL, client=ada(), how=other, protocol=protocol))
    assert f"with CN=Ada: demand: expected {WORDS[other]}, seen {WORDS[how]}" in told
    assert any(one.startswith("with CN=Ada: demand in the log: ") for one in told)
    assert not any("refusal" in one or "SSL_" in one for one in told)


@pytest.mark.parametrize("how", ["renegotiation", "post-handshake"])
def test_a_place_may_want_a_certificate_and_do_without(serve: Callable[[str], Server], how: How) -> None:
    server = serve(PLACE.format("SSLVerifyClient optional"))
    assert_client_certificate(server, URL, client=ada(), how=how, required=False, refused=[eve()])
    assert mismatches(lambda: assert_client_certificate(server, URL, client=ada(), how=how)) == [
        "without a certificate: refusal: expected an alert, or status 401 or 403, seen status 200"
    ]


def test_a_certificate_that_is_required_is_not_optional(serve: Callable[[str], Server]) -> None:
    server = serve("SSLVerifyClient require")
    (told,) = mismatches(lambda: assert_client_certificate(server, URL, client=ada(), required=False))
    assert told.startswith("without a certificate: answer: expected one, seen none: the server sent alert ")


def test_a_certificate_that_must_be_refused_and_is_not_is_named(serve: Callable[[str], Server]) -> None:
    server = serve("SSLVerifyClient require")
    assert mismatches(lambda: assert_client_certificate(server, URL, client=ada(), refused=[gone()])) == [
        "with CN=Bob: refusal: expected an alert, or status 401 or 403, seen status 200"
    ]


def test_a_certificate_that_the_client_kept_back_was_not_refused(serve: Callable[[str], Server]) -> None:
    server = serve("SSLVerifyClient require\nSSLOpenSSLConfCmd ClientSignatureAlgorithms ECDSA+SHA256")
    kept = staff().issue_client("Grace", key_type="rsa-2048")
    assert mismatches(lambda: assert_client_certificate(server, URL, client=ada(), refused=[kept])) == [
        "with CN=Grace: certificate: expected it to be sent, seen none sent"
    ]


def test_a_certificate_that_was_not_verified_proves_nothing(serve: Callable[[str], Server]) -> None:
    server = serve("SSLVerifyClient optional_no_ca")
    (told,) = mismatches(lambda: assert_client_certificate(server, URL, client=eve(), required=False))
    assert told.startswith("SSL_CLIENT_VERIFY: expected 'SUCCESS', seen ")
    assert_client_certificate(
        server, URL, client=eve(), required=False, SSL_CLIENT_VERIFY=lambda said: said != "SUCCESS"
    )


def test_a_page_that_anybody_gets_wants_no_certificate(serve: Callable[[str], Server]) -> None:
    assert mismatches(lambda: assert_client_certificate(serve(""), URL, client=ada()))[-3:] == [
        "with CN=Ada: demand: expected one, seen none",
        "without a certificate: refusal: expected an alert, or status 401 or 403, seen status 200",
        "without a certificate: demand: expected one, seen none",
    ]


def test_rules_beyond_the_certificate_refuse_by_status(serve: Callable[[str], Server]) -> None:
    place = PLACE.format('SSLVerifyClient require\nSSLRequire %{SSL_CLIENT_S_DN_CN} eq "Ada"')
    grace = staff().issue_client("Grace")
    assert_client_certificate(serve(place), URL, client=ada(), refused=[grace], protocol="TLSv1.2")
    assert_client_certificate(
        serve("SSLVerifyClient optional\n" + PLACE.format("Require expr %{SSL_CLIENT_S_DN_CN} == 'Ada'")),
        URL,
        client=ada(),
        how="handshake",
        refused=[grace],
        post_handshake_auth=False,
    )


def test_what_a_page_logs_for_those_that_it_lets_in_is_not_forgiven(
    modssl_server_factory: ServerFactory, leaf: LeafCert
) -> None:
    page = '<!--#include virtual="/nothing" -->'
    directives = 'SSLVerifyClient require\nSSLCACertificateFile "${MODSSL_PKI}/clients.pem"'
    host = VirtualHost(NAME, tls=leaf, directives=directives, files={"é.shtml": page})
    server = modssl_server_factory(ServerConfig(host, pki={"clients.pem": staff().cert_pem}))
    assert_client_certificate(server, f"https://{NAME}/é.shtml", client=ada())
    assert ["unable to include" in one.message for one in server.log.unexpected()] == [True]
    server.log.expect("unable to include")


def test_a_client_that_cannot_be_asked_later_is_not_let_in(serve: Callable[[str], Server]) -> None:
    server = serve(PLACE.format("SSLVerifyClient require"))
    with pytest.raises(ModsslAssertionError, match="AH10158") as caught:
        assert_client_certificate(server, URL, client=ada(), how="post-handshake", post_handshake_auth=False)
    server.log.expect("AH10158", "extension not received")
    assert [one.entry.id for one in caught.value.diagnoses] == ["post-handshake-auth-missing"]
    assert "-enable_pha" not in str(caught.value).partition("to repeat it by hand:")[2]


def test_what_cannot_be_asked_is_an_error(modssl_server: Server) -> None:
    with pytest.raises(ValueError, match="is no https: URL"):
        assert_client_certificate(modssl_server, "http://www.example.test/", client=ada())
    with pytest.raises(UnknownHostError, match="no virtual host serves"):
        assert_client_certificate(modssl_server, "https://nobody.example.test/", client=ada())
    with pytest.raises(ValueError, match="headers do not show SSL_CLIENT_S_DN_OU_7"):
        assert_client_certificate(modssl_server, URL, client=ada(), SSL_CLIENT_S_DN_OU_7="Shop")
