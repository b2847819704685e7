"""That a URL is answered by the protocol that it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from pytest_modssl.asserts._collect import compare, fail, require
from pytest_modssl.errors import Mismatch

if TYPE_CHECKING:
    from pytest_modssl.asserts._collect import Expected
    from pytest_modssl.targets.server import Server


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
    headline, command = f"answer to GET {url}", server.curl_command(url)
    seen, failed = None, None
    try:
        seen = server.get(url, timeout=timeout, **options)
    except requests.RequestException as error:
        failed = error
    if seen is None:
        fail(server, headline, [Mismatch("answer", "one", f"none: {failed}")], commands=[command], error=failed)
    require(server, headline, compare("status", status, seen.status_code), seen=[seen], commands=[command])
    return seen
