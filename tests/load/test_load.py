"""Loads on a real server: every connection is accounted for, by what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import CA, ServerConfig, UnknownHostError, VirtualHost

if TYPE_CHECKING:
    from pytest_modssl import Server
    from pytest_modssl.targets.local import LocalTarget
    from pytest_modssl.tls.handshake import Resumption

NAME = "www.example.test"
URL = f"https://{NAME}/"
CLIENTS = """
    SSLVerifyClient require
    SSLCACertificateFile "${MODSSL_PKI}/clients.pem"
"""
CLIENT_CA = CA(common_name="the clients' CA")


@pytest.fixture(scope="module")
def modssl_config(modssl_ca: CA) -> ServerConfig:
    """Sessions are kept by the server on port 443 and by the client on port 8443; port 9443 asks for a certificate."""
    leaf = modssl_ca.issue(NAME)
    return ServerConfig(
        VirtualHost(NAME, tls=leaf, directives="SSLSessionTickets off", files={"big.txt": "x" * 100_000}),
        VirtualHost(NAME, tls=leaf, port=8443),
        VirtualHost(NAME, tls=leaf, port=9443, directives=CLIENTS),
        VirtualHost(NAME),
        directives='SSLSessionCache "shmcb:${MODSSL_RUN}/sessions(512000)"',
        pki={"clients.pem": CLIENT_CA.cert_pem},
    )


@pytest.mark.parametrize("protocol", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(("port", "by"), [(443, "session id"), (8443, "ticket")])
def test_each_worker_resumes_its_sessions(modssl_server: Server, protocol: str, port: int, by: Resumption) -> None:
    report = modssl_server.load(f"https://{NAME}:{port}/", connections=30, workers=3, protocol=protocol)
    assert report.failures == {}
    assert report.connections == report.handshakes == report.requests == 30
    assert report.protocols == {protocol: 30}
    assert (report.offered, report.resumptions, report.resumption_rate) == (27, {by: 27}, 1.0)


def test_a_client_that_takes_no_tickets_resumes_by_the_server_s_cache(modssl_server: Server) -> None:
    report = modssl_server.load(f"https://{NAME}:8443/", connections=8, workers=2, protocol="TLSv1.2", tickets=False)
    assert report.resumptions == {"session id": 6}


def test_without_resumption_every_handshake_is_a_full_one(modssl_server: Server) -> None:
    report = modssl_server.load(URL, connections=8, resume=False)
    assert (report.offered, report.resumed, report.resumption_rate) == (0, 0, None)


def test_a_connection_asks_as_often_as_it_is_told(modssl_server: Server) -> None:
    report = modssl_server.load(f"{URL}big.txt", connections=6, workers=2, requests=4)
    assert (report.handshakes, report.requests, report.failures) == (6, 24, {})
    shaken = modssl_server.load(URL, connections=6, workers=2, requests=0)
    assert (shaken.handshakes, shaken.requests, shaken.resumed) == (6, 0, 4)
    assert shaken.latency is None
    assert shaken.handshake_latency is not None


def test_a_load_over_plain_http_has_no_handshake(modssl_server: Server) -> None:
    report = modssl_server.load(f"http://{NAME}/", connections=6, workers=2, requests=3)
    assert (report.connections, report.handshakes, report.requests, report.failures) == (6, 0, 18, {})
    assert report.latency is not None


def test_failures_are_counted_by_kind_and_shown_by_an_example(modssl_server: Server) -> None:
    modssl_server.log.expect("AH")
    refused = modssl_server.load(URL, connections=5, workers=1, protocol="TLSv1.2", ciphers="ADH:AECDH:@SECLEVEL=0")
    assert refused.failures == {"alert handshake_failure": 5}
    assert [one.failure for one in refused.examples] == ["alert"]
    missing = modssl_server.load(f"{URL}missing", connections=5, workers=1)
    assert (missing.failures, missing.handshakes, missing.requests) == ({"answer 404": 5}, 5, 0)


def test_a_client_certificate_that_is_missing_fails_after_the_handshake_of_tls_1_3_too(modssl_server: Server) -> None:
    modssl_server.log.expect("AH")
    report = modssl_server.load(f"https://{NAME}:9443/", connections=4, workers=2, protocol="TLSv1.3")
    assert report.failures == {"alert certificate_required": 4}
    client = CLIENT_CA.issue_client("a client")
    shown = modssl_server.load(f"https://{NAME}:9443/", connections=4, workers=2, protocol="TLSv1.3", client=client)
    assert (shown.failures, shown.requests) == ({}, 4)


def test_a_load_ends_when_its_time_is_over(modssl_server: Server) -> None:
    begun = time.monotonic()
    report = modssl_server.load(URL, connections=20_000, seconds=0.2)
    assert time.monotonic() - begun < 10
    assert 0 < report.connections < 20_000
    assert report.failures == {}


def test_a_name_that_no_host_has_is_refused(modssl_server: Server) -> None:
    with pytest.raises(UnknownHostError, match="no virtual host serves"):
        modssl_server.load("https://other.example.test/")


def test_what_tls_costs_is_told_side_by_side(modssl_server: Server) -> None:
    compared = modssl_server.compare_load(NAME, connections=60)
    plain, full, resumed = compared.reports.values()
    assert [one.failures for one in (plain, full, resumed)] == [{}, {}, {}]
    assert (plain.handshakes, full.resumed, resumed.resumption_rate) == (0, 0, 1.0)
    assert list(compared.ratios) == ["HTTP", "full handshakes", "resumed"]
    assert all(one.server_cpu is not None and one.server_cpu >= 0 for one in compared.reports.values())


def test_the_server_s_cpu_time_grows_with_what_it_does(modssl_server: Server) -> None:
    before = modssl_server.instance.cpu_seconds()
    report = modssl_server.load(URL, connections=100, resume=False)
    after = modssl_server.instance.cpu_seconds()
    assert before is not None
    assert after is not None
    assert report.server_cpu is not None
    # Some 2 ms of CPU for a full handshake and an answer, counted in steps of 10 ms (measured on httpd 2.4.71).
    assert 0.02 < report.server_cpu <= after - before


def test_a_report_is_an_observation_with_its_examples(modssl_server: Server) -> None:
    report = modssl_server.load(URL, connections=6, workers=1)
    assert modssl_server.observations[-1] is report
    assert report.examples == tuple(modssl_server.observations)[:-1]
    assert [one.resumed_by for one in report.examples] == [None, "session id"]


def test_a_server_that_has_ended_refuses_every_connection_and_spends_no_time(
    local_target: LocalTarget, modssl_ca: CA
) -> None:
    server = local_target.launch(ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME))))
    server.stop()
    report = server.load(URL, connections=4)
    assert report.failures == {"refused": 4}
    assert report.server_cpu is None
