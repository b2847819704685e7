from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import requests
from requests.adapters import HTTPAdapter

from pytest_modssl.errors import UnknownHostError
from pytest_modssl.http import open_session, tls_of

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Httpd

NewSession = Callable[..., requests.Session]


def test_a_name_is_reached_without_dns_and_verified_by_it(session: requests.Session) -> None:
    response = session.get("https://www.example.test/end.txt")
    assert (response.status_code, response.text) == (200, "the end\n")
    assert response.url == "https://www.example.test/end.txt"


def test_plain_http_is_mapped_too_and_has_no_tls(session: requests.Session) -> None:
    response = session.get("http://www.example.test/show.cgi")
    assert response.text == "GET www.example.test"
    assert tls_of(response) is None


def test_the_host_field_carries_the_logical_port_only(session: requests.Session) -> None:
    assert session.get("https://www.example.test/show.cgi").text == "GET www.example.test"
    assert session.get("https://www.example.test:8443/show.cgi").text == "GET www.example.test:8443"


def test_redirects_keep_the_logical_port(session: requests.Session) -> None:
    assert session.get("http://www.example.test/port").url == "http://www.example.test:8080/end.txt"


def test_resolve_is_asked_for_scheme_host_and_port_of_the_url(httpd: Httpd) -> None:
    asked = []

    def resolve(scheme: str, host: str, port: int) -> tuple[str, int]:
        asked.append((scheme, host, port))
        return httpd.resolve(scheme, host, port)

    with open_session(resolve, trust=[httpd.root_pem]) as session:
        session.get("https://www.example.test/end.txt")
        session.get("http://b.example.test:8080/end.txt")
    assert asked == [("https", "www.example.test", 443), ("http", "b.example.test", 8080)]


def test_an_international_name_goes_out_in_its_ascii_form(session: requests.Session) -> None:
    response = session.get("https://müller.example.test/show.cgi")
    assert response.text == "GET xn--mller-kva.example.test"


def test_an_ipv6_literal_can_be_asked_for(session: requests.Session) -> None:
    assert session.get("http://[::1]/show.cgi").text == "GET [::1]"


def test_a_certificate_for_other_names_is_refused(session: requests.Session) -> None:
    with pytest.raises(requests.exceptions.SSLError, match=r"other\.example\.test"):
        session.get("https://other.example.test/")


def test_a_session_that_trusts_nothing_says_so(new_session: NewSession) -> None:
    with pytest.raises(requests.exceptions.SSLError, match="trusts no root at all"):
        new_session(trust=[]).get("https://www.example.test/")


def test_the_roots_that_come_with_requests_are_not_trusted(
    new_session: NewSession, httpd: Httpd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(httpd.folder / "server.pem"))
    with pytest.raises(requests.exceptions.SSLError):
        new_session(trust=[]).get("https://www.example.test/")


def test_verification_can_be_left_out_for_one_request_only(new_session: NewSession) -> None:
    session = new_session(trust=[])
    assert session.get("https://other.example.test/end.txt", verify=False).status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        session.get("https://other.example.test/end.txt")


def test_a_bundle_named_for_one_request_replaces_the_trusted_roots(new_session: NewSession, httpd: Httpd) -> None:
    bundle = str(httpd.folder / "server.pem")
    assert new_session(trust=[]).get("https://www.example.test/end.txt", verify=bundle).ok


