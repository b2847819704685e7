"""The command lines that a failure prints, run as printed while the server runs: they show what the test has seen."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import (
    ModsslAssertionError,
    ServerConfig,
    VirtualHost,
    assert_answers,
    assert_answers_by_hand,
    assert_handshake,
    assert_no_redirect_loop,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl import CA, Server
    from pytest_modssl.fixtures import ServerFactory

NAME = "www.example.test"
LOOP = r"""
    RewriteEngine on
    RewriteRule ^/loop$ http://www.example.test/loop [R,L]
"""
TYPED = f"GET / HTTP/1.1\nHost: {NAME}\nConnection: close\n\n".encode()


@pytest.fixture(scope="module")
def server(modssl_server_factory: ServerFactory, modssl_ca: CA) -> Server:
    return modssl_server_factory(
        ServerConfig(
            VirtualHost(NAME, tls=modssl_ca.issue(NAME), directives="SSLProtocol TLSv1.2"),
            VirtualHost(NAME, directives=LOOP),
            VirtualHost(NAME, port=8443, tls=modssl_ca.intermediate().issue(NAME).without_chain()),
            VirtualHost(NAME, port=9443, tls=modssl_ca.issue(NAME)),
            listen=[80, 443, 8443],
        )
    )


def printed(error: ModsslAssertionError) -> list[str]:
    """The command lines in the message of a failure."""
    lines = str(error).partition("to repeat it by hand:\n")[2].splitlines()
    return [line.strip() for line in lines]


def ran(line: str) -> str:
    """What a line prints; its TLS library may be another one than that of the tests."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=30, check=False)
    return (done.stdout + done.stderr).decode(errors="replace")


@pytest.mark.parametrize(
    ("check", "symptom"),
    [
        pytest.param(
            lambda server: assert_answers(server, f"http://{NAME}/nothing"), "HTTP/1.1 404 Not Found", id="not found"
        ),
        pytest.param(
            lambda server: assert_handshake(server, NAME, protocol="TLSv1.3"),
            "alert protocol version",
            id="a protocol that is refused",
        ),
        pytest.param(
            lambda server: assert_handshake(server, NAME, protocol="TLSv1.2", ciphers="AES128-SHA"),
            "alert handshake failure",
            id="no suite in common",
        ),
        pytest.param(
            lambda server: assert_handshake(server, NAME, port=80),
            "wrong version number|packet length too long",
            id="plain HTTP where TLS was asked for",
        ),
        pytest.param(
            lambda server: assert_handshake(server, NAME, port=8443),
            "unable to get local issuer certificate|unable to verify the first certificate",
            id="an intermediate that is missing",
        ),
        pytest.param(
            lambda server: assert_answers(server, f"https://{NAME}:8443/"),
            "unable to get local issuer certificate",
            id="a certificate that curl does not trust",
        ),
        pytest.param(
            # A container's published port takes the connection and hangs up.
            lambda server: assert_handshake(server, NAME, port=9443),
            "Connection refused|errno=111|unexpected eof|Connection reset|errno=104|errno=0",
            id="a port that nobody listens to",
        ),
        pytest.param(
            lambda server: assert_no_redirect_loop(server, f"http://{NAME}/loop"),
            r"Maximum \(50\) redirects followed",
            id="a loop",
        ),
        pytest.param(
            lambda server: assert_answers_by_hand(server, NAME, TYPED),
            "HTTP/1.1 400 Bad Request",
            id="a request typed with bare line ends",
        ),
    ],
)
def test_a_printed_command_shows_the_symptom_of_the_failure(
    server: Server, check: Callable[[Server], object], symptom: str
) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        check(server)
    lines = printed(caught.value)
    assert lines
    for line in lines:
        assert re.search(symptom, ran(line)), line


def test_a_get_by_hand_shows_handshake_request_and_answer(server: Server) -> None:
    request = f"GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode()
    seen = assert_answers_by_hand(server, NAME, request)
    assert seen.reply.endswith(b"<p>www.example.test\n")
    text = str(seen)
    assert "> b'GET / HTTP/1.0\\r\\n'" in text
    assert "< b'HTTP/1.1 200 OK\\r\\n'" in text
    (line,) = server.commands()
    assert "<p>www.example.test\n" in ran(line[2])


def test_the_transcript_of_a_failure_reads_like_that_of_s_client(server: Server) -> None:
    with pytest.raises(ModsslAssertionError) as caught:
        assert_handshake(server, NAME, protocol="TLSv1.3")
    sent, received = re.findall(r"^(?:>>>|<<<).*", str(caught.value), re.MULTILINE)
    assert re.fullmatch(r">>> +\d+\.\d\d ms  handshake, \d+ bytes", sent)
    assert re.fullmatch(r"<<< +\d+\.\d\d ms  alert, 2 bytes: protocol_version \(fatal\)", received)
    assert re.search(r"ClientHello versions TLSv1.3; server_name www.example.test; suites TLS_", str(caught.value))
    (line,) = printed(caught.value)
    told = ran(f"{line.removesuffix('</dev/null')} -msg </dev/null")
    # The same two messages, in the same direction, with the same length of the alert.
    assert re.search(r">>> .*Handshake \[length [0-9a-f]+\], ClientHello", told)
    assert re.search(r"<<< .*Alert \[length 0002\], fatal protocol_version", told)
