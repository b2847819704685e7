"""That a URL wants a client certificate, and that it was demanded, shown and verified for the request that got in."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from pytest_modssl.asserts._collect import compare, require
from pytest_modssl.errors import EnvironmentPageError, Mismatch
from pytest_modssl.http import ASK, environment_of_headers
from pytest_modssl.httpd.variables import GROUPS
from pytest_modssl.tls.demand import PROTOCOLS, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_modssl.asserts._collect import Expected
    from pytest_modssl.http import SslEnvironment
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls import Exchange
    from pytest_modssl.tls.demand import How

_VERDICT = "SSL_CLIENT_VERIFY"
_SERIAL = "SSL_CLIENT_M_SERIAL"
# What httpd logs, at info and debug, when it demands a certificate for one request, and at debug for every request over
# TLS (ssl_engine_kernel.c of httpd 2.4.71): without the latter its log is set to tell less.
_LOGGED: dict[How, str] = {"renegotiation": "AH02221", "post-handshake": "AH10129"}
_REQUEST = "AH02034"
_REFUSALS = (401, 403)
_PORT = 443


def assert_client_certificate(
    server: Server,
    url: str,
    *,
    client: LeafCert,
    how: How | None = None,
    required: bool = True,
    refused: Sequence[LeafCert] = (),
    status: Expected = 200,
    protocol: str | None = None,
    post_handshake_auth: bool = True,
    **expected: Expected,
) -> Exchange:
    """The answer to a GET of `url` by a client whose certificate the server demanded and verified for that request.

    A status alone proves nothing: the same request is sent with the certificate, without any, and with each that must
    be refused, over a connection each. How the certificate was demanded is seen by the client, in the records of the
    connection, and in the server's log; that it was verified, in the variables of the very request.

    Args:
        server: the server to look at.
        url: `https:`, with the names and ports of the configuration.
        client: the certificate that must be accepted.
        how: when it must be demanded last: "handshake" (`SSLVerifyClient` in the virtual host), "renegotiation" (in a
            location, up to TLS 1.2) or "post-handshake" (in a location, TLS 1.3).
        required: whether a client without a certificate must be refused; else it must be answered as the others are.
        refused: certificates that must not be accepted.
        status: of the answer to a client that is let in, or a function of it.
        protocol: the one protocol to speak; by default TLSv1.2 for "renegotiation", else the newest of both sides.
        post_handshake_auth: whether the client says that it can be asked after the handshake (TLS 1.3), as curl and
            `requests` do; browsers do not.
        expected: values of further variables of the request, as for `assert_ssl_env` with `via="header"`.
            `SSL_CLIENT_VERIFY` must be "SUCCESS" unless it is among them.

    Raises:
        ModsslAssertionError: with every mismatch, the server's log and the commands that repeat the requests.
        ValueError: for a URL that is not of `https:`, or a variable that headers do not show.
        UnknownHostError: for a name and port that no virtual host has.
    """
    __tracebackhide__ = True
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"{url!r} is no https: URL, and clients show certificates by TLS alone")
    server.resolve("https", parts.hostname, parts.port or _PORT)
    unknown = [name for name in expected if not any(name in group for group in GROUPS)]
    if unknown:
        raise ValueError(f"headers do not show {', '.join(unknown)}: read it with assert_ssl_env(..., session=...)")
    asked = [
        _ask(server, url, one, protocol=protocol or PROTOCOLS.get(how or "handshake"), pha=post_handshake_auth)
        for one in (client, None, *refused)
    ]
    with_it, without, *wrong = asked
    outcomes = [
        [*_admitted(with_it, status), *_verified(with_it, client, expected)],
        list(_refused(without)) if required else _admitted(without, status),
        *(list(_refused(one)) for one in wrong),
    ]
    for one, outcome in zip(asked, outcomes, strict=True):
        if not outcome:
            # What was wanted is no evidence of a fault, nor are the server's words about a refusal that was.
            server.accept([one.exchange])
            if one.exchange.status is None or one.exchange.status in _REFUSALS:
                server.log.expect(*(record.raw for record in one.logged))
    found = [[*outcome, *_demanded(one, how)] for one, outcome in zip(asked, outcomes, strict=True)]
    odd = [one for one, mismatches in zip(asked, found, strict=True) if mismatches]
    require(
        server,
        f"client certificate for {url}",
        [mismatch for mismatches in found for mismatch in mismatches],
        seen=[shown for one in odd for shown in (one.exchange, one.exchange.handshake.transcript)],
        commands=server.commands()[-len(asked) :],
    )
    return with_it.exchange


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request, the certificate that came with it, what came of it, and what the server logged meanwhile."""

    shown: LeafCert | None
    url: str
    exchange: Exchange
    logged: tuple[LogRecord, ...]

    @property
    def who(self) -> str:
        if self.shown is None:
            return "without a certificate"
        return f"with {self.shown.certificate.subject.rfc4514_string()}"

    @property
    def environment(self) -> SslEnvironment:
        return environment_of_headers(self.url, self.exchange.status or 0, self.exchange.headers)


