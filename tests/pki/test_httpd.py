"""What a real httpd makes of the files: `-t` does not load certificates (httpd 2.4.71), so it is started."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.pki import CA, LeafCert, dh_parameters, generate_key, self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator

HTTPD = Path(shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2")
MODULES = Path("/usr/lib/apache2/modules")

pytestmark = pytest.mark.skipif(
    not HTTPD.exists() or not (MODULES / "mod_ssl.so").exists(), reason="needs httpd with mod_ssl in Debian's layout"
)


def configure(folder: Path, leaf: LeafCert, directives: str, server_directives: str) -> tuple[str, int]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address: tuple[str, int] = probe.getsockname()
    leaf.cert_file_pem.write_to_path(folder / "cert.pem", mode=0o644)
    leaf.key_file_pem.write_to_path(folder / "key.pem")
    (folder / "httpd.conf").write_text(f"""
        ServerRoot "{folder}"
        ServerName localhost
        User nobody
        DefaultRuntimeDir "{folder}"
        PidFile "{folder}/httpd.pid"
        ErrorLog "{folder}/error.log"
        LoadModule mpm_event_module {MODULES}/mod_mpm_event.so
        LoadModule authz_core_module {MODULES}/mod_authz_core.so
        LoadModule ssl_module {MODULES}/mod_ssl.so
        {server_directives}
        Listen {address[0]}:{address[1]}
        <VirtualHost *:{address[1]}>
            SSLEngine on
            SSLCertificateFile "{folder}/cert.pem"
            SSLCertificateKeyFile "{folder}/key.pem"
            {directives}
        </VirtualHost>
    """)
    return address


@contextlib.contextmanager
def httpd(
    folder: Path, leaf: LeafCert, directives: str = "", *, server_directives: str = ""
) -> Iterator[tuple[str, int]]:
    """The address of an httpd that answers with the leaf; a RuntimeError with its error log where it does not start."""
    address = configure(folder, leaf, directives, server_directives)
    process = subprocess.Popen(
        [HTTPD, "-f", folder / "httpd.conf", "-DFOREGROUND"], stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        for _ in range(2000):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.005)
                raise RuntimeError((folder / "error.log").read_text())
            # Not the port: it listens before the certificates are read. The pid is written after that.
            if (folder / "httpd.pid").exists():
                break
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def served(address: tuple[str, int], trust: bytes, name: str = "www.example.test") -> bytes:
    """The certificate, as DER, that the server presents to a client that verifies it."""
    context = ssl.create_default_context(cadata=trust.decode())
    with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
        der = tls.getpeercert(binary_form=True)
        assert der is not None
        return der


@pytest.mark.parametrize("key_type", ["ec-p256", "ec-p384", "rsa-2048", "rsa-3072", "ed25519"])
def test_httpd_serves_a_leaf_with_its_chain(tmp_path: Path, root: CA, intermediate: CA, key_type: str) -> None:
    leaf = intermediate.issue("www.example.test", key_type=key_type)
    with httpd(tmp_path, leaf) as address:
        assert served(address, root.cert_pem.bytes()) == leaf.der


def test_httpd_serves_the_dh_block_behind_the_chain(tmp_path: Path, intermediate: CA) -> None:
    leaf = intermediate.issue("www.example.test", key_type="rsa-2048").with_dh_parameters(dh_parameters("rfc3526-3072"))
    with httpd(tmp_path, leaf) as (host, port):
        said = subprocess.run(
            ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    assert "Server Temp Key: DH, 3072 bits" in said, "without the block it is 2048, by the size of the key"


def test_httpd_serves_a_dsa_and_a_small_rsa_leaf_at_security_level_0(tmp_path: Path, root: CA) -> None:
    for key_type in ("dsa-1024", "dsa-2048", "rsa-1024"):
        leaf = root.issue("www.example.test", key_type=key_type)
        with httpd(tmp_path, leaf, "SSLCipherSuite ALL:@SECLEVEL=0") as (host, port):
            said = subprocess.run(
                ["openssl", "s_client", "-connect", f"{host}:{port}", "-tls1_2", "-cipher", "ALL:@SECLEVEL=0"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            ).stdout
        assert "BEGIN CERTIFICATE" in said
        assert leaf.cert_pem.text() in said


def test_httpd_opens_an_encrypted_key_with_its_pass_phrase(tmp_path: Path, root: CA) -> None:
    dialog = tmp_path / "pass-phrase"
    dialog.write_text("#!/bin/sh\necho 'open sesame'\n")
    dialog.chmod(0o755)
    for key_type in ("ec-p256", "rsa-2048"):
        leaf = root.issue("www.example.test", key_type=key_type).with_pass_phrase("open sesame")
        with httpd(tmp_path, leaf, server_directives=f'SSLPassPhraseDialog "exec:{dialog}"') as address:
            assert served(address, root.cert_pem.bytes()) == leaf.der


def test_httpd_serves_a_self_signed_leaf(tmp_path: Path) -> None:
    leaf = self_signed("www.example.test")
    with httpd(tmp_path, leaf) as address:
        assert served(address, leaf.cert_pem.bytes()) == leaf.der


@pytest.mark.parametrize(
    ("mistake", "ah"),
    [("other key", "AH02565"), ("locked key", "AH02578"), ("small key", "AH02562")],
)
def test_httpd_refuses_a_mistake_with_its_own_words(tmp_path: Path, root: CA, mistake: str, ah: str) -> None:
    leaf = {
        "other key": root.issue("www.example.test").with_key(generate_key()),
        "locked key": root.issue("www.example.test").with_pass_phrase("secret"),
        "small key": root.issue("www.example.test", key_type="rsa-1024"),
    }[mistake]
    with pytest.raises(RuntimeError, match=ah), httpd(tmp_path, leaf):
        pass


def test_httpd_warns_of_a_ca_certificate(tmp_path: Path, root: CA) -> None:
    with httpd(tmp_path, root.issue("www.example.test", ca=True)):
        pass
    assert "AH01906" in (tmp_path / "error.log").read_text()


def test_httpd_asks_for_and_checks_a_client_certificate_against_ca_and_list(tmp_path: Path) -> None:
    ca = CA()
    alice, mallory = ca.issue_client("alice"), ca.issue_client("mallory")
    ca.revoke(mallory)
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    ca.crl().write_to_path(tmp_path / "ca.crl")
    directives = f"""
        SSLVerifyClient require
        SSLProtocol TLSv1.2
        SSLCACertificateFile "{tmp_path}/ca.pem"
        SSLCARevocationFile "{tmp_path}/ca.crl"
        SSLCARevocationCheck leaf
    """
    with httpd(tmp_path, ca.issue("www.example.test"), directives) as address:
        outcome = {}
        for client in (alice, mallory):
            client.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
            context = ssl.create_default_context(cadata=ca.cert_pem.text())
            context.load_cert_chain(tmp_path / "client.pem")
            with socket.create_connection(address) as plain:
                try:
                    context.wrap_socket(plain, server_hostname="www.example.test").close()
                    outcome[client] = "accepted"
                except ssl.SSLError as error:
                    outcome[client] = str(error.reason)
    assert outcome[alice] == "accepted"
    assert "REVOKED" in outcome[mallory]
