"""The client against a real httpd: what it sees of every kind of handshake, good and refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.httpd.expectations import expectations
from pytest_modssl.pki import CA, dh_prime
from pytest_modssl.tls.client import connect, handshake
from pytest_modssl.tls.demand import CertificateDemand
from tests.tls.watched_httpd import NAME, WatchedHttpd

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.tls.client import TlsConnection


def get(connection: TlsConnection, path: str = "/", *, name: str = NAME) -> bytes:
    connection.send(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    return connection.read_until_close()


def test_a_tls13_handshake_tells_protocol_suite_group_and_chain(
    httpd: WatchedHttpd, local_installation: Installation
) -> None:
    seen = handshake(httpd.address("any"), NAME, trust=httpd.trust)
    assert seen.ok
    assert seen.stage == "after"
    assert (seen.failure, seen.error) == (None, None)
    assert (seen.protocol, seen.cipher_suite, seen.cipher_bits) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)
    # This client prefers X25519MLKEM768 over x25519.
    assert seen.group == expectations(local_installation).value("group all")
    assert seen.verification.ok
    assert seen.hostname_ok
    assert seen.names == (NAME,)
    assert len(seen.certificates) == 1
    assert seen.secure_renegotiation is None
    assert seen.session_id is None
    assert not seen.client_certificate_requested


def test_a_tls12_handshake_tells_what_its_clear_records_show(httpd: WatchedHttpd) -> None:
    seen = handshake(
        httpd.address("tls12"), NAME, trust=httpd.trust, groups=["secp384r1"], signature_schemes=["rsa_pss_rsae_sha512"]
    )
    assert seen.ok
    assert (seen.protocol, seen.group, seen.signature) == ("TLSv1.2", "secp384r1", "rsa_pss_rsae_sha512")
    assert seen.cipher_suite == "ECDHE-RSA-AES256-GCM-SHA384"
    assert seen.compression == "NULL"
    assert seen.secure_renegotiation
    assert seen.dh_bits is None
    assert seen.leaf is not None
    assert seen.verification.ok


@pytest.mark.parametrize("protocol", ["TLSv1", "TLSv1.1"])
def test_old_protocols_are_spoken_when_asked_for(httpd: WatchedHttpd, protocol: str) -> None:
    seen = handshake(httpd.address("tls10"), NAME, protocol=protocol)
    assert seen.ok, seen
    assert seen.protocol == protocol


def test_the_dh_prime_is_the_one_on_the_wire(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("dh1024"), NAME, protocol="TLSv1.2", security_level=0)
    assert seen.ok, seen
    assert seen.dh_prime == dh_prime("rfc2409-1024")
    assert seen.dh_bits == 1024
    assert seen.group is None


def test_a_group_of_the_clients_choice_is_used(httpd: WatchedHttpd) -> None:
    # Since OpenSSL 3.5 a server's preference goes before the client's, but not between these two, which its default
    # list has in one class (SSL_CTX_set1_groups(3), "DEFAULT").
    for first, second in (("secp521r1", "secp384r1"), ("secp384r1", "secp521r1")):
        assert handshake(httpd.address("any"), NAME, groups=[first, second]).group == first


def test_a_hello_retry_request_does_not_hide_the_selection(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("p256"), NAME, groups=["x25519", "secp256r1"])
    assert seen.ok, seen
    assert (seen.protocol, seen.group) == ("TLSv1.3", "secp256r1")


def test_alpn_is_told_for_both_protocols(httpd: WatchedHttpd) -> None:
    for host in ("any", "tls12"):
        assert handshake(httpd.address(host), NAME, alpn=["h2", "http/1.1"]).alpn == "http/1.1"
        assert handshake(httpd.address(host), NAME).alpn is None


def test_sni_chooses_the_certificate(httpd: WatchedHttpd) -> None:
    assert handshake(httpd.address("any"), "other.example.test").names == ("other.example.test",)
    without = handshake(httpd.address("any"))
    assert without.names == (NAME,)
    assert without.hostname_ok is None


def test_protocol_and_suite_without_common_ground_are_alerts_by_name(httpd: WatchedHttpd) -> None:
    wrong_protocol = handshake(httpd.address("tls13"), NAME, protocol="TLSv1.2")
    assert (wrong_protocol.failure, wrong_protocol.stage) == ("alert", "hello")
    assert [str(alert) for alert in wrong_protocol.alerts_received] == ["protocol_version (fatal)"]
    no_suite = handshake(httpd.address("one-cipher"), NAME, protocol="TLSv1.2", ciphers="ECDHE-RSA-AES256-GCM-SHA384")
    assert [str(alert) for alert in no_suite.alerts_received] == ["handshake_failure (fatal)"]
    assert no_suite.error is not None
    assert "handshake_failure" in no_suite.error
    assert not no_suite.ok


@pytest.mark.parametrize(("protocol", "stage", "alert"), [
    ("TLSv1.2", "handshake", "handshake_failure"),
    ("TLSv1.3", "after", "certificate_required"),
])  # fmt: skip
def test_a_missing_client_certificate_is_refused(httpd: WatchedHttpd, protocol: str, stage: str, alert: str) -> None:
    seen = handshake(httpd.address("require"), NAME, protocol=protocol)
    assert (seen.ok, seen.failure, seen.stage) == (False, "alert", stage)
    assert [received.name for received in seen.alerts_received] == [alert]
    assert seen.client_certificate_requested
    assert not seen.client_certificate_sent
    assert seen.client_ca_names == ("CN=Watched Root",)


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_a_client_certificate_is_sent_where_it_is_asked_for(httpd: WatchedHttpd, protocol: str) -> None:
    given = {"protocol": protocol, "client_certificate": httpd.client_certificate}
    seen = handshake(httpd.address("require"), NAME, **given)  # type: ignore[arg-type]
    assert seen.ok, seen
    assert seen.demands == (CertificateDemand("handshake", answered=True),)
    not_asked = handshake(httpd.address("any"), NAME, **given)  # type: ignore[arg-type]
    assert not_asked.ok
    assert not not_asked.client_certificate_sent


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
def test_a_client_certificate_of_another_ca_is_refused(httpd: WatchedHttpd, protocol: str) -> None:
    stranger = CA(common_name="Stranger").issue_client("Mallory")
    both = stranger.cert_file_pem.bytes(), stranger.key_file_pem.bytes()
    seen = handshake(httpd.address("require"), NAME, protocol=protocol, client_certificate=both)
    assert seen.client_certificate_sent
    assert (seen.ok, seen.failure) == (False, "alert")
    assert [alert.name for alert in seen.alerts_received] == ["unknown_ca"]


@pytest.mark.parametrize(("host", "reason"), [
    ("self-signed", "depth zero self signed cert"),
    ("expired", "cert has expired"),
])  # fmt: skip
def test_a_chain_that_is_not_trusted_is_noted_and_aborts_on_request(
    httpd: WatchedHttpd, host: str, reason: str
) -> None:
    noted = handshake(httpd.address(host), NAME, trust=httpd.trust)
    assert noted.ok
    assert (noted.verification.ok, noted.verification.reason, noted.verification.depth) == (False, reason, 0)
    for protocol in ("TLSv1.2", "TLSv1.3"):
        aborted = handshake(httpd.address(host), NAME, trust=httpd.trust, verify="abort", protocol=protocol)
        assert (aborted.ok, aborted.failure, aborted.stage) == (False, "certificate", "handshake")
        assert aborted.error is not None
        assert reason in aborted.error
        expected = {"self-signed": "unknown_ca", "expired": "certificate_expired"}[host]
        assert [(alert.name, alert.fatal) for alert in aborted.alerts_sent] == [(expected, True)]


def test_a_chain_without_any_trust_is_not_trusted(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("any"), NAME)
    assert seen.ok
    assert seen.verification.ok is False
    assert seen.verification.code == 20


def test_a_certificate_for_another_name_is_told(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("any"), "unknown.example.test", trust=httpd.trust)
    assert seen.ok
    assert seen.verification.ok
    assert seen.hostname_ok is False
    assert "NOT for unknown.example.test" in str(seen)


@pytest.mark.parametrize("host", ["tls12", "tls12-session-id", "tls13"])
def test_sessions_are_resumed_by_ticket_and_by_session_id(httpd: WatchedHttpd, host: str) -> None:
    first = handshake(httpd.address(host), NAME, trust=httpd.trust)
    assert not first.resumed
    assert first.session is not None
    assert first.tickets == {"tls12": 1, "tls12-session-id": 0, "tls13": 2}[host]
    assert bool(first.session_id) == (host == "tls12-session-id")
    second = handshake(httpd.address(host), NAME, trust=httpd.trust, session=first.session)
    assert second.ok
    assert second.resumed
    assert second.resumed_by == ("session id" if host == "tls12-session-id" else "ticket")
    assert f"resumed by {second.resumed_by}" in str(second)
    assert second.protocol == first.protocol


def test_a_client_that_takes_no_tickets_is_given_a_session_id(httpd: WatchedHttpd) -> None:
    first = handshake(httpd.address("tls12"), NAME, tickets=False)
    assert (first.tickets, first.tickets_taken, bool(first.session_id)) == (0, False, True)
    assert handshake(httpd.address("tls12"), NAME, tickets=False, session=first.session).resumed_by == "session id"
    assert handshake(httpd.address("tls12"), NAME).tickets_taken
    assert handshake(httpd.address("tls13"), NAME, tickets=False).tickets_taken


def test_a_session_that_the_server_keeps_is_told_from_one_that_its_ticket_carries(httpd: WatchedHttpd) -> None:
    first = handshake(httpd.address("tls13-kept"), NAME)
    assert first.tickets == 2
    assert handshake(httpd.address("tls13-kept"), NAME, session=first.session).resumed_by == "session id"


def test_a_session_is_resumed_under_equal_options_only(httpd: WatchedHttpd) -> None:
    first = handshake(httpd.address("tls12"), NAME)
    with pytest.raises(TlsError, match="other settings"):
        connect(httpd.address("tls12"), NAME, protocol="TLSv1.2", session=first.session)


def test_close_notify_of_both_sides_is_told(httpd: WatchedHttpd) -> None:
    for host in ("tls12", "tls13"):
        seen = handshake(httpd.address(host), NAME)
        assert seen.close_notify_sent
        assert seen.close_notify_received
        assert seen.peer_closed
        assert not seen.unexpected_eof


@pytest.mark.parametrize("host", ["unclean"])
def test_a_missing_close_notify_is_told(httpd: WatchedHttpd, host: str) -> None:
    for path, missing in (("/unclean.html", True), ("/index.html", False)):
        with connect(httpd.address(host), NAME) as connection:
            answer = get(connection, path)
            assert answer.endswith(b"hello\n")
            assert connection.handshake.ok
            assert connection.handshake.unexpected_eof is missing
            assert connection.handshake.close_notify_received is not missing


def test_httpd_refuses_a_renegotiation_by_the_client(httpd: WatchedHttpd) -> None:
    with connect(httpd.address("tls12"), NAME) as connection:
        after = connection.renegotiate()
    assert after.renegotiations == 0
    assert (after.ok, after.failure) == (False, "alert")
    assert [str(alert) for alert in after.alerts_received] == ["no_renegotiation (warning)"]


def test_a_renegotiation_by_the_server_shows_the_client_certificate(httpd: WatchedHttpd) -> None:
    with connect(
        httpd.address("private"), NAME, protocol="TLSv1.2", client_certificate=httpd.client_certificate
    ) as connection:
        before = connection.handshake
        assert get(connection, "/private.html").endswith(b"hello\n")
        after = connection.handshake
    assert (before.renegotiations, before.client_certificate_requested) == (0, False)
    assert after.renegotiations == 1
    # What a renegotiation agrees on is encrypted.
    assert (before.group is None, after.group, after.signature) == (False, None, None)
    assert after.demands == (CertificateDemand("renegotiation", answered=True),)
    assert "client certificate demanded by renegotiation, sent" in str(after)
    names = [name for entry in after.transcript.entries if entry.encrypted for name in entry.names]
    assert names.index("CertificateRequest") > names.index("Finished")


@pytest.mark.parametrize("offered", [True, False])
def test_post_handshake_authentication_is_offered_on_request(httpd: WatchedHttpd, offered: bool) -> None:  # noqa: FBT001
    with connect(
        httpd.address("private"),
        NAME,
        protocol="TLSv1.3",
        client_certificate=httpd.client_certificate,
        post_handshake_auth=offered,
    ) as connection:
        answer = get(connection, "/private.html")
        after = connection.handshake
    assert after.demands == ((CertificateDemand("post-handshake", answered=True),) if offered else ())
    assert (b" 403 " in answer.splitlines()[0]) is not offered


def test_a_plain_port_is_told_with_its_reply(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("plain"), NAME)
    assert (seen.ok, seen.failure, seen.stage) == (False, "not_tls", "hello")
    assert seen.plain_reply is not None
    assert seen.plain_reply.startswith(b"HTTP/1.1 400 ")
    assert seen.error is not None
    assert "wrong version number" in seen.error


def test_a_level_that_the_server_does_not_meet_is_this_clients_refusal(httpd: WatchedHttpd) -> None:
    seen = handshake(httpd.address("dh1024"), NAME, protocol="TLSv1.2", security_level=2)
    assert (seen.ok, seen.failure) == (False, "client")
    assert seen.error is not None
    assert "dh key too small" in seen.error
    assert [alert.name for alert in seen.alerts_sent] == ["handshake_failure"]
    assert seen.dh_bits == 1024
