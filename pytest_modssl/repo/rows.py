"""Rows of tables held against a running server."""

from __future__ import annotations

import difflib
import http.client
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_modssl.asserts._collect import fail
from pytest_modssl.errors import Mismatch, ModsslError, TableError, UnknownHostError
from pytest_modssl.http import FailedRequest
from pytest_modssl.repo.connections import SAFE, Answer, Connections
from pytest_modssl.repo.patterns import search
from pytest_modssl.repo.tables import REDIRECTS, leads_to, status_words
from pytest_modssl.repo.trace import DIRECTIVES, Tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_modssl.http import RedirectChain
    from pytest_modssl.repo.tables import Row
    from pytest_modssl.repo.trace import Trace
    from pytest_modssl.targets.server import Server

# The first status that says that the client is at fault (RFC 9110 section 15.5).
_REFUSED = 400
_ABOUT_A_CLIENT = re.compile(r"\[client ")
# Of a body that is not as it should be, so much is shown.
_SHOWN = 200
# Of hundreds of hosts, so many are named where one is not there.
_NEAR = 3
_CHARSET = re.compile(r"charset=[\"']?(?P<name>[\w.:-]+)", re.IGNORECASE)


class Checker:
    """Holds rows against the server of one configuration, and keeps its connections between them.

    Args:
        launch: gives the running server of the configuration with directives added to it; asked again and again, it
            gives the same server for the same directives as long as that runs. Without any for rows, with
            `trace.DIRECTIVES` when one has failed.
    """

    def __init__(self, launch: Callable[[str], Server]) -> None:
        self._launch = launch
        self._connections: Connections | None = None
        self._tracer: Tracer | None = None
        self._refused = False

    def check(self, row: Row) -> None:
        """Returns when the answer is what the row expects.

        Raises:
            ModsslAssertionError: with the row's file and line, every mismatch, diagnoses, the redirects on the way and
                mod_rewrite's own trace.
            TableError: when no virtual host has the row's host: nothing is asked of another machine.
        """
        __tracebackhide__ = True
        server = self._launch("")
        if self._connections is None or self._connections.server is not server:
            self.close()
            self._connections = Connections(server)
        try:
            mismatches = _followed(row, server) if row.follow else _asked(row, self._connections)
        except UnknownHostError:
            raise _unknown_host(row, server) from None
        if mismatches:
            self._fail(row, server, mismatches)
        # httpd logs why it refused what it was to refuse; out of a container that may come during a later row.
        self._refused = self._refused or any(status >= _REFUSED for status in row.status)
        if self._refused:
            server.log.expect(_ABOUT_A_CLIENT)

    def close(self) -> None:
        """Closes the kept connections."""
        if self._connections is not None:
            self._connections.close()

    def _fail(self, row: Row, server: Server, mismatches: list[Mismatch]) -> None:
        __tracebackhide__ = True
        seen: list[object] = []
        if row.method in SAFE and row.body is None:
            seen.append(server.redirects(row.url, method=row.method, headers=_sendable(row)))
        failed = [one for one in server.observations if isinstance(one, FailedRequest)]
        seen.append(self._trace(row))
        command = server.curl_command(row.url)
        command += ["--request", row.method] if row.method != "GET" else []
        for name, value in row.request_headers:
            command += ["--header", f"{name}: {value}"]
        command += ["--data-raw", row.body.decode("utf-8", "replace")] if row.body is not None else []
        fail(
            server,
            f"{_place(row)}: {row.method} {row.url}",
            mismatches,
            seen=seen,
            commands=[[*command, "--location"] if row.follow else command],
            error=failed[0].error if failed else None,
        )

    def _trace(self, row: Row) -> Trace | str:
        try:
            server = self._launch(DIRECTIVES)
            if self._tracer is None or self._tracer.server is not server:
                self._tracer = Tracer(server)
            return self._tracer.trace(row)
        except ModsslError as error:
            return f"mod_rewrite's trace cannot be had: {error}"


