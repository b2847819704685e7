"""Redirects between plain HTTP and HTTPS, as browsers follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.errors import Mismatch
from pytest_modssl.http import follow
from pytest_modssl.http.redirects import REDIRECT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection

    import requests

    from pytest_modssl.http import RedirectChain
    from pytest_modssl.targets.server import Server


# What httpd answers where plain HTTP comes to a TLS port, and where Host and SNI differ (SSLVHostSNIPolicy).
_MISDIRECTED = (400, 421)


def assert_switches_to_https(
    server: Server,
    url: str,
    *,
    to: Expected | None = None,
    status: int | Collection[int] = REDIRECT_STATUSES,
    session: requests.Session | None = None,
) -> RedirectChain:
    """The chain of redirects from `url`, which leads to HTTPS, stays there, and ends in an answer.

    Whether there is such a page (404), and who may see it (401, 403), is not a matter of switching: `chain.status` has
    it. An answer that comes from the wrong host or scheme (400, 421) or from a broken one (500 and above) does not do.

    Args:
        server: the server to look at.
        url: where a visitor begins.
        to: the URL where the chain must end: exact, a pattern (searched), or a function of it.
        status: the status (or those) that the redirect to the other scheme may have; by default any redirect's.
        session: to ask with, for cookies or a client certificate.

    Raises:
        ModsslAssertionError: with every mismatch and the whole chain.
    """
    __tracebackhide__ = True
    return _assert_switches(server, url, "https", to=to, status=status, session=session)


def assert_switches_to_http(
    server: Server,
    url: str,
    *,
    to: Expected | None = None,
    status: int | Collection[int] = REDIRECT_STATUSES,
    session: requests.Session | None = None,
) -> RedirectChain:
    """The chain of redirects from `url`, which leads to plain HTTP, stays there, and ends in an answer.

    Arguments and errors as for `assert_switches_to_https`.
    """
    __tracebackhide__ = True
    return _assert_switches(server, url, "http", to=to, status=status, session=session)


def assert_no_redirect_loop(
    server: Server, url: str, *, limit: int = 10, session: requests.Session | None = None
) -> RedirectChain:
    """The chain of redirects from `url`, which ends: no loop, no dead end, no more than `limit` redirects.

    What the last answer is does not matter here, as long as it is one.

    Raises:
        ModsslAssertionError: with the whole chain.
    """
    __tracebackhide__ = True
    chain = server.redirects(url, limit=limit) if session is None else follow(session, url, limit=limit)
    require(
        server,
        f"redirects from {url}",
        _unfinished(chain),
        seen=[chain],
        commands=[server.curl_command(url, follow=True)],
    )
    server.accept([chain.response])
    return chain


def _assert_switches(
    server: Server,
    url: str,
    scheme: Literal["http", "https"],
    *,
    to: Expected | None,
    status: int | Collection[int],
    session: requests.Session | None,
) -> RedirectChain:
    __tracebackhide__ = True
    chain = server.redirects(url) if session is None else follow(session, url)
    mismatches = _unfinished(chain)
    last = urlsplit(chain.url).scheme
    if not chain.hops:
        mismatches.append(Mismatch("redirect", f"one to {scheme}", "none"))
    elif last != scheme:
        mismatches.append(Mismatch("scheme at the end", repr(scheme), f"{last!r} ({chain.url})"))
    allowed = {status} if isinstance(status, int) else set(status)
    for hop in chain.hops:
        before, after = urlsplit(hop.url).scheme, urlsplit(hop.next_url or "").scheme
        if before != after == scheme and hop.status not in allowed:
            wanted = " or ".join(map(str, sorted(allowed)))
            mismatches.append(Mismatch(f"status of the redirect to {hop.next_url}", wanted, str(hop.status)))
        if before == scheme and after not in {scheme, ""}:
            mismatches.append(Mismatch("way", f"none back from {scheme}", f"{hop.status} to {hop.next_url}"))
    mismatches += compare("URL at the end", to, chain.url)
    if chain.error is None and chain.status is not None and (chain.status in _MISDIRECTED or chain.status >= 500):
        mismatches.append(Mismatch(f"answer at {chain.url}", "that of its host", f"status {chain.status}"))
    require(
        server,
        f"redirects from {url} to {scheme}",
        mismatches,
        seen=[chain],
        commands=[server.curl_command(url, follow=True)],
    )
    server.accept([chain.response])
    return chain


def _unfinished(chain: RedirectChain) -> list[Mismatch]:
    return [] if chain.error is None else [Mismatch("end of the chain", "an answer", chain.error)]
