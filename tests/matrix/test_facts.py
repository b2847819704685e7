"""What of an observation is compared: every field is in a table, and what changes at every look is left out."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
import requests

from pytest_modssl import ServerConfig, VirtualHost
from pytest_modssl.matrix.facts import COMPARED, NOT_COMPARED, facts_of

if TYPE_CHECKING:
    from pytest_modssl import Server
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.pki import CA

NAME = "www.example.test"
TLS = f"TLS handshake {NAME} port 443"


@pytest.fixture
def server(modssl_server_factory: ServerFactory, modssl_ca: CA) -> Server:
    directives = """
        SSLOptions +StdEnvVars +ExportCertData
        Header always add Set-Cookie "second=x1; Secure"
        Header always add Set-Cookie "first=x2"
        Header always set X-Own value
    """
    return modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME), directives=directives)))


@pytest.mark.parametrize("kind", COMPARED)
def test_every_field_is_compared_or_there_is_a_reason(kind: type) -> None:
    assert {*COMPARED[kind], *NOT_COMPARED[kind]} == {one.name for one in fields(kind)}
    assert not {*COMPARED[kind]} & {*NOT_COMPARED[kind]}
    assert all(NOT_COMPARED[kind].values())


def look(server: Server) -> list[tuple[str, str, str]]:
    server.begin_test()
    server.handshake(NAME, protocol="TLSv1.2")
    server.handshake(NAME, protocol="TLSv1.1")
    server.probe(NAME)
    server.scan(NAME)
    server.get(f"https://{NAME}/")
    server.environment(f"https://{NAME}/")
    server.environment(f"https://{NAME}/", via="ssi")
    server.environment(f"https://{NAME}/", via="header")
    return facts_of(server)


def test_two_looks_at_one_server_are_alike_and_so_is_another_server(
    server: Server, modssl_server_factory: ServerFactory
) -> None:
    first = look(server)
    assert look(server) == first
    assert look(modssl_server_factory(server.config, fresh=True)) == first


def test_what_the_tables_name_is_seen(server: Server) -> None:
    seen = {(subject, what): value for subject, what, value in look(server)}
    assert seen[TLS, "protocol"] == "TLSv1.2"
    assert seen[TLS, "verification"] == "trusted"
    assert seen[TLS, "certificates"] == f"1 for {NAME}"
    assert seen[f"{TLS} (2)", "ok"] == "no"
    assert seen[f"{TLS} (2)", "failure"] == "alert"
    assert "TLS_AES_256_GCM_SHA384" in seen[f"scan {NAME} port 443", "suites TLSv1.3"]
    assert seen[f"probe {NAME} port 443", "server_hello"].startswith("TLSv1.3 ")
    page = f"GET https://{NAME}/"
    assert seen[page, "status"] == "200"
    assert seen[page, "header X-Own"] == "value"
    assert seen[page, "names of cookies"] == "first, second"
    for url in (f"{page}env.cgi", f"{page}env.shtml", f"{page} (2)"):
        assert seen[url, "variable SSL_PROTOCOL"] == "TLSv1.3", url
    told = {what for _, what in seen}
    assert not told & {"header Date", "header Server", "variable SSL_SESSION_ID", "variable SSL_SERVER_CERT"}
    assert not told & {"variable SSL_SERVER_M_SERIAL", "variable SSL_SERVER_V_END", "header Last-Modified"}


def test_what_is_seen_twice_alike_is_told_once(server: Server) -> None:
    server.begin_test()
    for _ in range(3):
        server.get(f"https://{NAME}/")
    assert [what for _, what, _ in facts_of(server)].count("status") == 1


def test_an_answer_that_was_read_as_a_stream_is_no_trouble(server: Server) -> None:
    server.begin_test()
    answer = server.get(f"https://{NAME}/", stream=True)
    assert b"".join(answer.iter_content(7))
    assert {what for _, what, _ in facts_of(server)} >= {"status", "header X-Own"}


def test_a_server_that_remembers_all_forgets_nothing_of_a_test(server: Server) -> None:
    server.begin_test()
    server.remember_all()
    for number in range(30):
        server.get(f"https://{NAME}/?{number}")
    assert len({subject for subject, _, _ in facts_of(server)}) == 30


def test_what_a_test_noted_itself_is_told_as_looked_at_only(server: Server) -> None:
    server.begin_test()
    server.note("something else")
    assert facts_of(server) == []


def test_a_request_without_an_answer_is_a_fact(server: Server) -> None:
    server.begin_test()
    with pytest.raises(requests.exceptions.SSLError):
        server.session(protocol="TLSv1.1").get(f"https://{NAME}/")
    assert (f"https://{NAME}/", "answer", "none: SSLError") in facts_of(server)
