"""The command lines that repeat a connection: run for real against httpd, and quoted for a shell."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.errors import TlsError
from pytest_modssl.tls.commands import curl_command, s_client_command, shell_line
from tests.tls.watched_httpd import NAME, WatchedHttpd

if TYPE_CHECKING:
    from pathlib import Path


def run(argv: list[str]) -> str:
    done = subprocess.run(["sh", "-c", shell_line(argv)], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("host", "protocol"), [("tls10", "TLSv1"), ("tls10", "TLSv1.1"), ("any", "TLSv1.2"), ("any", "TLSv1.3")]
)
def test_s_client_speaks_the_protocol_as_printed(httpd: WatchedHttpd, host: str, protocol: str) -> None:
    output = run(s_client_command(httpd.address(host), NAME, protocol=protocol))
    assert f"{protocol}, Cipher is" in output or f"Protocol  : {protocol}\n" in output
    # OpenSSL 3.2 and later print no spaces around the equals sign (its NEWS.md).
    assert f"CN={NAME}\n" in output.replace(" = ", "=")


def test_s_client_makes_the_same_choices_as_the_client(httpd: WatchedHttpd, tmp_path: Path) -> None:
    output = run(
        s_client_command(
            httpd.address("any"),
            "other.example.test",
            protocol=("TLSv1.2", "TLSv1.2"),
            ciphers="ECDHE-ECDSA-AES128-GCM-SHA256",
            groups=["secp384r1", "secp256r1"],
            signature_schemes=["ecdsa_secp256r1_sha256"],
            alpn=["http/1.1"],
            ca_file=httpd.ca.cert_pem.write_to_path(tmp_path / "a folder with spaces.pem"),
            verify_abort=True,
            compression=True,
        )
    )
    assert "Verify return code: 0 (ok)" in output
    assert "CN=other.example.test\n" in output.replace(" = ", "=")
    # "Server" up to OpenSSL 3.4, "Peer" in 3.5.
    assert re.search("(Server|Peer) Temp Key: ECDH, secp384r1", output)
    assert "ALPN protocol: http/1.1" in output
    assert "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" in output


@pytest.mark.parametrize("tickets", [True, False])
def test_s_client_takes_tickets_or_not(httpd: WatchedHttpd, *, tickets: bool) -> None:
    output = run(s_client_command(httpd.address("tls12"), NAME, tickets=tickets))
    assert ("TLS session ticket:" in output) is tickets


def test_s_client_sends_the_client_certificate(httpd: WatchedHttpd, tmp_path: Path) -> None:
    certificate = httpd.client.cert_file_pem.write_to_path(tmp_path / "client.pem")
    key = httpd.client.key_file_pem.write_to_path(tmp_path / "client.key")
    for extra, refused in (({"certificate_file": certificate, "key_file": key}, False), ({}, True)):
        output = run(s_client_command(httpd.address("require"), NAME, protocol="TLSv1.2", **extra))  # type: ignore[arg-type]
        assert ("alert handshake failure" in output) is refused


def test_curl_reaches_the_logical_name_at_the_real_address(httpd: WatchedHttpd, tmp_path: Path) -> None:
    root = httpd.ca.cert_pem.write_to_path(tmp_path / "root.pem")
    certificate = httpd.client.cert_file_pem.write_to_path(tmp_path / "client.pem")
    key = httpd.client.key_file_pem.write_to_path(tmp_path / "client.key")
    output = run(
        curl_command(
            f"https://{NAME}/index.html",
            httpd.address("require"),
            ca_file=root,
            certificate_file=certificate,
            key_file=key,
            protocol="TLSv1.2",
            ciphers="ECDHE-RSA-AES128-GCM-SHA256",
            headers={"X-Quoted": "it's here"},
        )
    )
    assert "HTTP/1.1 200 OK" in output
    assert "SSL connection using TLSv1.2 / ECDHE-RSA-AES128-GCM-SHA256" in output
    assert "X-Quoted: it's here" in output
    assert "hello" in output
    assert f"Host: {NAME}\n" in output.replace("\r", "")


def test_curl_speaks_plain_http_and_other_methods(httpd: WatchedHttpd) -> None:
    address = httpd.address("plain")
    assert "400" not in run(curl_command(f"http://{NAME}/index.html", address, method="HEAD"))
    assert "> OPTIONS /index.html" in run(curl_command(f"http://{NAME}/index.html", address, method="OPTIONS"))


def test_lines_are_quoted_and_s_client_gets_an_end_of_input() -> None:
    argv = ["openssl", "s_client", "-CAfile", "/a b/c'd.pem"]
    line = shell_line(argv)
    assert line.endswith(" </dev/null")
    assert shlex.split(line.removesuffix(" </dev/null")) == argv
    assert shell_line(["curl", "http://h/?a&b"]) == "curl 'http://h/?a&b'"


def test_addresses_and_names_take_their_special_forms() -> None:
    argv = s_client_command(("::1", 443), "bücher.test", protocol="SSLv3")
    assert argv[3:7] == ["[::1]:443", "-servername", "xn--bcher-kva.test", "-ssl3"]
    assert "-noservername" in s_client_command(("127.0.0.1", 443), "127.0.0.1")
    assert s_client_command(("h", 1), protocol=("TLSv1", "TLSv1.2"))[4:] == [
        *("-noservername", "-min_protocol", "TLSv1", "-max_protocol", "TLSv1.2"),
        *("-cipher", "DEFAULT:@SECLEVEL=0", "-state"),
    ]
    assert "[::1]:443:127.0.0.1:8443" in curl_command("https://[::1]/", ("127.0.0.1", 8443))


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(TlsError, match=r"TLSv2.*none of SSLv3"):
        s_client_command(("h", 1), protocol="TLSv2")
