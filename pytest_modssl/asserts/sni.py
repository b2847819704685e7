"""What each name of a server must get: certificate, content, and the name that the application sees."""

from __future__ import annotations

import http.client
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import requests

from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.asserts.handshake import certificate_mismatch, repeat_command
from pytest_modssl.errors import EnvironmentPageError, Mismatch, ModsslError
from pytest_modssl.http import ASK, environment_of, page_url
from pytest_modssl.pki import LeafCert
from pytest_modssl.tls import hostname

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.http import Via
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake

# RFC 6761 6.4: no name under .invalid exists.
UNKNOWN_NAME = "unknown.invalid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What a name must get.

    Attributes:
        certificate: the certificate itself, or a name that it must be for.
        content: of the page: exact, a pattern (searched), or a function of its text.
        status: of the page.
    """

    certificate: LeafCert | str | None = None
    content: Expected | None = None
    status: Expected | None = None


ExpectedServed: TypeAlias = str | LeafCert | Served


def assert_sni(
    server: Server,
    served: Mapping[str, ExpectedServed],
    *,
    no_sni: ExpectedServed | None = None,
    unknown: ExpectedServed | None = None,
    port: int = 443,
    path: str = "/",
    via: Via | None = None,
) -> dict[str | None, Handshake]:
    """The handshakes by name (None: without SNI), each of which got the certificate and content of its own host.

    Every name is asked on a connection of its own, with SNI and `Host` alike.

    Args:
        server: the server to look at.
        served: for each name what it must get: a `Served`, or its certificate alone (the certificate itself, or a name
            that it must be for).
        no_sni: what a client must get that sends no SNI, with the first name of `served` as `Host`.
        unknown: what a client must get that sends a name which no host has, as SNI and `Host`.
        port: port of the configuration.
        path: of the page, where content or status are expected.
        via: if given, the variable SSL_TLS_SNI must be the name that was sent, as a page at `path` shows it in that
            way ("cgi", "ssi": the folder or page; "header").

    Raises:
        ModsslAssertionError: with the mismatches of all names.
        ValueError: no name at all.
    """
    __tracebackhide__ = True
    if not served:
        raise ValueError("assert_sni needs at least one name")
    first = next(iter(served))
    cases: list[tuple[str | None, str, ExpectedServed | None]] = [(name, name, value) for name, value in served.items()]
    cases += [(None, first, no_sni), (UNKNOWN_NAME, UNKNOWN_NAME, unknown)]
    mismatches: list[Mismatch] = []
    handshakes: dict[str | None, Handshake] = {}
    for name, host, value in cases:
        if value is not None:
            wanted = value if isinstance(value, Served) else Served(certificate=value)
            handshakes[name], found = _check(server, name, host, wanted, port=port, path=path, via=via)
            mismatches += found
    wrong = [name for name in handshakes if any(one.what.startswith(f"{_who(name)}:") for one in mismatches)]
    require(
        server,
        f"what each name gets on port {port}",
        mismatches,
        seen=[handshakes[name] for name in wrong],
        commands=[repeat_command(server, name, port, {}) for name in wrong],
    )
    return handshakes


def _who(name: str | None) -> str:
    return "no SNI" if name is None else name


def _check(
    server: Server, name: str | None, host: str, wanted: Served, *, port: int, path: str, via: Via | None
) -> tuple[Handshake, list[Mismatch]]:
    who = _who(name)
    if wanted.content is None and wanted.status is None:
        handshake = server.handshake(name, port=port)
        found = _certificate(who, wanted.certificate, handshake)
    else:
        handshake, response, found = _ask(server, name, host, port=port, path=path, headers={})
        found += _certificate(who, wanted.certificate, handshake)
        if response is not None:
            found += compare(f"{who}: status", wanted.status, response.status_code)
            found += compare(f"{who}: content", wanted.content, response.text)
    if not handshake.ok:
        found.insert(0, Mismatch(f"{who}: handshake", "success", f"failure ({handshake.failure}): {handshake.error}"))
    elif via is not None:
        found += _variable(server, name, host, port=port, path=path, via=via)
    return handshake, found


def _certificate(who: str, wanted: LeafCert | str | None, seen: Handshake) -> list[Mismatch]:
    if not isinstance(wanted, str):
        return certificate_mismatch(f"{who}: certificate", wanted, seen)
    if hostname.matches(seen.names, wanted):
        return []
    return [Mismatch(f"{who}: certificate", f"one for {wanted}", f"one for {', '.join(seen.names) or 'no names'}")]


def _variable(server: Server, name: str | None, host: str, *, port: int, path: str, via: Via) -> list[Mismatch]:
    what = f"{_who(name)}: SSL_TLS_SNI"
    page = page_url(f"https://{host}{path}", via).removeprefix(f"https://{host}")
    _, response, found = _ask(server, name, host, port=port, path=page, headers=ASK if via == "header" else {})
    if response is None:
        return found
    try:
        seen = environment_of(response, via)
    except EnvironmentPageError as error:
        return [Mismatch(what, repr(name), str(error))]
    value = seen.get("SSL_TLS_SNI")
    if name is None:
        return [] if value in {None, "(null)"} else [Mismatch(what, "it to be absent", repr(value))]
    return compare(what, hostname.to_ascii(name), value)


def _ask(
    server: Server, name: str | None, host: str, *, port: int, path: str, headers: Mapping[str, str]
) -> tuple[Handshake, requests.Response | None, list[Mismatch]]:
    """One GET on a connection with this SNI, which `requests` could not send: it takes SNI from the URL."""
    host = hostname.to_ascii(host)
    fields = {"Host": host if port == 443 else f"{host}:{port}", "Connection": "close", **headers}
    request = "".join([f"GET {path} HTTP/1.1\r\n", *(f"{key}: {value}\r\n" for key, value in fields.items()), "\r\n"])
    with server.connect(name, port=port) as connection:
        if not connection.handshake.ok:
            return connection.handshake, None, []
        try:
            connection.send(request.encode("ascii"))
            answer = connection.read_until_close()
            response = _response(f"https://{host}{path}", answer)
        except (ModsslError, http.client.HTTPException) as error:
            seen = f"none: {error or type(error).__name__}"
            return connection.handshake, None, [Mismatch(f"{_who(name)}: answer", "one", seen)]
        return connection.handshake, response, []


class _Received:
    """Bytes in the place of the socket that `http.client` reads an answer from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _response(url: str, answer: bytes) -> requests.Response:
    parsed = http.client.HTTPResponse(_Received(answer))  # type: ignore[arg-type]
    parsed.begin()
    response = requests.Response()
    response.url = url
    response.status_code = parsed.status
    response.reason = parsed.reason
    response.headers.update(parsed.headers.items())
    response.encoding = parsed.headers.get_content_charset("utf-8")
    response.raw = io.BytesIO(parsed.read())
    return response
