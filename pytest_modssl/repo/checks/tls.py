"""What a virtual host shows of itself in TLS: the handshake, its certificates, what it accepts."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pytest_modssl.asserts.certificate import chain_faults, unfit
from pytest_modssl.errors import Mismatch, ModsslError
from pytest_modssl.policy import PolicyReport, Seen, deviations
from pytest_modssl.repo.checks.hosts import certifiable, example
from pytest_modssl.tls import hostname

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography import x509

    from pytest_modssl.policy import Area, Deviation
    from pytest_modssl.repo.checks.check import Visit
    from pytest_modssl.repo.checks.observed import Arrival
    from pytest_modssl.repo.hosts import RepoHost

LEGACY: Final = ("SSLv3", "TLSv1", "TLSv1.1")
"""Deprecated by RFC 7568 (SSLv3) and RFC 8996 (TLS 1.0 and 1.1)."""

_FILE: Final = ("SSLCertificateFile", "")
# `hsts` is a check of its own; no OCSP responder can be reached from a run, so nothing is ever stapled in one.
_NOT_HERE: Final[tuple[Area, ...]] = ("hsts", "stapling")


def handshake(visit: Visit) -> None:
    """A client that asks for the host by its name shakes hands, and trusts the certificate for that name."""
    __tracebackhide__ = True
    arrival = visit.observed.arrival(visit.host, visit.host.name)
    seen = arrival.handshake
    mismatches = list(_failed(arrival))
    if not mismatches and seen is not None:
        if seen.verification.ok is False:
            mismatches.append(Mismatch("chain", "trusted", str(seen.verification)))
        if seen.hostname_ok is False:
            mismatches.append(Mismatch("certificate: names", visit.host.name, ", ".join(seen.names) or "none"))
    if mismatches and visit.host.demands_certificate and visit.observed.client(visit.host) is None:
        mismatches.append(Mismatch("client certificate", "one to show, which the host demands", "none could be made"))
    visit.require(
        f"TLS handshake with {visit.host.name} on port {visit.host.port}",
        mismatches,
        arrivals=[arrival],
        seen=[] if seen is None else [seen, seen.transcript],
        directives=[_FILE],
        commands=lambda: [] if seen is None else [_s_client(visit)],
    )


def certificate_names(visit: Visit) -> None:
    """Each certificate of the host is for its ServerName and for every ServerAlias."""
    __tracebackhide__ = True
    arrival = visit.observed.arrival(visit.host, visit.host.name)
    mismatches = list(_without_certificate(arrival))
    for one in () if mismatches else visit.observed.presented(visit.host):
        names = hostname.certificate_names(one.certificate)
        missing = [
            name for name in visit.host.names if certifiable(name) and not hostname.matches(names, example(name))
        ]
        if missing:
            mismatches.append(Mismatch("certificate: names", ", ".join(missing), ", ".join(names) or "none"))
    visit.require(
        f"names of the certificate of {visit.title}",
        mismatches,
        arrivals=[arrival],
        seen=[arrival.handshake],
        directives=[_FILE, ("ServerName", ""), ("ServerAlias", "")],
    )


def chain(visit: Visit) -> None:
    """The host sends its certificate and the issuers up to a trusted root, in order; none has expired."""
    __tracebackhide__ = True
    arrival = visit.observed.arrival(visit.host, visit.host.name)
    seen = arrival.handshake
    mismatches = list(_without_certificate(arrival))
    if seen is not None and seen.leaf is not None:
        # Whether the names fit is what `certificate-names` looks at.
        mismatches += unfit(replace(seen, server_name=None), seen.leaf)
        mismatches += _expired(seen.chain[1:])
        mismatches += chain_faults(_without_root(seen.chain, visit.observed.roots), visit.observed.roots)
    visit.require(
        f"certificate chain of {visit.title}",
        mismatches,
        arrivals=[arrival],
        seen=[seen],
        directives=[_FILE, ("SSLCertificateChainFile", "")],
    )


def sni(visit: Visit) -> None:
    """Each name of the host leads to it, and to no other host: the certificate and the answer are its own."""
    __tracebackhide__ = True
    observed, host = visit.observed, visit.host
    own = observed.arrival(host, host.name)
    arrivals = {name: observed.arrival(host, example(name)) for name in host.names}
    mismatches, wrong, others = [], [], []
    for name, arrival in arrivals.items():
        found = list(_failed(arrival)) or [*_other_certificate(name, arrival, own), *_other_host(visit, name, arrival)]
        if found:
            mismatches += found
            wrong.append(arrival)
            others.append(visit.hosts.at_port(example(name), host.reached))
    visit.require(
        f"what the names of {visit.title} lead to",
        mismatches,
        arrivals=wrong,
        seen=[
            *(f"the names are taken {observed.begin(one)}" for one in dict.fromkeys(others) if one not in {None, host}),
            *(one.handshake for one in wrong),
        ],
        directives=[("ServerName", ""), ("ServerAlias", "")],
    )


def policy(visit: Visit) -> None:
    """The host is as the policy says: protocols, suites, groups, keys and certificates."""
    __tracebackhide__ = True
    wanted = visit.policy
    arrival = visit.observed.arrival(visit.host, visit.host.name)
    headline = f"{wanted}: {visit.title}"
    scan = visit.observed.scan(visit.host)
    if isinstance(scan, ModsslError):
        visit.require(headline, [Mismatch("scan", "the answers of TLS", str(scan))], arrivals=[arrival])
        return
    shown = visit.observed.presented(visit.host)
    hsts = None if arrival.response is None else arrival.response.headers.get("Strict-Transport-Security", "")
    seen = Seen(scan=scan, presented=shown, hsts=hsts, openssl=visit.server.installation.openssl)
    against = tuple(one for one in deviations(wanted, seen) if one.area not in _NOT_HERE)
    report = PolicyReport(policy=wanted, name=visit.host.name, port=visit.host.port, seen=seen, deviations=against)
    visit.server.tell(report, (visit.host.name, visit.host.reached))
    found = report.against()
    mismatches = [one.mismatch for one in found] or ([] if shown else list(_without_certificate(arrival)))
    visit.require(
        headline,
        mismatches,
        seen=[*_first_of_port(visit, found), scan],
        directives=[(one, "") for one in dict.fromkeys(one.directive for one in found)],
    )


def _first_of_port(visit: Visit, found: Sequence[Deviation]) -> Iterator[str]:
    """Where groups are to be changed for a host that is not the first of its port.

    `SSLOpenSSLConfCmd Curves` of the others decides nothing (measured with httpd 2.4.71 and OpenSSL 3.0.22).
    """
    first = next((one for one in visit.hosts if one.reached == visit.host.reached), visit.host)
    if first is not visit.host and any(one.area == "group" for one in found):
        yield f"the groups are those of the port's first host {visit.observed.begin(first)}"


def legacy_protocols(visit: Visit) -> None:
    """The host refuses SSLv3, TLS 1.0 and TLS 1.1, but for those that a policy chosen for it allows."""
    __tracebackhide__ = True
    headline = f"protocols of {visit.title}"
    scan = visit.observed.scan(visit.host)
    if isinstance(scan, ModsslError):
        visit.require(headline, [Mismatch("scan", "the answers of TLS", str(scan))])
        return
    accepted = [one for one in LEGACY if one in scan.protocols and one not in visit.policy.protocols]
    visit.require(
        headline,
        [Mismatch(one, "a refusal", f"it is accepted, with {scan.suites[one][0]}") for one in accepted],
        seen=[scan],
        directives=[("SSLProtocol", ""), ("SSLCipherSuite", "")],
        commands=lambda: [_s_client(visit, protocol=one, security_level=0) for one in accepted],
    )


def _s_client(visit: Visit, **options: Any) -> list[str]:
    host = visit.host
    return visit.server.s_client_command(host.name, port=host.reached, client=visit.observed.client(host), **options)


def _failed(arrival: Arrival) -> Iterator[Mismatch]:
    seen = arrival.handshake
    if seen is None:
        yield Mismatch("handshake", "success", f"none: {arrival.error}")
    elif not seen.ok:
        name = seen.server_name or "no SNI"
        yield Mismatch(f"{name}: handshake", "success", f"failure ({seen.failure}): {seen.error}")


def _without_certificate(arrival: Arrival) -> Iterator[Mismatch]:
    seen = arrival.handshake
    if seen is None or not seen.certificates:
        why = arrival.error if seen is None else f"({seen.failure}) {seen.error}"
        yield Mismatch("handshake", "a certificate", f"none: {why}")


def _expired(issuers: Sequence[x509.Certificate]) -> Iterator[Mismatch]:
    now = dt.datetime.now(dt.timezone.utc)
    for one in issuers:
        if one.not_valid_after_utc < now:
            end = f"{one.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            yield Mismatch(f"chain: validity of {one.subject.rfc4514_string()}", "an end in the future", end)


def _without_root(sent: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> Sequence[x509.Certificate]:
    """A chain without the root at its end, which may be sent (RFC 8446 section 4.4.2).

    httpd sends it unasked where SSLCACertificateFile has it, as OpenSSL makes the chain whole from there.
    """
    return sent[:-1] if len(sent) > 1 and sent[-1] in roots else sent


def _other_certificate(name: str, arrival: Arrival, own: Arrival) -> Iterator[Mismatch]:
    seen, wanted = arrival.handshake, own.handshake
    if seen is None or wanted is None or seen.certificates[:1] == wanted.certificates[:1]:
        return
    yield Mismatch(f"{name}: certificate", f"that of {wanted.server_name}", f"one for {', '.join(seen.names)}")


def _other_host(visit: Visit, name: str, arrival: Arrival) -> Iterator[Mismatch]:
    host = visit.host
    first = visit.hosts.at_port(example(name), host.reached)
    if first is not None and first is not host and first.name == host.name:
        # httpd names hosts by ServerName alone, so its log cannot tell these two apart.
        yield Mismatch(
            f"{name}: virtual host", f"the one at {host.origin}", f"the one at {first.origin}, which is first"
        )
        return
    if arrival.response is None:
        yield Mismatch(f"{name}: answer", "one", f"none: {arrival.error}")
        return
    answered = visit.observed.answered_by(arrival)
    if answered is None:
        yield Mismatch(f"{name}: virtual host", host.name, "httpd's access log does not tell which")
    elif answered.lower() != host.name.lower():
        where = "" if first is None or first is host else f" ({first.origin})"
        yield Mismatch(f"{name}: virtual host", host.name, f"{answered}{where}")


def speaks_tls(host: RepoHost, _hosts: object) -> bool:
    """Whether a check of TLS is about a host."""
    return host.tls
