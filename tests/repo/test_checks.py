"""Each check on one server whose hosts have one fault each: what fails, and what is said of it, and nothing else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_modssl import ModsslAssertionError, ServerConfig, VirtualHost
from pytest_modssl.pki import CA, self_signed
from pytest_modssl.repo.checks import CHECKS, Hosts, Observed, Options, Visit, starts
from pytest_modssl.repo.hosts import RepoHost

if TYPE_CHECKING:
    from pytest_modssl.fixtures import ServerFactory
    from pytest_modssl.httpd.snippet import Origin
    from pytest_modssl.pki import LeafCert

HSTS = "Header always set Strict-Transport-Security max-age=63072000\n"
INTERMEDIATE = """
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305
    SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1
    SSLSessionCache none
"""
NAMED = {one.name: one for one in CHECKS}


class Fault(NamedTuple):
    """A virtual host, the checks that fail of it with a piece of what they say, and in what it is told wrongly."""

    host: VirtualHost
    fails: dict[str, str]
    names: tuple[str, ...] = ()
    tls: bool | None = None
    at: str = ""


def faults(ca: CA) -> list[Fault]:
    inner = ca.intermediate(common_name="an intermediate")
    past = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)

    def tls(name: str, leaf: LeafCert | None = None, directives: str = HSTS, **options: object) -> VirtualHost:
        return VirtualHost(name, tls=leaf or ca.issue(name), directives=directives, **options)  # type: ignore[arg-type]

    def plain(name: str, directives: str = "", **options: object) -> VirtualHost:
        return VirtualHost(name, directives=directives, **options)  # type: ignore[arg-type]

    good = ca.issue("good.test", "www.good.test", "*.pages.good.test")
    aliases = ["www.good.test", "*.pages.good.test"]
    beyond = "RedirectMatch ^/$ https://www.elsewhere.test/"
    return [
        Fault(tls("good.test", good, aliases=aliases), {}),
        Fault(plain("good.test", "Redirect / https://good.test/", aliases=aliases), {}),
        Fault(tls("denied.test", directives=HSTS + "<Location />\nRequire all denied\n</Location>"), {}),
        Fault(tls("beyond.test", directives=HSTS + beyond), {}),
        Fault(plain("plain.test"), {}),
        Fault(
            tls("untrusted.test", self_signed("untrusted.test")),
            {"handshake": "chain: expected trusted, seen not trusted", "chain": "chain: issuer"},
        ),
        Fault(
            tls("names.test", ca.issue("names.test"), aliases=["www.names.test", "*.sub.names.test"]),
            {"certificate-names": "expected www.names.test, *.sub.names.test, seen names.test"},
            at="alias",
        ),
        Fault(
            tls("renamed.test", ca.issue("former.test")),
            {"handshake": "certificate: names", "certificate-names": "expected renamed.test, seen former.test"},
        ),
        Fault(
            tls("chain.test", replace(inner.issue("chain.test"), chain=())),
            {"handshake": "unable to get", "chain": "chain: issuer: expected the certificate of CN=an intermediate"},
        ),
        Fault(
            tls("expired.test", ca.issue("expired.test", not_after=past)),
            {"handshake": "has expired", "chain": "certificate: validity: expected an end after"},
        ),
        Fault(tls("wild.test", ca.issue("wild.test", "*.wild.test"), aliases=["*.wild.test"]), {}),
        Fault(
            tls("late.wild.test"),
            {"sni": "late.wild.test: virtual host: expected late.wild.test, seen wild.test ("},
        ),
        Fault(
            tls("good.test", good),
            {"sni": "good.test: virtual host: expected the one at "},
        ),
        Fault(
            VirtualHost(
                "old.test",
                tls=ca.issue("old.test"),
                port=8443,
                directives=HSTS + "SSLProtocol all\nSSLCipherSuite ECDHE+AES:@SECLEVEL=0",
            ),
            {
                "policy": "protocol: expected TLSv1.2, TLSv1.3, seen TLSv1.1, TLSv1. Change: SSLProtocol",
                "legacy-protocols": "TLSv1.1: expected a refusal, seen it is accepted, with ECDHE-ECDSA-AES",
            },
            at="SSLProtocol all",
        ),
        Fault(tls("bare.test", directives="# none"), {"hsts": "seen no such header. Change: Header always set"}),
        Fault(
            tls("short.test", directives="Header always set Strict-Transport-Security max-age=300"),
            {"hsts": "expected max-age=63072000 or more"},
            at="Header always set Strict-Transport-Security max-age=300",
        ),
        Fault(plain("loud.test", HSTS), {"hsts": "by plain HTTP: expected no such header"}, at="Header always set"),
        Fault(
            VirtualHost("talks.test", port=9443),
            {
                "handshake": "failure (not_tls)",
                "certificate-names": "expected a certificate, seen none",
                "chain": "expected a certificate, seen none",
                "sni": "talks.test: handshake: expected success",
                "policy": "scan: expected the answers of TLS",
                "legacy-protocols": "scan: expected the answers of TLS",
                "plain-http-on-tls-port": "expected status 400, or a redirect to https, seen status 200",
                "answers": "handshake: expected success",
                "hsts": "handshake: expected success",
            },
            tls=True,
        ),
        Fault(
            plain("broken.test", "Redirect 503 /"),
            {"answers": "http://broken.test/: answer: expected that of its host, seen status 503"},
        ),
        Fault(
            plain("to-broken.test", "Redirect / http://broken.test/"),
            {"answers": "http://broken.test/: answer: expected that of its host, seen status 503"},
        ),
        Fault(
            plain("loop.test", "RedirectMatch ^/$ http://loop.test/"),
            {"answers": "a redirect loop", "no-redirect-loop": "a redirect loop: http://loop.test/"},
            at="RedirectMatch ^/$ http://loop.test/",
        ),
        Fault(
            plain("short.test", aliases=["www.short.test"]),
            {"redirects-to-https": "http://short.test/: redirect: expected one to https, seen none: status 200"},
        ),
        Fault(
            tls("members.test", directives=HSTS + "SSLVerifyClient require\nSSLCACertificateFile ${MODSSL_PKI}/ca.pem"),
            {},
        ),
    ]


AUTHORITY = CA()
FAULTS = faults(AUTHORITY)


def repo_host(fault: Fault, *, first: bool) -> RepoHost:
    host = fault.host
    assert host.origin is not None
    return RepoHost(
        name=host.name,
        port=host.port,
        reached=host.port,
        names=(host.name, *host.aliases),
        tls=bool(host.certificates) if fault.tls is None else fault.tls,
        default=first,
        origin=host.origin,
        settings=str(host.port),
        demands_certificate="SSLVerifyClient" in "".join(one.text for one in host.snippets),
    )


@pytest.fixture(scope="module")
def observed(modssl_server_factory: ServerFactory) -> Observed:
    config = ServerConfig(
        *(one.host for one in FAULTS), directives=INTERMEDIATE, pki={"ca.pem": AUTHORITY.cert_pem}, modules=["headers"]
    )
    ports = [one.host.port for one in FAULTS]
    hosts = [repo_host(one, first=one.host.port not in ports[:index]) for index, one in enumerate(FAULTS)]
    client = AUTHORITY.issue_client("a member")
    return Observed(modssl_server_factory(config), Hosts(tuple(hosts)), lambda _host: client)


def failures(observed: Observed, host: RepoHost, options: Options | None = None) -> dict[str, str]:
    found = {}
    for check in CHECKS:
        if check.applies(host, observed.hosts):
            try:
                check.run(Visit(observed, host, options or Options()))
            except ModsslAssertionError as error:
                found[check.name] = str(error)
    return found


@pytest.mark.parametrize(
    "number", range(len(FAULTS)), ids=[f"{one.host.name}:{one.host.port}-{at}" for at, one in enumerate(FAULTS)]
)
def test_each_fault_fails_its_own_checks_and_no_others(observed: Observed, number: int) -> None:
    fault, host = FAULTS[number], observed.hosts.all[number]
    told = failures(observed, host)
    assert told.keys() == fault.fails.keys(), "\n\n".join(told.values())
    for name, said in fault.fails.items():
        assert said in told[name].partition("\n\n")[0]
        assert f"at {host.origin}" in told[name]
    assert not fault.at or any(f": {fault.at}" in text for text in told.values())