def _ask(server: Server, url: str, client: LeafCert | None, *, protocol: str | None, pha: bool) -> _Asked:
    # `requests` encodes names and paths that are not ASCII.
    prepared = requests.Request("GET", url).prepare()
    parts = urlsplit(str(prepared.url))
    fields = {"Host": parts.netloc, **ASK, "Connection": "close"}
    head = [f"GET {prepared.path_url} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    request = "".join(f"{line}\r\n" for line in [*head, ""])
    before = len(server.log.records)
    exchange = server.speak(
        parts.hostname,
        request.encode("ascii"),
        port=parts.port or _PORT,
        protocol=protocol,
        client=client,
        post_handshake_auth=pha,
    )
    # httpd logs why it refused something after the client has seen that it did.
    server.instance.settle()
    return _Asked(client, url, exchange, server.log.records[before:])


def _admitted(asked: _Asked, status: Expected) -> list[Mismatch]:
    seen = asked.exchange
    if seen.status is None:
        return [Mismatch(f"{asked.who}: answer", "one", f"none: {seen.handshake.error or seen.error}")]
    return compare(f"{asked.who}: status", status, seen.status)


def _refused(asked: _Asked) -> Iterator[Mismatch]:
    seen = asked.exchange
    alerted = any(alert.fatal for alert in seen.handshake.alerts_received)
    if seen.status is not None and seen.status not in _REFUSALS:
        yield Mismatch(f"{asked.who}: refusal", "an alert, or status 401 or 403", f"status {seen.status}")
    elif seen.status is None and not alerted:
        yield Mismatch(f"{asked.who}: refusal", "an alert, or status 401 or 403", f"{seen.handshake.error}")


def _demanded(asked: _Asked, how: How | None) -> Iterator[Mismatch]:
    """What is wrong with the way of the demand, as the client saw it and as the server logged it."""
    demands = asked.exchange.handshake.demands
    ways = [one.how for one in demands]
    what = f"{asked.who}: demand"
    if asked.shown is not None and demands and not demands[-1].answered:
        yield Mismatch(f"{asked.who}: certificate", "it to be sent", "none sent")
    if how is None:
        if not ways:
            yield Mismatch(what, "one", "none")
        return
    if ways[-1:] != [how]:
        yield Mismatch(what, WORDS[how], ", then ".join(WORDS[one] for one in ways) or "none")
    numbers = {one.ah for one in asked.logged}
    if _REQUEST in numbers:
        logged = [way for way, number in _LOGGED.items() if number in numbers]
        wanted = [how] if how in _LOGGED else []
        if logged != wanted:
            told = [" and ".join(f"{_LOGGED[one]} ({one})" for one in ways) or "none" for ways in (wanted, logged)]
            yield Mismatch(f"{what} in the log", *told)


def _verified(asked: _Asked, client: LeafCert, expected: Mapping[str, Expected]) -> Iterator[Mismatch]:
    """What the variables of the request say otherwise; nothing where there was no answer to have them."""
    if asked.exchange.status is None:
        return
    try:
        seen = asked.environment
    except (EnvironmentPageError, http.client.HTTPException) as error:
        yield Mismatch("variables of the request", "those of mod_ssl", str(error))
        return
    for name, value in {_VERDICT: "SUCCESS", **expected}.items():
        yield from compare(name, value, seen.get(name))
    serial = f"{client.certificate.serial_number:X}"
    if _SERIAL not in expected and seen.get(_SERIAL, "").lstrip("0") != serial:
        yield Mismatch(_SERIAL, repr(serial), repr(seen.get(_SERIAL)))
