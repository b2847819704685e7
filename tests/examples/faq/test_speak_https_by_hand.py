"""A handshake with its transcript, a GET by hand over it, and the commands that repeat both."""

import subprocess

from pytest_modssl import assert_answers_by_hand, assert_handshake

NAME = "www.example.test"


def test_transcript(modssl_server):
    seen = assert_handshake(modssl_server, NAME, protocol="TLSv1.3")
    assert "ClientHello versions TLSv1.3; server_name www.example.test;" in str(seen.transcript)


def test_get_by_hand(modssl_server):
    request = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n".encode()
    seen = assert_answers_by_hand(modssl_server, NAME, request)
    assert seen.status_line == "HTTP/1.1 200 OK"


def test_commands(modssl_server):
    curl = subprocess.run(modssl_server.curl_command(f"https://{NAME}/"), capture_output=True, check=True, timeout=20)
    assert b"<p>www.example.test" in curl.stdout
    command = modssl_server.s_client_command(NAME)
    s_client = subprocess.run(command, input=b"", capture_output=True, check=True, timeout=20)
    assert b"Verify return code: 0 (ok)" in s_client.stdout
