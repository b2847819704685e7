"""Which SSL_* variables an application behind mod_ssl must see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import Expected, compare, fail, holds, require, words
from pytest_modssl.errors import EnvironmentPageError, Mismatch
from pytest_modssl.http import ASK, page_url, read_environment
from pytest_modssl.httpd.expectations import expectations

if TYPE_CHECKING:
    from collections.abc import Collection

    import requests

    from pytest_modssl.http import SslEnvironment, Via
    from pytest_modssl.targets.server import Server


def assert_ssl_env(
    server: Server,
    url: str,
    *,
    via: Via = "cgi",
    session: requests.Session | None = None,
    absent: Collection[str] = (),
    empty: Collection[str] = (),
    **expected: Expected,
) -> SslEnvironment:
    """The variables that a request to `url` sees, all of them as expected.

    Args:
        server: the server to look at.
        url: of an environment page, or (ending in "/") of the folder that has one; with `via="header"` of anything.
        via: "cgi", "ssi" or "header", see `pytest_modssl.http.environment`.
        session: to ask with, for a client certificate or a pinned protocol: `server.session(client=...)`.
        absent: names that must not be there at all. Not with `via="header"`.
        empty: names that must be there without a value. Not with `via="header"`.
        expected: values by name: exact, a pattern (searched), or a function of the value. In the header form httpd
            writes "(null)" for what is absent or empty, and that is the value to expect.

    Raises:
        ModsslAssertionError: with every mismatch, or with what is wrong with the page.
        ValueError: `absent` or `empty` with `via="header"`, which cannot tell them.
    """
    __tracebackhide__ = True
    if via == "header" and (absent or empty):
        raise ValueError('a header says "(null)" for both absent and empty: expect NAME="(null)", or use via="cgi"')
    headline = f"SSL_* variables of {url} (via {via})"
    command = server.curl_command(page_url(url, via), headers=ASK if via == "header" else None)
    seen, problem = None, ""
    try:
        if session is None:
            seen = server.environment(url, via=via)
        else:
            seen = read_environment(session, url, via=via)
            server.note(seen)
    except EnvironmentPageError as error:
        problem = str(error)
    if seen is None:
        fail(server, headline, [Mismatch("page", "the variables", problem)], commands=[command])
    mismatches = []
    for name, value in expected.items():
        if name not in seen:
            mismatches.append(Mismatch(name, words(value), "nothing: it is absent" + _unknown(server, name)))
        elif not holds(value, seen[name]):
            mismatches += compare(name, value, seen[name])
    mismatches += [Mismatch(name, "it to be absent", repr(seen[name])) for name in absent if name in seen]
    for name in empty:
        if seen.get(name) != "":
            value_seen = repr(seen[name]) if name in seen else "nothing: it is absent" + _unknown(server, name)
            mismatches.append(Mismatch(name, "it to be empty", value_seen))
    require(server, headline, mismatches, seen=[seen], commands=[command])
    return seen


def _unknown(server: Server, name: str) -> str:
    fact = expectations(server.installation).variable(name)
    return (
        "" if fact is None or fact.value else f" (httpd {server.installation.version} does not know it: {fact.source})"
    )
