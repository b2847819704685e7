"""What is made for a configuration: certificates, keys, password files, pages, folders."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
import string
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_modssl.httpd.dumps import DumpedHost
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.pki import CA, PrivateKey, self_signed
from pytest_modssl.pki.blob import Blob
from pytest_modssl.pki.dh import dh_bits
from pytest_modssl.pki.names import alternative_names
from pytest_modssl.repo.making import Making, make
from pytest_modssl.repo.making.key_types import told_by_names
from tests.repo.dumped import FILE, dumped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_modssl.repo.made import Made

ROOT = CA()
ISSUER = ROOT.intermediate()
WHOLE = ISSUER.issue("whole.example.com")
PUBLIC = ISSUER.issue("public.example.com", ocsp_url="http://ocsp.example.com/")


def making(text: str, files: Mapping[str, bytes] | None = None, **options: object) -> Making:
    """What is made for a text, where the repository has these files, and the folders that they are in."""
    there = dict(files or {})
    folders = {path.rpartition("/")[0] for path in there}
    arguments = {"hosts": (), "ca": ISSUER, "server_root": "/etc/apache2", **options}
    hosts = arguments.pop("hosts")
    return make(dumped(text), hosts, has=there.get, has_folder=folders.__contains__, **arguments)  # type: ignore[arg-type]


def by_path(made: Making) -> dict[str, Made]:
    return {one.path: one for one in made.made}


def content(made: Making, path: str) -> bytes:
    found = by_path(made)[path].content
    assert found is not None
    return found


def certificates(made: Making, path: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(content(made, path))


def names(made: Making, path: str) -> tuple[str, ...]:
    return alternative_names(certificates(made, path)[0].extensions)


def key(made: Making, path: str) -> PrivateKey:
    return PrivateKey.load(content(made, path))


def host(inside: str, name: str = "www.example.com", aliases: str = "") -> str:
    lines = [
        f"ServerName {name}",
        *([f"ServerAlias {aliases}"] if aliases else []),
        "SSLEngine on",
        *inside.split("\n"),
    ]
    return "\n".join(["<VirtualHost *:443>", *(line.strip() for line in lines), "</VirtualHost>"]) + "\n"


class TestPairs:
    def test_a_host_gets_a_certificate_of_its_names_and_the_key_of_it(self) -> None:
        made = making(host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key", aliases="example.com"))

        assert names(made, "/tls/a.crt") == ("www.example.com", "example.com")
        assert key(made, "/tls/a.key").matches(certificates(made, "/tls/a.crt")[0])
        assert by_path(made)["/tls/a.key"].mode == 0o600
        assert by_path(made)["/tls/a.crt"].what == "certificate for www.example.com, example.com (EC P-256)"
        assert by_path(made)["/tls/a.crt"].origin == Origin(FILE, 5)
        assert made.trust == (ROOT.cert_pem.bytes(),)

    def test_a_relative_path_counts_from_server_root(self) -> None:
        made = making(host("SSLCertificateFile conf/../ssl/a.pem"))

        assert [one.path for one in made.made] == ["/etc/apache2/ssl/a.pem"]

    def test_a_certificate_without_a_key_file_has_its_key_in_its_own(self) -> None:
        made = making(host("SSLCertificateFile /tls/a.pem"))

        assert key(made, "/tls/a.pem").matches(certificates(made, "/tls/a.pem")[0])
        assert by_path(made)["/tls/a.pem"].mode == 0o600

    def test_a_certificate_that_several_hosts_use_has_the_names_of_all_that_speak_tls(self) -> None:
        shared = "SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key"
        plain = host(shared, "plain.example.com").replace("SSLEngine on", "SSLEngine off")
        made = making(host(shared, "a.example.com") + host(shared, "b.example.com", "*.b.example.com") + plain)

        assert names(made, "/tls/a.crt") == ("a.example.com", "b.example.com", "*.b.example.com")

    def test_a_certificate_of_the_server_has_the_names_of_the_hosts_that_inherit_it(self) -> None:
        made = making(
            "ServerName main.example.com\nSSLCertificateFile /tls/all.crt\nSSLCertificateKeyFile /tls/all.key\n"
            + host("", "a.example.com")
            + host("SSLCertificateFile /tls/b.crt\nSSLCertificateKeyFile /tls/b.key", "b.example.com")
        )

        assert names(made, "/tls/all.crt") == ("a.example.com",)
        assert names(made, "/tls/b.crt") == ("b.example.com",)

    def test_a_file_that_is_included_twice_makes_two_hosts(self) -> None:
        first, second = (dumped(host("SSLCertificateFile /tls/a.crt", name)) for name in ("a.example", "b.example"))
        made = make((*first, *second), has=dict[str, bytes]().get, has_folder=bool, ca=ISSUER, server_root="/etc")

        assert names(made, "/tls/a.crt") == ("a.example", "b.example")

    def test_a_host_without_server_name_is_called_as_httpd_does(self) -> None:
        text = host("SSLCertificateFile /tls/a.pem").replace("ServerName www.example.com", "ServerSignature off")
        called = DumpedHost(address="*:443", name="named.example.com", file=FILE, line=1, default=True)

        assert names(making(text, hosts=[called]), "/tls/a.pem") == ("named.example.com",)
        assert names(making(f"{text}ServerName main.example.com"), "/tls/a.pem") == ("main.example.com",)
        nameless = making(text)
        assert names(nameless, "/tls/a.pem") == ()
        assert "without names, as its host has none" in nameless.made[0].what

    @pytest.mark.parametrize(
        ("written", "carried"),
        [
            ("https://www.example.com:443", "www.example.com"),
            ("WWW.Example.com.", "www.example.com"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("under_score.example", "under_score.example"),
        ],
    )
    def test_names_of_every_form_are_carried(self, written: str, carried: str) -> None:
        assert names(making(host("SSLCertificateFile /tls/a.pem", written)), "/tls/a.pem") == (carried,)

    def test_names_that_no_certificate_carries_are_left_out_and_told(self) -> None:
        made = making(host("SSLCertificateFile /tls/a.pem", aliases=f"www?.example.com *.*.example.com {'a' * 64}.org"))

        assert names(made, "/tls/a.pem") == ("www.example.com",)
        assert "without www?.example.com, *.*.example.com, " in made.made[0].what

    def test_a_name_of_more_than_64_characters_is_no_common_name(self) -> None:
        long = ".".join(["abcdefghij" * 3] * 3)

        assert names(making(host("SSLCertificateFile /tls/a.pem", long)), "/tls/a.pem") == (long,)

    def test_a_pair_that_is_held_whole_is_left_alone(self) -> None:
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key")
        held = {"/tls/a.crt": WHOLE.cert_pem.bytes(), "/tls/a.key": WHOLE.key_file_pem.bytes()}

        assert making(text, held).made == ()
        assert making(host("SSLCertificateFile /tls/a"), {"/tls/a": b"".join(held.values())}).made == ()
        assert making(host("SSLCertificateFile /tls/a"), {"/tls/a": WHOLE.der}).made != ()

    def test_a_certificate_without_its_key_is_issued_again_as_it_was(self) -> None:
        past = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
        old = ROOT.issue("old.example.com", "10.0.0.1", subject={"O": "Old"}, key_type="rsa-2048", not_after=past)
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key")

        made = making(text, {"/tls/a.crt": old.cert_pem.bytes()})

        (new, *_) = certificates(made, "/tls/a.crt")
        assert new.subject == old.certificate.subject
        assert names(made, "/tls/a.crt") == ("old.example.com", "10.0.0.1")
        assert new.not_valid_after_utc == past
        assert key(made, "/tls/a.key").type == "rsa-2048"
        assert key(made, "/tls/a.key").matches(new)
        assert new.issuer == ISSUER.certificate.subject

    def test_a_self_signed_certificate_without_its_key_stays_self_signed(self) -> None:
        old = self_signed("old.example.com", ca=True)

        made = making(host("SSLCertificateFile /tls/a.pem"), {"/tls/a.pem": old.cert_pem.bytes()})

        (new,) = certificates(made, "/tls/a.pem")
        assert new.issuer == new.subject == old.certificate.subject
        assert "self-signed as the one it stands for" in made.made[0].what

    def test_a_key_without_certificate_gets_one(self) -> None:
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key")

        made = making(text, {"/tls/a.key": WHOLE.key_file_pem.bytes()})

        assert [one.path for one in made.made] == ["/tls/a.crt"]
        assert WHOLE.private_key.matches(certificates(made, "/tls/a.crt")[0])

    @pytest.mark.parametrize(
        "sealed",
        [b"$ANSIBLE_VAULT;1.1;AES256\n3132", b"\0GITCRYPT\0abc", b"version https://git-lfs.github.com/spec/v1\n"],
        ids=["vault", "git-crypt", "git-lfs"],
    )
    def test_a_sealed_key_is_made_anew(self, sealed: bytes) -> None:
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key")

        made = making(text, {"/tls/a.crt": WHOLE.cert_pem.bytes(), "/tls/a.key": sealed})

        assert key(made, "/tls/a.key").matches(certificates(made, "/tls/a.crt")[0])
        assert "sealed in the repository" in by_path(made)["/tls/a.key"].what

    def test_an_encrypted_pair_is_made_anew_unless_its_pass_phrase_can_be_had(self) -> None:
        locked = WHOLE.with_pass_phrase("secret")
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key")
        ask = "SSLPassPhraseDialog exec:/tls/ask\n"
        held = {"/tls/a.crt": locked.cert_pem.bytes(), "/tls/a.key": locked.key_file_pem.bytes()}

        assert "pass phrase is not known" in by_path(making(text, held))["/tls/a.key"].what
        assert key(making(text, held), "/tls/a.key").pass_phrase is None
        assert making(ask + text, held | {"/tls/ask": b"#!/bin/sh\n"}).made == ()
        told = making(ask + text, held, pass_phrase="secret")
        assert [one.path for one in told.made] == ["/tls/ask"]
        assert b"printf '%s\\n' secret" in content(told, "/tls/ask")

    def test_two_certificates_of_one_key_share_it(self) -> None:
        made = making(
            host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/k", "a.example")
            + host("SSLCertificateFile /tls/b.crt\nSSLCertificateKeyFile /tls/k", "b.example")
        )

        assert [key(made, "/tls/k").matches(certificates(made, path)[0]) for path in ("/tls/a.crt", "/tls/b.crt")] == [
            True,
            True,
        ]
        assert names(made, "/tls/b.crt") == ("b.example",)

    def test_a_host_has_the_further_certificates_of_the_server(self) -> None:
        # httpd fills a host's list from that of the main server: its first file is the host's, its second the server's.
        made = making(
            "SSLCertificateFile /tls/rsa.crt\nSSLCertificateFile /tls/ec.crt\n"
            "SSLCertificateKeyFile /tls/rsa.key\nSSLCertificateKeyFile /tls/ec.key\n"
            + host("SSLCertificateFile /tls/own-rsa.crt\nSSLCertificateKeyFile /tls/own-rsa.key", "a.example")
        )

        assert names(made, "/tls/ec.crt") == ("a.example",)
        assert key(made, "/tls/own-rsa.key").type == "rsa-2048"


class TestKeyTypes:
    @pytest.mark.parametrize(
        ("path", "key_type"),
        [
            ("/tls/www.rsa.pem", "rsa-2048"),
            ("/tls/www-rsa4096.pem", "rsa-4096"),
            ("/tls/rsa/4096/www.pem", "rsa-4096"),
            ("/rsa/tls/example/www.pem", None),
            ("/tls/rsa/4096-www.pem", "rsa-4096"),
            ("/tls/www.3072.pem", "rsa-3072"),
            ("/tls/www.ecdsa.pem", "ec-p256"),
            ("/tls/www_ecc/www.cer", "ec-p256"),
            ("/tls/www-p384.pem", "ec-p384"),
            ("/tls/www-ec-384.pem", "ec-p384"),
            ("/tls/www-prime256v1.pem", "ec-p256"),
            ("/tls/www-ed25519.pem", "ed25519"),
            ("/tls/www-dsa.pem", "dsa-2048"),
            ("/tls/www.pem", None),
            ("/tls/rsa.example.com.pem", None),
            ("/tls/2024/www.pem", None),
        ],
    )
    def test_file_names_tell_the_type_of_a_key_and_host_names_do_not(self, path: str, key_type: str | None) -> None:
        assert told_by_names([path], ["rsa.example.com"]) == key_type

    def test_the_key_is_of_the_type_that_the_file_names_tell(self) -> None:
        made = making(host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a-p384.key"))

        assert key(made, "/tls/a-p384.key").type == "ec-p384"

    @pytest.mark.parametrize(
        ("suites", "key_type"),
        [
            ("ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256", "rsa-2048"),
            ("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256", "ec-p256"),
            ("HIGH:!aNULL", "ec-p256"),
            ("HIGH:!aECDSA", "rsa-2048"),
            ("RC4-SHA:EXP-RSA", "rsa-2048"),
            ("TLSv1.3 TLS_AES_128_GCM_SHA256", "ec-p256"),
        ],
    )
    def test_a_list_of_suites_that_only_rsa_can_do_gets_rsa(self, suites: str, key_type: str) -> None:
        made = making(f"SSLCipherSuite {suites}\n" + host("SSLCertificateFile /tls/a.pem"))

        assert key(made, "/tls/a.pem").type == key_type

    def test_several_certificates_of_a_host_are_of_different_types(self) -> None:
        made = making(host("\n".join(f"SSLCertificateFile /tls/{name}.pem" for name in ("one", "two", "three"))))

        assert [key(made, f"/tls/{one}.pem").type for one in ("one", "two", "three")] == [
            "rsa-2048",
            "ec-p256",
            "ed25519",
        ]

    def test_the_other_certificate_of_a_host_has_the_other_type(self) -> None:
        made = making(host("SSLCertificateFile /tls/www.pem\nSSLCertificateFile /tls/www-ecdsa.pem"))

        assert key(made, "/tls/www.pem").type == "rsa-2048"


class TestChains:
    @pytest.mark.parametrize(
        ("path", "count"),
        [("/live/a/fullchain.pem", 2), ("/live/a/cert.pem", 1), ("/tls/a.crt", 2)],
    )
    def test_file_names_tell_whether_the_chain_follows(self, path: str, count: int) -> None:
        made = making(host(f"SSLCertificateFile {path}\nSSLCertificateKeyFile /live/a/privkey.pem"))

        assert len(certificates(made, path)) == count

    @pytest.mark.parametrize("path", ["/live/a/fullchain.pem", "/live/a/cert.pem", "/tls/a.crt"])
    def test_a_certificate_that_is_issued_again_has_a_chain_where_that_of_the_repository_has(self, path: str) -> None:
        text = host(f"SSLCertificateFile {path}\nSSLCertificateKeyFile /tls/a.key")

        assert len(certificates(making(text, {path: PUBLIC.cert_pem.bytes()}), path)) == 1
        assert len(certificates(making(text, {path: PUBLIC.cert_file_pem.bytes()}), path)) == 2

    def test_one_that_a_root_may_have_issued_has_the_chain_that_its_file_is_named_for(self) -> None:
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key")

        assert len(certificates(making(text, {"/tls/a.crt": WHOLE.cert_pem.bytes()}), "/tls/a.crt")) == 2

    def test_a_certificate_whose_issuer_is_a_ca_of_the_configuration_lacks_no_chain(self) -> None:
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key\nSSLCACertificateFile /tls/ca")
        direct = {
            "/tls/a.crt": ROOT.issue("www.example.com", ocsp_url="http://ocsp.example.com/").cert_pem.bytes(),
            "/tls/ca": ROOT.cert_pem.bytes(),
        }

        assert len(certificates(making(text, direct), "/tls/a.crt")) == 2
        assert len(certificates(making(text, {**direct, "/tls/a.crt": PUBLIC.cert_pem.bytes()}), "/tls/a.crt")) == 1

    def test_a_chain_file_has_the_chain_and_the_certificate_file_then_has_not(self) -> None:
        made = making(
            host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /k\nSSLCertificateChainFile /tls/chain")
        )

        assert len(certificates(made, "/tls/a.crt")) == 1
        assert certificates(made, "/tls/chain") == [ISSUER.certificate]

    def test_a_held_chain_is_replaced_where_the_certificate_is(self) -> None:
        text = host("SSLCertificateFile /tls/a.crt\nSSLCertificateChainFile /tls/chain")
        other = CA().cert_pem.bytes()

        made = making(text, {"/tls/chain": other})

        assert certificates(made, "/tls/chain") == [ISSUER.certificate]
        whole = {"/tls/a.crt": WHOLE.private_key_and_cert_chain_pem.bytes(), "/tls/chain": other}
        assert making(text, whole).made == ()

    def test_a_ca_file_without_verification_completes_the_chain(self) -> None:
        made = making(host("SSLCertificateFile /tls/a.crt\nSSLCACertificateFile /tls/ca.pem"))

        assert certificates(made, "/tls/ca.pem") == [ISSUER.certificate, ROOT.certificate]


class TestClients:
    TEXT = host("SSLCertificateFile /tls/a.pem\nSSLVerifyClient require\nSSLCACertificateFile /tls/clients.pem")

    def test_a_client_certificate_comes_from_the_ca_that_is_made(self) -> None:
        made = making(self.TEXT)

        (ca,) = certificates(made, "/tls/clients.pem")
        client = made.client_for(Origin(FILE, 1), "WWW.example.com")
        assert client is not None
        client.certificate.verify_directly_issued_by(ca)
        assert made.client == client
        assert made.client_for(Origin(FILE, 2), "www.example.com") is None

    def test_a_held_client_ca_is_kept_and_ours_added(self) -> None:
        made = making(self.TEXT, {"/tls/clients.pem": ROOT.cert_pem.bytes()})

        assert certificates(made, "/tls/clients.pem")[0] == ROOT.certificate
        assert len(certificates(made, "/tls/clients.pem")) == 2
        assert "what the repository holds" in by_path(made)["/tls/clients.pem"].what

    def test_a_held_ca_file_stays_where_nobody_is_verified(self) -> None:
        text = self.TEXT.replace("SSLVerifyClient require", "SSLVerifyClient none")

        assert [one.path for one in making(text, {"/tls/clients.pem": ROOT.cert_pem.bytes()}).made] == ["/tls/a.pem"]

    def test_cas_of_different_files_are_different(self) -> None:
        made = making(self.TEXT + self.TEXT.replace("clients", "partners").replace("www.", "partner."))

        first, second = (
            made.client_for(Origin(FILE, line), name)
            for line, name in ((1, "www.example.com"), (8, "partner.example.com"))
        )
        assert first is not None
        assert second is not None
        assert first.certificate.issuer != second.certificate.issuer

    def test_a_client_is_called_as_a_user_that_is_required(self) -> None:
        made = making(self.TEXT.replace("</V", "<Location /x>\nRequire user alice\n</Location>\n</V"))

        assert made.client is not None
        assert made.client.certificate.subject.rfc4514_string() == "CN=alice"

    def test_revocation_lists_are_those_of_the_client_cas(self) -> None:
        made = making(self.TEXT.replace("</V", "SSLCARevocationFile /tls/crl.pem\n</V"))

        (ca,) = certificates(made, "/tls/clients.pem")
        crl = x509.load_pem_x509_crl(content(made, "/tls/crl.pem"))
        assert crl.issuer == ca.subject
        assert crl.is_signature_valid(ca.public_key())  # type: ignore[arg-type]

    def test_names_of_cas_are_those_of_the_client_cas(self) -> None:
        made = making(self.TEXT.replace("</V", "SSLCADNRequestFile /tls/names.pem\n</V"))

        assert certificates(made, "/tls/names.pem") == certificates(made, "/tls/clients.pem")

    @pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the program openssl")
    def test_folders_are_linked_by_hash_as_openssl_does(self, tmp_path: Path) -> None:
        text = self.TEXT.replace(
            "SSLCACertificateFile /tls/clients.pem", "SSLCACertificatePath /tls/clients\nSSLCARevocationPath /tls/crls"
        )
        made = making(text)

        assert by_path(made)["/tls/clients"].content is None
        for one in made.made:
            if one.content is not None:
                (tmp_path / one.path.rpartition("/")[2]).write_bytes(one.content)
        link = next(path for path in by_path(made) if path.startswith("/tls/clients/"))
        crl = next(path for path in by_path(made) if path.startswith("/tls/crls/"))
        for kind, path in (("x509", link), ("crl", crl)):
            argv = ["openssl", kind, "-noout", "-hash", "-in", str(tmp_path / path.rpartition("/")[2])]
            said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
            assert re.fullmatch(rf".*/{said}\.r?0", path)


class TestProxies:
    def test_a_proxy_trusts_the_ca_of_the_back_ends_and_shows_a_certificate_of_it(self) -> None:
        back_ends = CA(common_name="back ends")
        text = host(
            "SSLProxyCACertificateFile /p/ca\nSSLProxyMachineCertificateFile /p/me\nSSLProxyCARevocationFile /p/crl"
        )

        made = making(text, back_ends=back_ends)

        assert certificates(made, "/p/ca") == [back_ends.certificate]
        certificates(made, "/p/me")[0].verify_directly_issued_by(back_ends.certificate)
        assert content(made, "/p/me").startswith(b"-----BEGIN EC PRIVATE KEY-----")
        assert x509.load_pem_x509_crl(content(made, "/p/crl")).issuer == back_ends.certificate.subject

    def test_what_a_proxy_trusts_already_stays_and_ours_is_added(self) -> None:
        made = making(host("SSLProxyCACertificateFile /p/ca"), {"/p/ca": WHOLE.cert_pem.bytes()})

        assert certificates(made, "/p/ca") == [WHOLE.certificate, ISSUER.certificate, ROOT.certificate]


class TestLogins:
    def test_a_password_file_has_the_users_that_are_required(self) -> None:
        made = making(
            host("<Location /a>\nAuthType Basic\nAuthUserFile /auth/users\nRequire user alice bob\n</Location>")
        )

        users = dict(line.split(":") for line in content(made, "/auth/users").decode().splitlines())
        assert set(users) == {"alice", "bob", "modssl"} == set(made.logins)
        assert made.logins["alice"] in made.made[0].what

    def test_digests_are_made_for_their_realm(self) -> None:
        made = making(host('<Location /a>\nAuthType Digest\nAuthName "The realm"\nAuthUserFile /auth/d\n</Location>'))

        digest = hashlib.md5(f"modssl:The realm:{made.logins['modssl']}".encode()).hexdigest()
        assert f"modssl:The realm:{digest}\n".encode() in content(made, "/auth/d")

    def test_a_group_file_has_the_groups_that_are_required(self) -> None:
        made = making("AuthGroupFile /auth/groups\nRequire group admin\nRequire user alice\n")

        assert content(made, "/auth/groups") == b"admin: alice modssl\n"

    def test_a_held_password_file_stays(self) -> None:
        assert making("AuthUserFile /auth/users\n", {"/auth/users": b"a:b\n"}).made == ()

    def test_srp_verifiers_are_for_the_user_that_is_told(self) -> None:
        made = making("SSLSRPVerifierFile /tls/srpv\n")

        assert content(made, "/tls/srpv").split(b"\t")[3] == b"modssl"

    def test_a_dbm_that_is_not_written_here_is_told(self) -> None:
        made = making("AuthDBMType GDBM\nAuthDBMUserFile /auth/users\n")

        assert made.made == ()
        assert "gdbm" in str(made.left_out[0])


class TestContent:
    @pytest.mark.parametrize(
        ("directive", "path", "expected"),
        [
            ("SSLSessionTicketKeyFile /t", "/t", rb"(?s).{48}"),
            ("SSLRandomSeed startup file:/t 512", "/t", rb"(?s).{1024}"),
            ("RewriteMap m txt:/t", "/t", rb""),
            ("RewriteMap m dbm=sdbm:/t", "/t.pag", rb""),
            ("RewriteMap m dbm:/t", "/t", rb""),
            ("TypesConfig /t", "/t", rb"(?s).*text/html\thtml.*"),
            ("MimeMagicFile /t", "/t", rb"(?s).*text/html.*"),
            ("RemoteIPTrustedProxyList /t", "/t", rb""),
            ("SessionCryptoPassphraseFile /t", "/t", rb"[0-9a-f]{64}\n"),
            ("Alias /robots.txt /t/robots.txt", "/t/robots.txt", rb"robots.txt\n"),
            ("ScriptAlias /x /t/x.cgi", "/t/x.cgi", rb"(?s)#!/bin/sh\n.*"),
            ("LuaMapHandler /x /t.lua run", "/t.lua", rb"(?s).*function run\(r\).*"),
            ("VirtualDocumentRoot /www/%0", "/www/main.example.com/index.html", rb"(?s).*main.example.com.*"),
        ],
    )
    def test_files_are_what_httpd_takes_for_them(self, directive: str, path: str, expected: bytes) -> None:
        made = making(f"ServerName main.example.com\n{directive}\n")

        assert re.fullmatch(expected, content(made, path))

    @pytest.mark.parametrize(
        ("directive", "path", "mode"),
        [
            ("CustomLog /var/log/apache2/a.log combined", "/var/log/apache2", 0o755),
            ("ErrorLog logs/error.log", "/etc/apache2/logs", 0o755),
            ('CustomLog "|/bin/rotatelogs /var/log/x/a.log 86400" c', "/var/log/x", 0o755),
            ("CacheRoot /var/cache/x", "/var/cache/x", 0o1777),
            ("Mutex file:lock default", "/etc/apache2/logs/lock", 0o1777),
            ("SSLSessionCache shmcb:/run/x/cache(512000)", "/run/x", 0o1777),
            ("DAVLockDB /var/lock/dav/db", "/var/lock/dav", 0o1777),
            ("Alias /files/ /srv/files/", "/srv/files", 0o755),
        ],
    )
    def test_folders_are_there_for_what_httpd_writes(self, directive: str, path: str, mode: int) -> None:
        made = by_path(making(f"{directive}\n"))[path]

        assert (made.content, made.mode) == (None, mode)

    @pytest.mark.parametrize(("name", "bits"), [("dh.pem", 2048), ("dh4096.pem", 4096), ("dhparam-1024.pem", 1024)])
    def test_dh_parameters_have_the_size_that_the_name_says(self, name: str, bits: int) -> None:
        made = making(f"SSLOpenSSLConfCmd DHParameters /tls/{name}\n")

        assert dh_bits(Blob(content(made, f"/tls/{name}"))) == bits

    def test_a_document_root_has_a_page_that_says_whose_it_is(self) -> None:
        made = making(
            host("DocumentRoot /www\nDirectoryIndex home.php\nErrorDocument 404 /e/404.html\nErrorDocument 500 Sorry")
        )

        assert set(by_path(made)) == {"/www", "/www/index.html", "/www/home.php", "/www/e/404.html"}
        assert b"www.example.com" in content(made, "/www/index.html")

    def test_a_document_root_that_is_there_stays(self) -> None:
        assert making(host("DocumentRoot /www\nErrorDocument 404 /404.html"), {"/www/x": b""}).made == ()

    def test_devices_are_not_made(self) -> None:
        assert (
            making("SSLRandomSeed startup file:/dev/urandom 512\nErrorLog /dev/stderr\nTypesConfig /dev/null\n").made
            == ()
        )

    def test_what_only_a_machine_has_is_not_made(self) -> None:
        assert making("LoadModule x_module /usr/lib/x.so\nInclude /etc/x.conf\nRewriteRule ^ /var/www/x\n").made == ()

    def test_places_are_those_that_the_caller_tells(self) -> None:
        made = making("TypesConfig /t\n", locate=lambda one: Origin("repo/httpd.conf", one.line))

        assert made.made[0].origin == Origin("repo/httpd.conf", 1)


# As httpd's output is read, whatever it is encoded in.
WORDS = st.one_of(
    st.text(st.characters(exclude_characters="\r\n\0<>"), max_size=40),
    st.binary(max_size=8).map(lambda one: re.sub(r"[\r\n\0<>]", "", one.decode("utf-8", "surrogateescape"))),
)
FREE = "ServerName {0}|ServerAlias {0}|SSLCertificateFile {0}|SSLCertificateKeyFile {0}|SSLCACertificateFile {0}"
FREE += "|SSLVerifyClient require|SSLCipherSuite {0}|DocumentRoot {0}|AuthUserFile {0}|Require user {0}|Alias / {0}"
FREE += "|SSLProxyMachineCertificateFile {0}|ErrorDocument 404 {0}|LuaMapHandler {0}|SSLSRPVerifierFile {0}|Mutex {0}"


# A name of fewer characters than a common name holds, and of more bytes.
@example([("SSLCACertificateFile {0}", "\U00010000" * 20), ("SSLVerifyClient require", "")], b"")
@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(FREE.split("|")), WORDS), max_size=12), st.binary(max_size=60))
def test_whatever_stands_in_a_configuration_something_is_made_or_told(
    lines: list[tuple[str, str]], there: bytes
) -> None:
    text = host("\n".join(line.format(word) for line, word in lines), "www.example.com")

    made = make(
        dumped(text),
        has=lambda path: there if path.endswith(("a", "1")) else None,
        has_folder=lambda path: path.endswith("b"),
        ca=ISSUER,
        server_root="/etc/apache2",
    )

    assert len({one.path for one in made.made}) == len(made.made)
    assert all(one.path.startswith(("/", *(f"{drive}:" for drive in string.ascii_letters))) for one in made.made)


def test_no_private_key_stands_in_what_is_told() -> None:
    made = making(host("SSLCertificateFile /tls/a.crt\nSSLCertificateKeyFile /tls/a.key"))

    assert b"PRIVATE KEY" in content(made, "/tls/a.key")
    assert "PRIVATE" not in repr(made) + str([one.what for one in made.made])


def test_a_host_without_a_name_has_a_certificate_for_what_it_is_called_then() -> None:
    files = "SSLCertificateFile /snakeoil.pem\nSSLCertificateKeyFile /snakeoil.key\n"
    text = f"<VirtualHost *:443>\nSSLEngine on\n{files}</VirtualHost>"
    assert names(making(text, unnamed="localhost"), "/snakeoil.pem") == ("localhost",)


def test_the_target_of_an_alias_is_a_folder_where_another_one_lies_below_it() -> None:
    found = by_path(making("Alias /one /srv/icons.d\nAlias /two /srv/icons.d/two.png\n"))
    assert found["/srv/icons.d"].content is None
    assert found["/srv/icons.d/two.png"].content is not None


def test_a_managed_domain_has_a_certificate_where_mod_md_keeps_it_with_the_names_of_its_host() -> None:
    made = making("MDomain md.example auto\n" + host("", "md.example", "www.md.example"))
    certificate = "/etc/apache2/md/domains/md.example/pubcert.pem"
    assert names(made, certificate) == ("md.example", "www.md.example")
    assert by_path(made)["/etc/apache2/md/domains/md.example/privkey.pem"].mode == 0o600
    ec = making("MDPrivateKeys secp256r1\nMDomain md.example")
    assert "/etc/apache2/md/domains/md.example/privkey.secp256r1.pem" in by_path(ec)
