"""Redirect chains as objects: every hop from the first URL to where a browser would end, or why it would not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urldefrag, urljoin, urlsplit

import requests

from pytest_modssl.errors import ModsslError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.cookies import RequestsCookieJar

# RFC 9110 15.4: these ask the client to go elsewhere by itself; 300, 304 and 305 do not.
REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})


class Asks(Protocol):
    """What redirects are followed with: a `requests.Session`, or what answers as one."""

    @property
    def cookies(self) -> RequestsCookieJar:
        """Those that it would send."""
        ...

    def request(self, *asked: Any, **options: Any) -> requests.Response:
        """The answer to method and URL; raises `requests.RequestException` or `ModsslError` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Hop:
    """One answer that sends the client elsewhere.

    Attributes:
        url: what was asked for.
        status: the status of the answer, one of 301, 302, 303, 307, 308.
        location: its `Location` field as sent, or None where it has none.
        next_url: where that leads (RFC 9110 10.2.2: resolved against `url`, which also lends its fragment); None where
            that is no URL.
    """

    url: str
    status: int
    location: str | None
    next_url: str | None

    def __str__(self) -> str:
        location = "without Location" if self.location is None else f"Location: {self.location}"
        return f"{self.status} {self.url}  {location}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RedirectChain:
    """Where a request ended, and every redirect on its way.

    Attributes:
        hops: the redirects, in order.
        url: the last URL that was asked for.
        status: the status it was answered with (that of the last hop where the chain breaks off there), or None where
            no answer came.
        loop: whether the last hop leads back to a URL asked for before, with the same cookies, and so on for ever.
        error: why the chain has no proper end, or None.
        response: the last answer.
    """

    hops: tuple[Hop, ...]
    url: str
    status: int | None
    loop: bool = False
    error: str | None = None
    response: requests.Response | None = field(default=None, repr=False, compare=False)

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL that was asked for, first to last."""
        asked = tuple(hop.url for hop in self.hops)
        return asked if self.status in REDIRECT_STATUSES else (*asked, self.url)

    def __str__(self) -> str:
        lines = [f"{number}. {hop}" for number, hop in enumerate(self.hops, 1)]
        if self.status not in REDIRECT_STATUSES:
            lines.append(f"{len(lines) + 1}. {'no answer' if self.status is None else self.status} {self.url}")
        if self.error is not None:
            lines.append(self.error)
        return "\n".join(lines)


def follow(
    session: Asks,
    url: str,
    *,
    limit: int = 10,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> RedirectChain:
    """The chain of redirects from `url` on, one request at a time, with the cookies of `session`.

    Nothing that a server can answer raises: a loop, a missing `Location`, too many hops, a refused connection, a failed
    handshake or a name that nothing serves are told by `RedirectChain.error`.

    Args:
        session: as `open_session` gives it, or what answers as one.
        url: the first URL.
        limit: how many redirects are followed; browsers take 20 (Fetch standard, HTTP-redirect fetch, step 7).
        method: of the first request; 303, and 301 or 302 on POST, turn it into GET (RFC 9110 15.4).
        headers: sent with every request.
    """
    hops: list[Hop] = []
    seen: set[tuple[object, ...]] = set()
    while True:
        seen.add(_state(session, method, url))
        try:
            response = session.request(method, url, headers=dict(headers or {}), allow_redirects=False)
        except (requests.RequestException, ModsslError) as error:
            return RedirectChain(hops=tuple(hops), url=url, status=None, error=f"{url} was not reached: {error}")
        status = response.status_code
        if status not in REDIRECT_STATUSES:
            return RedirectChain(hops=tuple(hops), url=url, status=status, response=response)
        hop = _hop(url, response)
        hops.append(hop)
        next_method = _next_method(method, status)
        loop = hop.next_url is not None and _state(session, next_method, hop.next_url) in seen
        error_text = _why_not(hop, loop=loop, exceeded=limit if len(hops) > limit else None)
        if error_text is not None or hop.next_url is None:
            return RedirectChain(
                hops=tuple(hops), url=url, status=status, loop=loop, error=error_text, response=response
            )
        method, url = next_method, hop.next_url


def _state(session: Asks, method: str, url: str) -> tuple[object, ...]:
    # A server sees method, URL (without its fragment) and cookies: with the same again it will answer the same again.
    cookies = frozenset((cookie.domain, cookie.path, cookie.name, cookie.value) for cookie in session.cookies)
    return method, urldefrag(url).url, cookies


def _hop(url: str, response: requests.Response) -> Hop:
    location = response.headers.get("Location")
    if location is None:
        return Hop(url, response.status_code, None, None)
    # http.client reads fields as Latin-1, servers write UTF-8 where they write more than ASCII.
    location = location.encode("latin-1").decode("utf-8", "backslashreplace")
    try:
        target = urljoin(url, location)
        fragment = urlsplit(url).fragment
        if fragment and not urlsplit(target).fragment:
            target = f"{target}#{fragment}"
    except ValueError:  # "https://[" and the like
        target = None
    return Hop(url, response.status_code, location, target)


def _why_not(hop: Hop, *, loop: bool, exceeded: int | None) -> str | None:
    if hop.location is None:
        return f"the answer {hop.status} to {hop.url} has no Location: nowhere to go"
    if hop.next_url is None:
        return f"the answer {hop.status} to {hop.url} leads to {hop.location!r}, which is no URL"
    if urlsplit(hop.next_url).scheme not in {"http", "https"}:
        return f"the answer {hop.status} to {hop.url} leads to {hop.next_url}, which is not HTTP"
    if loop:
        return f"a redirect loop: {hop.next_url} was asked for before, with the same cookies"
    if exceeded is not None:
        return f"more than the {exceeded} redirects allowed: {hop.next_url} was not asked for"
    return None


def _next_method(method: str, status: int) -> str:
    if status == 303 and method != "HEAD":
        return "GET"
    return "GET" if method == "POST" and status in {301, 302} else method
