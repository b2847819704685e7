"""One request on a connection of its own, whose SNI need not be its `Host`: `requests` takes both from the URL."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

import requests

from pytest_modssl.errors import Mismatch, ModsslError
from pytest_modssl.http import responses_in
from pytest_modssl.tls import hostname

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake

# What httpd logs, at level error, where it refuses a `Host` that is not the connection's (421).
_MISDIRECTED = "AH02032"


def ask(
    server: Server,
    sni: str | None,
    host: str,
    *,
    port: int,
    path: str,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> tuple[Handshake, requests.Response | None, list[Mismatch]]:
    """The handshake, the answer to a GET (`None` where there is none) and what is wrong with the exchange itself.

    Further options are those of `Server.connect`.
    """
    host = hostname.to_ascii(host)
    fields = {"Host": host if port == 443 else f"{host}:{port}", "Connection": "close", **(headers or {})}
    request = "".join([f"GET {path} HTTP/1.1\r\n", *(f"{key}: {value}\r\n" for key, value in fields.items()), "\r\n"])
    with server.connect(sni, port=port, **options) as connection:
        if not connection.handshake.ok:
            return connection.handshake, None, []
        try:
            connection.send(request.encode("ascii"))
            answer = connection.read_until_close()
            response = responses_in(answer, f"https://{fields['Host']}{path}")[0]
        except (ModsslError, http.client.HTTPException) as error:
            seen = f"none: {error or type(error).__name__}"
            return connection.handshake, None, [Mismatch(f"{who(sni)}: answer", "one", seen)]
        server.note(response)
        return connection.handshake, response, []


def who(sni: str | None) -> str:
    """A client by the name that it sent, as messages have it."""
    return "no SNI" if sni is None else sni


def expect_refusal(server: Server, status: object) -> None:
    """Takes the error that httpd logs about a misdirected request for what is meant, where its status is."""
    if status == requests.codes.misdirected_request:
        server.log.expect(_MISDIRECTED)
