"""What a virtual host answers: to those that come by TLS, and to those that come by plain HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_modssl.errors import Mismatch
from pytest_modssl.repo.checks.hosts import example
from pytest_modssl.repo.checks.observed import is_redirect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.http import RedirectChain
    from pytest_modssl.repo.checks.check import Visit
    from pytest_modssl.repo.checks.hosts import Hosts
    from pytest_modssl.repo.checks.observed import Arrival
    from pytest_modssl.repo.hosts import RepoHost

_MISDIRECTED: Final = (400, 421)
"""What httpd answers where plain HTTP comes to a TLS port, and where Host and SNI differ (SSLVHostSNIPolicy)."""

_MAX_AGE: Final = re.compile(r"(?:^|;)\s*max-age\s*=\s*\"?(\d+)", re.IGNORECASE)  # RFC 6797 section 6.1.1
_HSTS: Final = "Strict-Transport-Security"
_HEADER: Final = ("Header", _HSTS)
_REDIRECTING: Final = (("Redirect", ""), ("RedirectMatch", ""), ("RewriteRule", ""))


def answers(visit: Visit) -> None:
    """The host gives an answer for `/` that is no failure of its own; where it redirects, that leads to one."""
    __tracebackhide__ = True
    arrival = visit.observed.arrival(visit.host, visit.host.name)
    arrivals, seen = [arrival], []
    mismatches = list(_no_answer(arrival))
    if is_redirect(arrival.response):
        redirects = visit.observed.chain(arrival.url)
        seen.append(redirects)
        if visit.hosts.at(redirects.url) is not None:
            mismatches += _unfinished(visit, redirects)
            if redirects.error is None and redirects.url != arrival.url:
                last = visit.observed.page(redirects.url)
                mismatches += _no_answer(last)
                arrivals.append(last)
    visit.require(
        f"answer of {arrival.url}", mismatches, arrivals=arrivals, seen=seen, directives=[("DocumentRoot", "")]
    )


def no_redirect_loop(visit: Visit) -> None:
    """The redirects that begin at the host come to an end."""
    __tracebackhide__ = True
    arrival = visit.observed.arrival(visit.host, visit.host.name)
    redirects = visit.observed.chain(arrival.url)
    visit.require(
        f"redirects from {arrival.url}",
        _unfinished(visit, redirects) if redirects.hops else [],
        arrivals=[arrival],
        seen=[redirects],
        directives=_REDIRECTING,
    )


def redirects_to_https(visit: Visit) -> None:
    """Each name of the host that a TLS host has too leads there, and from there not back."""
    __tracebackhide__ = True
    arrivals, mismatches, seen = [], [], []
    for name in _also_over_tls(visit.host, visit.hosts):
        arrival = visit.observed.arrival(visit.host, example(name))
        redirects = visit.observed.chain(arrival.url)
        mismatch = _insecure(visit.hosts, redirects)
        if mismatch is not None:
            mismatches.append(mismatch)
            arrivals.append(arrival)
            seen += [redirects] if redirects.hops else []
    visit.require(
        f"redirects from {visit.host.url} to https", mismatches, arrivals=arrivals, seen=seen, directives=_REDIRECTING
    )


def hsts(visit: Visit) -> None:
    """Over TLS the host says for how long it is to be reached that way alone; by plain HTTP it does not say so.

    RFC 6797: section 7.1 over TLS, with a `max-age` as long as the policy wants; section 7.2 by plain HTTP.
    """
    __tracebackhide__ = True
    arrival = visit.observed.arrival(visit.host, visit.host.name)
    wanted = visit.policy.hsts_seconds
    mismatches = list(_no_answer(arrival)) if arrival.response is None else []
    if arrival.response is not None:
        value = arrival.response.headers.get(_HSTS)
        age = None if value is None else _MAX_AGE.search(value)
        told = "no such header" if value is None else repr(value)
        if visit.host.tls and (age is None or int(age[1]) < wanted):
            change = f'{told}. Change: Header always set {_HSTS} "max-age={wanted}" (mod_headers)'
            mismatches.append(Mismatch(f"{_HSTS} over TLS", f"max-age={wanted} or more ({visit.policy})", change))
        elif not visit.host.tls and value is not None:
            expected = "no such header, which counts over TLS alone (RFC 6797 section 7.2)"
            mismatches.append(Mismatch(f"{_HSTS} by plain HTTP", expected, told))
    visit.require(f"HSTS of {arrival.url}", mismatches, arrivals=[arrival], directives=[_HEADER])


def plain_http_on_tls_port(visit: Visit) -> None:
    """Who speaks plain HTTP to the TLS port gets httpd's refusal (400) or a redirect to https, and no content."""
    __tracebackhide__ = True
    arrival = visit.observed.plain_on_tls(visit.host)
    response = arrival.response
    refused = response is None or response.status_code == 400
    if not refused and response is not None and is_redirect(response):
        refused = urlsplit(response.headers.get("Location", "")).scheme == "https"
    seen = "" if response is None else f"status {response.status_code}"
    mismatches = [] if refused else [Mismatch("plain HTTP on the TLS port", "status 400, or a redirect to https", seen)]
    visit.require(
        f"plain HTTP on port {visit.host.port} of {visit.host.name}",
        mismatches,
        arrivals=[arrival],
        directives=[("SSLEngine", ""), ("ErrorDocument", "400")],
    )


def any_host(_host: RepoHost, _hosts: Hosts) -> bool:
    """For checks that are about every host."""
    return True


def plain_beside_tls(host: RepoHost, hosts: Hosts) -> bool:
    """Whether a host is reached by plain HTTP by a name that a TLS host has too."""
    return not host.tls and any(True for _ in _also_over_tls(host, hosts))


def _also_over_tls(host: RepoHost, hosts: Hosts) -> Iterator[str]:
    # A name that an earlier host has does not lead to this one.
    return (
        name
        for name in host.names
        if hosts.over_tls(example(name)) is not None and hosts.at_port(example(name), host.reached) is host
    )


def _insecure(hosts: Hosts, redirects: RedirectChain) -> Mismatch | None:
    """Redirects that do not lead to https, or from there back to plain HTTP of this configuration."""
    first = redirects.urls[0]
    urls = [first, *(hop.next_url or "" for hop in redirects.hops)]
    secure = next((index for index, url in enumerate(urls) if urlsplit(url).scheme == "https"), None)
    if secure is None:
        end = f"status {redirects.status} from {redirects.url}" if redirects.status else redirects.error
        return Mismatch(f"{first}: redirect", "one to https", f"none: {end}")
    back = next((url for url in urls[secure:] if urlsplit(url).scheme == "http" and hosts.at(url) is not None), None)
    if back is None:
        return None
    return Mismatch(f"{first}: redirect", "one to https, and none back", f"{urls[secure]} leads to {back}")


def _no_answer(arrival: Arrival) -> Iterator[Mismatch]:
    shaken = arrival.handshake
    if shaken is not None and not shaken.ok:
        yield Mismatch(f"{arrival.url}: handshake", "success", f"failure ({shaken.failure}): {shaken.error}")
    elif arrival.response is None:
        yield Mismatch(f"{arrival.url}: answer", "one", f"none: {arrival.error}")
    elif arrival.response.status_code in _MISDIRECTED or arrival.response.status_code >= 500:
        yield Mismatch(f"{arrival.url}: answer", "that of its host", f"status {arrival.response.status_code}")


def _unfinished(visit: Visit, redirects: RedirectChain) -> list[Mismatch]:
    if redirects.error is None or visit.observed.leads_out(redirects):
        return []
    return [Mismatch("end of the redirects", "an answer", redirects.error)]