def _unknown_host(row: Row, server: Server) -> TableError:
    parts = urlsplit(row.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    names = [f"{name}:{one.port}" for one in server.config.virtual_hosts for name in (one.name, *one.aliases)]
    near = difflib.get_close_matches(f"{parts.hostname}:{port}", names, n=_NEAR, cutoff=0.0)
    return TableError(
        f"{_place(row)}: no virtual host has the name {parts.hostname} at port {port}, and nothing is asked of another "
        f"machine; nearest to it: {', '.join(near) or 'none'}"
    )


def _place(row: Row) -> str:
    return f"{os.path.relpath(row.origin.file)}:{row.origin.line}"


def _sendable(row: Row) -> dict[str, str]:
    return {name: value.encode().decode("latin-1") for name, value in row.request_headers}


def _asked(row: Row, connections: Connections) -> list[Mismatch]:
    try:
        answer = connections.ask(row.url, method=row.method, headers=row.request_headers, body=row.body)
    except (OSError, http.client.HTTPException) as error:
        return [Mismatch("answer", "one", f"none: {type(error).__name__}: {error}")]
    return list(differences(row, answer))


def _followed(row: Row, server: Server) -> list[Mismatch]:
    chain = server.redirects(row.url, method=row.method, headers=_sendable(row))
    if chain.error is not None or chain.response is None or chain.status is None:
        return [Mismatch("end of the chain", "an answer", str(chain.error))]
    return list(differences(row, _last(chain)))


def _last(chain: RedirectChain) -> Answer:
    response = chain.response
    assert response is not None, "a chain with an end has its answer"
    headers = tuple(response.headers.items())
    return Answer(
        url=chain.url, status=response.status_code, reason=response.reason, headers=headers, body=response.content
    )


def differences(row: Row, answer: Answer) -> Iterator[Mismatch]:
    """Everything in an answer that is not as a row expects it."""
    if row.status and answer.status not in row.status:
        wanted = "a redirect" if row.status == REDIRECTS else status_words(row.status).replace("|", " or ")
        yield Mismatch("status", wanted, f"{answer.status} {answer.reason}".strip())
    if row.location is not None:
        yield from _location(row, answer)
    yield from _headers(row, answer)
    if row.body_contains or row.body_regex:
        yield from _content(row, _body(answer))


def _headers(row: Row, answer: Answer) -> Iterator[Mismatch]:
    for name, value in row.headers:
        seen = _values(answer, name)
        if name.lower() == "location":
            as_expected = any(leads_to(row.url, one) == leads_to(row.url, value) for one in seen)
        else:
            as_expected = value in (*seen, ", ".join(seen))
        if not as_expected:
            yield Mismatch(name, repr(value), _shown(seen))
    for name, pattern in row.headers_regex:
        seen = _values(answer, name)
        if not seen or not any(search(pattern, one) for one in (*seen, ", ".join(seen))):
            yield Mismatch(name, f"a match of {pattern.pattern!r}", _shown(seen))
    for name in row.headers_absent:
        if seen := _values(answer, name):
            yield Mismatch(name, "none", _shown(seen))


def _content(row: Row, body: str) -> Iterator[Mismatch]:
    for text in row.body_contains:
        if text not in body:
            yield Mismatch("body", f"one with {text!r}", _excerpt(body))
    for pattern in row.body_regex:
        if not search(pattern, body):
            yield Mismatch("body", f"a match of {pattern.pattern!r}", _excerpt(body))


def _location(row: Row, answer: Answer) -> Iterator[Mismatch]:
    if row.follow:
        if leads_to(row.url, answer.url) != row.location:
            yield Mismatch("URL at the end", str(row.location), answer.url)
        return
    seen = _values(answer, "Location")
    # Most are equal as they are; to resolve a URL takes as long as a tenth of the request.
    if seen != [row.location] and [leads_to(row.url, one) for one in seen] != [row.location]:
        yield Mismatch("Location", str(row.location), ", ".join(seen) or "nothing")


def _values(answer: Answer, name: str) -> list[str]:
    """A field as text: `http.client` reads Latin-1, servers write UTF-8 where they write more than ASCII."""
    values = answer.values(name)
    return [one if one.isascii() else one.encode("latin-1").decode("utf-8", "backslashreplace") for one in values]


def _shown(values: list[str]) -> str:
    return ", ".join(map(repr, values)) or "nothing"


def _body(answer: Answer) -> str:
    found = _CHARSET.search(next(iter(answer.values("Content-Type")), ""))
    try:
        return answer.body.decode(found["name"] if found else "utf-8", "replace")
    except LookupError:  # a charset that Python does not know
        return answer.body.decode("utf-8", "replace")


def _excerpt(body: str) -> str:
    return repr(body) if len(body) <= _SHOWN else f"{body[:_SHOWN]!r}... ({len(body)} characters)"
