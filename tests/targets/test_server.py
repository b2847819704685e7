"""A running server as tests hold it: where it is, by which names, what it remembers, and how to look at it by hand."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import requests

from pytest_modssl import CA, ServerConfig, ServerGoneError, UnknownHostError, VirtualHost
from pytest_modssl.targets.local import LocalInstance
from pytest_modssl.tls import shell_line
from pytest_modssl.wait import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl import Server
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.targets.local import LocalTarget

WWW = "www.example.test"
MEMBERS = "members.example.test"


@pytest.fixture(scope="module")
def config(ca: CA) -> ServerConfig:
    return ServerConfig(
        VirtualHost(
            WWW, tls=ca.issue(WWW, "*.wild.test", "exact.test"), aliases=["*.wild.test", "exact.test", "a?.test"]
        ),
        VirtualHost(WWW, files={"index.html": "in clear"}, directives=f"Redirect /old https://{WWW}/new"),
        VirtualHost(
            MEMBERS,
            port=8443,
            tls=ca.issue(MEMBERS),
            directives="SSLVerifyClient require\nSSLCACertificateFile ${MODSSL_PKI}/ca.pem",
        ),
        pki={"ca.pem": ca.cert_pem},
    )


@pytest.fixture
def server(modssl_server_factory: ServerFactory, config: ServerConfig) -> Server:
    return modssl_server_factory(config)


@pytest.fixture
def own(local: LocalTarget, ca: CA) -> Iterator[Server]:
    """A server that may be reloaded or ended, and of which the plugin knows nothing."""
    server = local.launch(ServerConfig(VirtualHost(WWW, tls=ca.issue(WWW))))
    yield server
    server.stop()


def run(command: list[str]) -> str:
    done = subprocess.run(["sh", "-c", shell_line(command)], capture_output=True, text=True, check=False, timeout=30)
    return done.stdout + done.stderr


def test_every_port_of_the_configuration_has_an_address_and_others_are_told(server: Server) -> None:
    assert len({server.address(port) for port in (443, 80, 8443)}) == 3
    with pytest.raises(UnknownHostError, match="port 8080: this server's configuration listens on 443, 80, 8443"):
        server.address(8080)


@pytest.mark.parametrize("name", [WWW, WWW.upper(), "a.wild.test", "a.b.wild.test", "exact.test", "ab.test"])
def test_names_and_aliases_are_resolved_as_httpd_matches_them(server: Server, name: str) -> None:
    assert server.resolve("https", name, 443) == server.address(443)


@pytest.mark.parametrize(
    ("name", "port"),
    [("wild.test", 443), ("abc.test", 443), ("a.test", 443), ("xexact.test", 443), ("exact.test", 80), (MEMBERS, 443)],
)
def test_a_name_that_no_host_of_the_port_serves_is_told_with_those_there_are(
    server: Server, name: str, port: int
) -> None:
    with pytest.raises(UnknownHostError) as caught:
        server.resolve("https", name, port)
    assert str(caught.value) == (
        f"no virtual host serves https://{name}:{port}; there are: {WWW}:443, {WWW}:80, {MEMBERS}:8443. "
        "To reach the default host by another name, ask for a session with any_name=True"
    )


def test_aliases_are_served(server: Server) -> None:
    assert server.get("https://shop.wild.test/").text == server.get("https://exact.test/").text


def test_any_name_reaches_the_default_host_of_a_port(server: Server) -> None:
    with pytest.raises(UnknownHostError):
        server.get("http://nobody.test/")
    assert server.session(any_name=True).get("http://nobody.test/").text == "in clear"
    with pytest.raises(UnknownHostError, match="port 81: this server's configuration listens on"):
        server.session(any_name=True).get("http://nobody.test:81/")


def test_roots_of_ones_own_are_trusted_instead_of_the_servers(server: Server, ca: CA) -> None:
    for trust in ([ca.cert_pem], [ca.cert_pem.bytes()]):
        assert server.session(trust=trust).get(f"https://{WWW}/").status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        server.session(trust=[CA().cert_pem]).get(f"https://{WWW}/")


def test_a_client_certificate_is_shown_by_every_client(server: Server, ca: CA) -> None:
    alice = ca.issue_client("alice")
    assert server.session(client=alice).get(f"https://{MEMBERS}:8443/").status_code == 200
    assert server.handshake(MEMBERS, port=8443, client=alice).client_certificate_sent
    with server.connect(MEMBERS, port=8443, client=alice) as connection:
        assert connection.handshake.client_certificate_sent


def test_files_of_client_certificates_are_for_their_owner_alone_whatever_the_umask(own: Server, ca: CA) -> None:
    before = os.umask(0)
    try:
        own.session(client=ca.issue_client("alice"))
    finally:
        os.umask(before)
    folder = own.instance.folder / "client"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(path.suffix for path in folder.iterdir()) == [".crt", ".key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_one_certificate_with_another_chain_or_key_has_files_of_its_own(own: Server, ca: CA) -> None:
    alice = ca.intermediate().issue_client("alice")
    sessions = [
        own.session(client=one)
        for one in (alice, alice.without_chain(), alice.with_key(ca.issue_client("bob").private_key), alice)
    ]
    files = [session.cert for session in sessions]
    assert files[0] == files[3]
    assert len(set(files)) == 3


def test_the_commands_to_repeat_something_by_hand_work_as_printed(server: Server) -> None:
    assert "in clear" in run(server.curl_command(f"http://{WWW}/"))
    assert "HTTP/1.1 200 OK" in run(server.curl_command("https://shop.wild.test/"))
    assert "Verify return code: 0 (ok)" in run(server.s_client_command(WWW))
    # OpenSSL 3.2 and later print no spaces around the equals sign (its NEWS.md).
    printed = run(server.s_client_command(MEMBERS, port=8443, protocol="TLSv1.2")).replace(" = ", "=")
    assert f"CN={MEMBERS}\n" in printed


def test_the_commands_trust_the_roots_of_the_configuration_now_served(own: Server) -> None:
    assert "Verify return code: 0 (ok)" in run(own.s_client_command(WWW))
    own.reload(ServerConfig(VirtualHost(WWW, tls=CA().issue(WWW))))
    assert "Verify return code: 0 (ok)" in run(own.s_client_command(WWW))
    assert "HTTP/1.1 200 OK" in run(own.curl_command(f"https://{WWW}/"))


@pytest.mark.skipif(sys.platform != "linux", reason="open connections can be told on Linux alone")
def test_every_session_of_a_test_is_closed_when_it_ends(own: Server) -> None:
    for session in (own.session(), own.session(any_name=True)):
        session.get(f"https://{WWW}/")
    own.get(f"https://{WWW}/")
    opened = own.instance.settle()
    assert opened is not None
    assert len(opened) == 3
    own.end_test()
    until(lambda: own.instance.settle() == frozenset(), seconds=30, what="the server's end of the connections")


def test_what_was_seen_is_remembered_in_order_up_to_a_dozen_and_forgotten_with_the_next_test(own: Server) -> None:
    assert not own.used
    response = own.get(f"https://{WWW}/")
    seen = own.handshake(WWW)
    assert list(own.observations) == [response, seen]
    for number in range(11):
        own.note(number)
    assert list(own.observations) == [seen, *range(11)]
    own.end_test()
    own.begin_test()
    assert not own.used
    assert not own.observations


def test_a_redirect_is_an_answer_and_is_followed_on_request_only(server: Server) -> None:
    assert server.get(f"http://{WWW}/old").status_code == 302
    assert server.get(f"http://{WWW}/old", allow_redirects=True).url == f"https://{WWW}/new"
    assert [one.status_code for one in server.observations if isinstance(one, requests.Response)] == [302, 302, 404]


def test_asking_for_an_address_counts_as_use(own: Server) -> None:
    own.address()
    assert own.used
    own.end_test()
    own.begin_test()
    assert not own.used


def test_a_server_that_ended_fails_only_tests_that_used_it(own: Server) -> None:
    assert isinstance(own.instance, LocalInstance)
    assert repr(own) == f"<Server {own.installation.id} for {WWW}: running>"
    own.instance.process.kill()
    own.end_test()
    own.address()
    with pytest.raises(ServerGoneError, match=r"httpd was ended by signal 9 \(SIGKILL\) while a test was using it"):
        own.end_test()
    assert repr(own).endswith(": was ended by signal 9 (SIGKILL)>")


def test_the_mode_of_a_file_is_known_where_the_server_runs(server: Server) -> None:
    root = server.instance.rendered.main.removesuffix("/httpd.conf")
    modes = {name: server.instance.mode(f"{root}/{name}") for name in ("tls/0-0.key", "tls/0-0.crt", "tls", "nothing")}
    expected = {
        "tls/0-0.key": stat.S_IFREG | 0o600,
        "tls/0-0.crt": stat.S_IFREG | 0o644,
        "tls": stat.S_IFDIR | 0o755,
        "nothing": None,
    }
    assert modes == expected
