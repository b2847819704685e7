"""How the server ends a connection, by the client's User-Agent: the workaround for old versions of MSIE."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from pytest_modssl.asserts._collect import compare, require
from pytest_modssl.errors import Mismatch
from pytest_modssl.http import responses_in, wire_url

if TYPE_CHECKING:
    from pytest_modssl.asserts._collect import Expected
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls import Exchange


def assert_unclean_shutdown(
    server: Server,
    url: str,
    *,
    user_agent: str,
    version: Expected | None = "HTTP/1.0",
    keep_alive: bool | None = False,
    **options: Any,
) -> Exchange:
    """The exchange with a client of this name, which the server ended as old versions of MSIE need it.

    That is: without close_notify, after one answer, which says HTTP/1.0 (mod_ssl's `ssl-unclean-shutdown`, with
    `nokeepalive`, `downgrade-1.0` and `force-response-1.0`).

    Args:
        server: the server to look at.
        url: `https:`, with a name and port of the configuration.
        user_agent: what the client calls itself.
        version: what the answer says of itself; `None` takes any.
        keep_alive: whether the connection must be good for another request; `None` takes either.
        options: as for `Server.connect`.

    Raises:
        ModsslAssertionError: with every mismatch, the exchange and its transcript.
    """
    __tracebackhide__ = True
    return _assert_shutdown(
        server, url, user_agent, close_notify=False, version=version, keep_alive=keep_alive, options=options
    )


def assert_clean_shutdown(
    server: Server,
    url: str,
    *,
    user_agent: str = "pytest-modssl",
    version: Expected | None = "HTTP/1.1",
    keep_alive: bool | None = None,
    **options: Any,
) -> Exchange:
    """The exchange with a client of this name, which the server ended with close_notify, as RFC 8446 section 6.1 asks.

    Without it a client cannot tell an end from an attacker's cut. Arguments and errors as for
    `assert_unclean_shutdown`.
    """
    __tracebackhide__ = True
    return _assert_shutdown(
        server, url, user_agent, close_notify=True, version=version, keep_alive=keep_alive, options=options
    )


def _assert_shutdown(
    server: Server,
    url: str,
    user_agent: str,
    *,
    close_notify: bool,
    version: Expected | None,
    keep_alive: bool | None,
    options: dict[str, Any],
) -> Exchange:
    __tracebackhide__ = True
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname is None:
        raise ValueError(f"{url!r}: only an https: URL ends with or without close_notify")
    # Both at once, so that nobody has to wait: the second is answered where the connection is good for another one.
    wire = urlsplit(wire_url(url))
    target = urlunsplit(("", "", wire.path, wire.query, ""))
    request = f"GET {target} HTTP/1.1\r\nHost: {wire.netloc}\r\nUser-Agent: {user_agent}\r\n"
    both = f"{request}\r\n{request}Connection: close\r\n\r\n".encode("ascii")
    seen = server.speak(parts.hostname, both, port=parts.port or 443, **options)
    mismatches = []
    try:
        answers = len(responses_in(seen.reply, url))
    except http.client.HTTPException as error:
        mismatches.append(Mismatch("answer", "one", f"none: {seen.error or error or type(error).__name__}"))
    else:
        mismatches += [] if seen.close_notify is close_notify else [_notify(close_notify=close_notify)]
        mismatches += compare("HTTP version", version, seen.status_line.partition(" ")[0])
        mismatches += compare("keep-alive", keep_alive, answers > 1)
    require(
        server,
        f"end of a connection with {user_agent!r}",
        mismatches,
        seen=[seen, seen.handshake.transcript],
        commands=server.commands()[-1:],
    )
    return seen


def _notify(*, close_notify: bool) -> Mismatch:
    return Mismatch("close_notify", *(("the alert", "none") if close_notify else ("none", "the alert")))
