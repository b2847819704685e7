"""That a URL is answered by the protocol that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from pytest_modssl.asserts._collect import compare, fail, require
from pytest_modssl.errors import Mismatch, UnknownHostError

if TYPE_CHECKING:
    from pytest_modssl.asserts._collect import Expected
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls import Exchange


def assert_answers_by_hand(
    server: Server, name: str | None, request: bytes, *, port: int = 443, status: Expected = 200, **options: Any
) -> Exchange:
    """The answer to a request that is sent byte for byte over TLS, as one types it into `openssl s_client`.

    Args:
        server: the server to look at.
        name: the name to send as SNI; `None` sends none.
        request: the bytes to send.
        port: port of the configuration.
        status: the status, or a function of it.
        options: as for `Server.connect`.

    Raises:
        ModsslAssertionError: with handshake, request and answer, the server's log and the command that repeats it.
    """
    __tracebackhide__ = True
    seen = server.speak(name, request, port=port, **options)
    require(
        server,
        f"answer to {request[:40]!r} by hand",
        compare("status", status, seen.status),
        seen=[seen, seen.handshake.transcript],
        commands=server.commands()[-1:],
    )
    return seen


def assert_answers(
    server: Server, url: str, *, status: Expected = 200, timeout: float = 5.0, **options: Any
) -> requests.Response:
    """The answer to a GET of `url`, which came in time, by the protocol that the URL names, with the status expected.

    Args:
        server: the server to look at.
        url: `http:` or `https:`, with the names and ports of the configuration; redirects are not followed.
        status: the status, or a function of it.
        timeout: seconds for the connection, and for each wait after that.
        options: as for `requests.Session.get`.

    Raises:
        ModsslAssertionError: with what came instead, the server's log and the command that repeats the request.
    """
    __tracebackhide__ = True
    headline = f"answer to GET {url}"
    seen, failed = None, None
    try:
        seen = server.get(url, timeout=timeout, **options)
    except UnknownHostError as error:
        fail(server, headline, [Mismatch("answer", "one", f"none: {error}")], error=error)
    except requests.RequestException as error:
        failed = error
    command = server.curl_command(url)
    if seen is None:
        fail(server, headline, [Mismatch("answer", "one", f"none: {failed}")], commands=[command], error=failed)
    require(server, headline, compare("status", status, seen.status_code), seen=[seen], commands=[command])
    return seen
