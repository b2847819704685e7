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
    """A virtual host, the checks that fail of it with a piece of what they say, and a directive that is named.

    `tls` says whether it is to be checked as one that speaks TLS, where it does not do so.
    """

    host: VirtualHost
    fails: dict[str, str]
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
            plain("back.test", "RedirectMatch ^/$ https://back.test/"),
            {
                "redirects-to-https": "http://back.test/: redirect: expected one to https, and none back, seen "
                "https://back.test/ leads to http://back.test/shop/"
            },
        ),
        Fault(tls("back.test", directives=HSTS + "RedirectMatch ^/$ http://back.test/shop/"), {}),
        Fault(plain("out.test", "Redirect / https://out.test/"), {}),
        Fault(tls("out.test", directives=HSTS + "Redirect / http://www.elsewhere.test/"), {}),
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


def test_a_host_that_demands_a_certificate_is_said_to_where_there_is_none_to_show(observed: Observed) -> None:
    host = observed.hosts.all[-1]
    bare = Observed(observed.server, observed.hosts)
    told = failures(bare, host)
    assert "client certificate: expected one to show, which the host demands, seen none" in told["handshake"]
    assert "client certificate" in told["handshake"].partition("diagnosis: ")[2]
    assert told.keys() == {"handshake", "sni", "answers", "hsts"}


def test_a_port_that_nothing_listens_on_is_told_as_such(observed: Observed) -> None:
    host = replace(observed.hosts.all[0], port=7443, reached=7443)
    told = failures(Observed(observed.server, Hosts((host,))), host)
    assert (
        "handshake: expected success, seen none: port 7443: this server's configuration listens on" in told["handshake"]
    )
    assert told.keys() == {one.name for one in CHECKS} - {
        "plain-http-on-tls-port",
        "no-redirect-loop",
        "redirects-to-https",
    }


def test_another_policy_may_be_chosen_for_a_host(observed: Observed) -> None:
    old = next(one for one in observed.hosts if one.name == "old.test")
    assert failures(observed, old, Options(host_policies=(("old.test:8443", "old"),))).keys() <= {"policy"}
    assert "legacy-protocols" in failures(observed, old, Options(host_policies=(("good.test", "old"),)))
    good = observed.hosts.all[0]
    assert "protocol: expected TLSv1.3, seen TLSv1.2" in failures(observed, good, Options(policy="modern"))["policy"]


def test_hosts_with_equal_settings_share_a_scan_and_names_a_connection(modssl_server_factory: ServerFactory) -> None:
    leaf = AUTHORITY.issue("a.test", "b.test", "c.test")
    hosts = [VirtualHost(f"{name}.test", tls=leaf, directives=HSTS) for name in "abc"]
    server = modssl_server_factory(ServerConfig(*hosts, directives=INTERMEDIATE), fresh=True)
    server.remember_all()
    found = Hosts(tuple(repo_host(Fault(one, {}), first=one is hosts[0]) for one in hosts))
    seen = Observed(server, found)
    assert [failures(seen, host) for host in found] == [{}, {}, {}]
    kinds = [type(one).__name__ for one in server.observations]
    assert kinds.count("Scan") == 1
    assert kinds.count("Exchange") == 3


def test_hosts_of_different_ports_have_a_scan_each_as_groups_are_those_of_the_first_host(
    modssl_server_factory: ServerFactory,
) -> None:
    """`SSLOpenSSLConfCmd Curves` of a host that is not the first of its port decides nothing."""
    modern = INTERMEDIATE.replace("    SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1\n", "")
    groups = HSTS + "SSLOpenSSLConfCmd Curves X25519:prime256v1:secp384r1"
    hosts = [
        VirtualHost("first.test", tls=AUTHORITY.issue("first.test"), directives=HSTS),
        VirtualHost("other.test", tls=AUTHORITY.issue("other.test"), directives=groups, port=8443),
        VirtualHost("later.test", tls=AUTHORITY.issue("later.test"), directives=groups),
    ]
    found = [repo_host(Fault(one, {}), first=one is not hosts[2]) for one in hosts]
    first, other, later = (replace(one, settings="none" if one is found[0] else "groups") for one in found)
    seen = Observed(modssl_server_factory(ServerConfig(*hosts, directives=modern)), Hosts((first, other, later)))
    assert failures(seen, other) == {}
    told = failures(seen, later)
    assert told.keys() == {"policy"}
    assert "group (TLSv1.3): expected" in told["policy"]
    assert f"the groups are those of the port's first host at {first.origin}: the virtual host " in told["policy"]
    assert "first host" not in failures(seen, first)["policy"]


def test_clients_of_a_server_that_was_looked_at_before_are_told_from_those_then(observed: Observed) -> None:
    host = observed.hosts.all[0]
    numbers = [Observed(observed.server, observed.hosts).arrival(host, host.name).number for _ in range(2)]
    assert numbers[0] != numbers[1]


def test_a_variable_that_nothing_defines_is_told_with_its_place_and_how_to_give_it(
    modssl_server_factory: ServerFactory,
) -> None:
    host = VirtualHost("www.test", directives='SetEnv STAGE "${STAGE_NAME}"')
    seen = Observed(modssl_server_factory(ServerConfig(host)), Hosts((repo_host(Fault(host, {}), first=True),)))
    with pytest.raises(
        ModsslAssertionError, match=r"\$\{STAGE_NAME\} is not defined.*--modssl-env STAGE_NAME="
    ) as caught:
        starts(seen, Options())
    assert f"at {host.snippets[0].origin}: ${{STAGE_NAME}}" in str(caught.value)


def test_warnings_of_a_start_are_told_with_their_place_unless_they_are_allowed(
    modssl_server_factory: ServerFactory,
) -> None:
    """httpd warns of a certificate of a CA (AH01906), and of a missing cache of sessions (AH01873)."""
    ca_like = AUTHORITY.issue("www.test", ca=True)
    host = VirtualHost("www.test", tls=ca_like)
    server = modssl_server_factory(ServerConfig(host))
    seen = Observed(server, Hosts((repo_host(Fault(host, {}), first=True),)))
    with pytest.raises(ModsslAssertionError) as caught:
        starts(seen, Options())
    told = str(caught.value)
    assert told.startswith("start of httpd: 2 mismatches\n")
    assert "seen ssl:warn AH01906: www.test:443:0 server certificate is a CA certificate" in told
    assert f"at {host.origin}: the virtual host www.test:443" in told
    with pytest.raises(ModsslAssertionError, match="1 mismatch"):
        starts(seen, Options(allowed_warnings=("Session Cache is not configured",)))
    starts(seen, Options(allowed_warnings=("AH01873", "AH01906")))