def test_the_environment_has_no_part_in_it(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine www.example.test login someone password secret\n")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    response = session.get("https://www.example.test/end.txt")
    assert response.status_code == 200
    assert "Authorization" not in response.request.headers


def test_a_client_certificate_is_given_when_only_one_place_asks_for_it(new_session: NewSession, httpd: Httpd) -> None:
    files = (httpd.folder / "server.pem", httpd.folder / "server.key")
    url = "https://b.example.test/members/end.txt"
    for protocol in ("TLSv1.2", "TLSv1.3"):
        assert new_session(protocol=protocol, client_certificate=files).get(url).status_code == 200


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_without_a_client_certificate_that_place_stays_closed(new_session: NewSession, protocol: str) -> None:
    with pytest.raises(requests.exceptions.SSLError, match=r"(?i)alert"):
        new_session(protocol=protocol).get("https://b.example.test/members/end.txt")


def test_tls_facts_tell_what_was_in_force(session: requests.Session, httpd: Httpd) -> None:
    facts = tls_of(session.get("https://www.example.test/end.txt"))
    assert facts is not None
    der = ssl.PEM_cert_to_DER_cert(httpd.root_pem.decode())
    assert (facts.protocol, facts.alpn, facts.resumed) == ("TLSv1.3", "http/1.1", False)
    assert facts.cipher_suite.startswith("TLS_")
    assert facts.fingerprint == hashlib.sha256(der).hexdigest()
    assert str(facts).startswith(f"TLSv1.3 {facts.cipher_suite} ({facts.cipher_bits} bits), sha256 ")


def test_a_protocol_can_be_pinned(new_session: NewSession) -> None:
    facts = tls_of(new_session(protocol="TLSv1.2").get("https://www.example.test/end.txt"))
    assert facts is not None
    assert facts.protocol == "TLSv1.2"


def test_a_protocol_below_the_servers_is_offered_and_refused(new_session: NewSession) -> None:
    with pytest.raises(requests.exceptions.SSLError, match=r"(?i)alert"):
        new_session(protocol="TLSv1.1").get("https://www.example.test/end.txt")


def test_an_unknown_protocol_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown protocol 'SSLv3': use one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"):
        open_session(lambda *_: ("127.0.0.1", 1), protocol="SSLv3")


def test_tls_facts_are_those_after_a_renegotiation(new_session: NewSession) -> None:
    session = new_session(protocol="TLSv1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-CCM")
    ciphers = []
    for path in ("end.txt", "other-cipher/index.txt"):
        response = session.get(f"https://www.example.test/{path}", headers={"Connection": "close"})
        facts = tls_of(response)
        assert facts is not None
        ciphers.append(facts.cipher_suite)
    assert ciphers == ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-CCM"]


def test_a_client_certificate_is_sent(new_session: NewSession, httpd: Httpd) -> None:
    files = (httpd.folder / "server.pem", httpd.folder / "server.key")
    text = new_session(client_certificate=files).get("https://www.example.test/env.cgi").text
    # OpenSSL 3.0 put the hyphen in (crypto/x509/x509_txt.c).
    self_signed = "self-signed" if (httpd.server.installation.openssl or ()) >= (3,) else "self signed"
    assert f"=SSL_CLIENT_VERIFY\n FAILED:{self_signed} certificate\n" in text
    assert "=SSL_CLIENT_VERIFY\n NONE\n" in new_session().get("https://www.example.test/env.cgi").text


def test_every_response_is_reported_redirects_included(new_session: NewSession) -> None:
    seen: list[tuple[int, str]] = []
    session = new_session(on_response=lambda response: seen.append((response.status_code, response.url)))
    session.get("http://www.example.test/to-https")
    assert seen == [(302, "http://www.example.test/to-https"), (200, "https://www.example.test/end.txt")]


def test_an_error_of_resolve_reaches_the_caller(session: requests.Session) -> None:
    with pytest.raises(UnknownHostError, match=r"nobody\.example\.test:443"):
        session.get("https://nobody.example.test/")


def test_a_refused_connection_names_both_addresses() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
        with (
            open_session(lambda *_: address) as session,
            pytest.raises(requests.ConnectionError, match=rf"www.example.test:80 \(at 127.0.0.1:{address[1]}\)"),
        ):
            session.get("http://www.example.test/")


def test_a_silent_server_ends_at_the_sessions_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = silent.getsockname()
        with open_session(lambda *_: address, timeout=0.05) as session, pytest.raises(requests.Timeout):
            session.get("http://www.example.test/")


def test_closing_the_session_closes_its_connections() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(answer)
                if peer.recv(1) == b"":
                    ended.set()

        thread = threading.Thread(target=serve)
        thread.start()
        session = open_session(lambda *_: address)
        session.get("http://www.example.test/")
        session.close()
        thread.join(timeout=5)
    assert ended.is_set()


def test_closing_a_session_closes_its_connections_while_responses_are_held(session: requests.Session) -> None:
    response = session.get("https://www.example.test/")
    adapter = session.get_adapter("https://www.example.test/")
    assert isinstance(adapter, HTTPAdapter)
    (pool,) = (adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys())  # noqa: SIM118
    connection = next(one for one in pool.pool.queue if one is not None)
    sock = connection.sock
    assert sock.fileno() != -1
    session.close()
    assert sock.fileno() == -1
    assert response.content
