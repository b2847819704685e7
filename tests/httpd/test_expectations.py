"""The tables of what depends on versions, held against the real server of whichever target the tests run on."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import ServerConfig, StartError, Version, VirtualHost
from pytest_modssl.httpd.expectations import SUBJECTS, expectations, rows, subjects
from pytest_modssl.pki import dh_parameters

if TYPE_CHECKING:
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.pki import CA
    from pytest_modssl.targets.base import Target
    from pytest_modssl.targets.server import Server

Value = str | int | bool
_ANSWER = re.compile(r"HTTP/1\.1 (\d+) .*?\r\n\r\n(.*)", re.DOTALL)

A, B, SAME, COPY, AUTH = "a.test", "b.test", "same.test", "copy.test", "auth.test"
# The name sent as SNI, and the Host of the request.
SNI_CASES: dict[str, tuple[str | None, str]] = {
    "same-certificate": (A, SAME),
    "copied-certificate": (A, COPY),
    "other-certificate": (A, B),
    "other-client-authentication": (A, AUTH),
    "unknown-host": (A, "unknown.invalid"),
    "unknown-both": ("unknown.invalid", "unknown.invalid"),
    "none-first-host": (None, A),
    "none-same-certificate": (None, SAME),
    "none-other-certificate": (None, B),
    "none-other-client-authentication": (None, AUTH),
}
POLICIES = {
    "default": "",
    "strict-check": "SSLStrictSNIVHostCheck on",
    **{name: f"SSLVHostSNIPolicy {name}" for name in ("strict", "secure", "authonly", "insecure")},
}
# How parameters reach mod_ssl: in the certificate's file, or by a directive of OpenSSL's own.
CERTIFICATE = "SSLCertificateFile ${MODSSL_PKI}/shared.pem\n"
CONF_CMD = "SSLOpenSSLConfCmd DHParameters ${MODSSL_PKI}/dh.pem"


class Laboratory:
    """Servers on which an experiment shows what a subject says."""

    def __init__(self, factory: ServerFactory, ca: CA) -> None:
        self.factory = factory
        self.ca = ca

    def sni(self, policy: str, case: str) -> Value:
        sni, host = SNI_CASES[case]
        server = self._hosts(POLICIES[policy])
        server.log.expect("AH02032", "AH02033")
        # TLS 1.2, as a host that asks for client certificates of its own asks by a renegotiation.
        with server.connect(sni, protocol="TLSv1.2") as connection:
            connection.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            found = _ANSWER.match(connection.read_until_close().decode())
        assert found is not None
        status, page = int(found[1]), found[2]
        if status != 200:
            return status
        return "host" if host in page else "default" if A in page else page

    def _hosts(self, policy: str) -> Server:
        shared = self.ca.issue(A, SAME, COPY, AUTH)
        of_files = f"SSLEngine on\n{CERTIFICATE}"
        auth = "SSLVerifyClient optional\nSSLCACertificateFile ${MODSSL_PKI}/ca.pem\n"
        return self.factory(
            ServerConfig(
                VirtualHost(A, port=443, directives=of_files),
                VirtualHost(SAME, port=443, directives=of_files),
                VirtualHost(AUTH, port=443, directives=of_files + auth),
                VirtualHost(COPY, tls=shared),
                VirtualHost(B, tls=self.ca.issue(B)),
                directives=policy,
                pki={"ca.pem": self.ca.cert_pem, "shared.pem": shared.private_key_and_cert_chain_pem},
            )
        )

    def dh(self, bits: str, block: str, level: str) -> Value:
        """The prime for a certificate of so many bits."""
        how, _, group = block.partition(":")
        leaf = self.ca.issue(A, key_type=bits)
        if how == "file":
            leaf = leaf.with_dh_parameters(dh_parameters(group))
        directives = f"SSLProtocol TLSv1.2\nSSLCipherSuite DHE+AES:@SECLEVEL={level}\n"
        directives += CONF_CMD if how == "command" else ""
        pki = {"dh.pem": dh_parameters(group)} if how == "command" else {}
        try:
            server = self.factory(ServerConfig(VirtualHost(A, tls=leaf, directives=directives), pki=pki))
        except StartError:
            return "refused"
        return server.probe(A, versions=("TLSv1.2",), groups=()).dh_bits or 0

    def variable(self, name: str) -> Value:
        leaf = self.ca.issue(A, subject={"SerialNumber": "SN-1"})
        host = VirtualHost(A, tls=leaf, directives="SSLOptions +StdEnvVars +ExportCertData")
        seen = self.factory(ServerConfig(host)).environment(f"https://{A}/")
        return any(re.sub(r"_\d+$", "", one) == name for one in seen)

    def directive(self, *words: str) -> Value:
        host = VirtualHost(A, port=80, directives=f"{' '.join(words)}\n{CERTIFICATE}")
        pki = {"shared.pem": self.ca.issue(A).private_key_and_cert_chain_pem}
        answer = self.factory(ServerConfig(host, pki=pki)).get(f"http://{A}/")
        return "TLS" in answer.headers.get("Upgrade", "")

    def alert(self, _: str) -> Value:
        directives = "SSLProtocol all\nSSLCipherSuite ALL:@SECLEVEL=2"
        server = self.factory(ServerConfig(VirtualHost(A, tls=self.ca.issue(A), directives=directives)))
        seen = server.handshake(A, protocol="TLSv1.1")
        return seen.alerts_received[0].name if seen.alerts_received else str(seen)

    def level(self, what: str) -> Value:
        """TLS 1.2 at most, as 1.3 has no prime; a client that gets another prime than that of the file got none."""
        wanted = 1024 if what == "dh-1024" else None
        leaf = self.ca.issue(A, key_type="rsa-2048").with_dh_parameters(dh_parameters("rfc2409-1024"))
        for level in (2, 1, 0):
            suites = "DHE-RSA-AES128-SHA" if wanted else "ECDHE-RSA-AES128-SHA"
            directives = f"SSLProtocol all\nSSLCipherSuite {suites}:@SECLEVEL={level}"
            server = self.factory(ServerConfig(VirtualHost(A, tls=leaf, directives=directives)))
            seen = server.probe(A, versions=("TLSv1.2" if wanted else what,))
            if seen.key_exchange is not None and seen.dh_bits == wanted:
                return level
        return "refused"

    def group(self, _: str) -> Value:
        return str(self.factory(ServerConfig(VirtualHost(A, tls=self.ca.issue(A)))).handshake(A).group)


@pytest.fixture
def laboratory(modssl_server_factory: ServerFactory, modssl_ca: CA) -> Laboratory:
    return Laboratory(modssl_server_factory, modssl_ca)


# What the server's own certificate cannot show: these were read, and nothing is claimed to have been seen of them.
READ_ONLY = re.compile(r"variable SSL_(CLIENT_|SRP_|SERVER_SAN_(Email|OTHER)|SERVER_I_DN)")


@pytest.mark.parametrize("subject", [one for one in subjects() if not READ_ONLY.match(one)])
def test_the_server_at_hand_does_what_its_row_says(laboratory: Laboratory, modssl_target: Target, subject: str) -> None:
    try:
        fact = expectations(modssl_target.installation).fact(subject)
    except LookupError as error:
        pytest.skip(str(error))
    kind, *words = subject.split()
    assert getattr(laboratory, kind)(*words) == fact.value


@pytest.mark.parametrize("subject", subjects())
def test_every_row_tells_its_source_and_can_be_reached(subject: str) -> None:
    found = rows(subject)
    assert subject.split(maxsplit=1)[0] in SUBJECTS
    assert all(row.source for row in found)
    assert all(row.when is not None for row in found[:-1]), "what comes after a row for all servers is never read"
    assert len({row.when for row in found}) == len(found)


def test_rows_that_were_only_read_claim_nothing_else() -> None:
    assert [one for one in subjects() if READ_ONLY.match(one) and any(row.seen for row in rows(one))] == []


@pytest.mark.parametrize(
    ("httpd", "openssl", "subject", "value"),
    [
        ("2.4.59", "3.0.13", "dh rsa-2048 none 2", 0),
        ("2.4.60", "3.0.13", "dh rsa-4096 none 2", 4096),
        ("2.4.62", "1.1.1w", "dh rsa-4096 none 2", 3072),
        ("2.4.6", "1.0.2k", "dh rsa-2048 none 2", 1024),
        ("2.4.63", "3.0.13", "directive SSLEngine optional", True),
        ("2.4.64", "3.0.13", "directive SSLEngine optional", False),
        ("2.4.71", "3.5.9", "group all", "X25519MLKEM768"),
        ("2.4.71", "3.4.0", "group all", "x25519"),
    ],
)
def test_the_row_is_chosen_by_version(
    modssl_target: Target, httpd: str, openssl: str, subject: str, value: Value
) -> None:
    installation = replace(modssl_target.installation, version=Version.parse(httpd), openssl=Version.parse(openssl))
    assert expectations(installation).value(subject) == value


def test_what_nobody_has_looked_at_is_not_guessed(modssl_target: Target) -> None:
    old = replace(modssl_target.installation, version=Version.parse("2.4.10"))
    with pytest.raises(LookupError, match=r"'sni default same-certificate': nothing is known about httpd2\.4\.10-"):
        expectations(old).fact("sni default same-certificate")
    with pytest.raises(ValueError, match="no expectations about 'sni same': the nearest are: sni "):
        expectations(old).fact("sni same")


def test_a_variable_is_known_by_its_name_with_or_without_a_number(modssl_target: Target) -> None:
    old = expectations(replace(modssl_target.installation, version=Version.parse("2.4.12")))
    fact = old.variable("SSL_CLIENT_SAN_DNS_3")
    assert fact is not None
    assert (fact.value, fact.subject) == (False, "variable SSL_CLIENT_SAN_DNS")
    assert old.variable("SSL_PROTOCOL") is None
