"""HTTP/1.1 as a back end speaks it (RFC 9112), and the upgrade to a WebSocket (RFC 6455 section 4.2)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import h11

from pytest_modssl.backends.answer import SWITCHING
from pytest_modssl.backends.received import HEAD_LIMIT, Body, Headers, text

if TYPE_CHECKING:
    from pytest_modssl.backends.answer import Answer, Exchange
    from pytest_modssl.backends.streams import Stream

# RFC 6455 section 1.3.
_WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def serve(stream: Stream, exchange: Exchange) -> None:
    """Answers the requests of one connection until it ends."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)
    try:
        while await _one(connection, stream, exchange):
            connection.start_next_cycle()
    except h11.RemoteProtocolError as error:
        if connection.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            told = str(error).encode()
            fields = [("content-length", str(len(told))), ("connection", "close")]
            refusal = h11.Response(status_code=error.error_status_hint, headers=fields)
            await _send(connection, stream, refusal, h11.Data(told), h11.EndOfMessage())


async def _one(connection: h11.Connection, stream: Stream, exchange: Exchange) -> bool:
    """Whether another request may follow."""
    request, body = None, Body()
    while not isinstance(event := await _next(connection, stream), h11.EndOfMessage):
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body.add(event.data)
        else:
            return False
    if request is None:
        return False
    headers = Headers((text(name), text(value)) for name, value in request.headers.raw_items())
    answer = exchange(
        method=text(request.method),
        path=text(request.target),
        protocol=f"HTTP/{text(request.http_version)}",
        headers=headers,
        body=body,
    )
    if answer.status == SWITCHING:
        await _switch(connection, stream, headers)
        return False
    await _send(connection, stream, *_events(answer, head=request.method == b"HEAD"))
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE


async def _next(connection: h11.Connection, stream: Stream) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        if connection.they_are_waiting_for_100_continue:
            await _send(connection, stream, h11.InformationalResponse(status_code=100, headers=[]))
        connection.receive_data(await stream.receive())
    return event


def _events(answer: Answer, *, head: bool) -> list[h11.Event]:
    fields = [(name.encode("utf-8"), value.encode("utf-8")) for name, value in answer.fields]
    response = h11.Response(status_code=answer.status, headers=fields, reason=answer.reason.encode())
    return [response, h11.Data(b"" if head else answer.content), h11.EndOfMessage()]


async def _send(connection: h11.Connection, stream: Stream, *events: h11.Event) -> None:
    await stream.send(b"".join(connection.send(one) or b"" for one in events))


async def _switch(connection: h11.Connection, stream: Stream, headers: Headers) -> None:
    """The upgrade that was asked for; what then comes is read to its end and not understood."""
    key = headers.get("Sec-WebSocket-Key", "").encode()
    accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET, usedforsecurity=False).digest())
    fields = [("Upgrade", headers.get("Upgrade", "websocket")), ("Connection", "Upgrade")]
    fields.append(("Sec-WebSocket-Accept", accept.decode()))
    await _send(connection, stream, h11.InformationalResponse(status_code=SWITCHING, headers=fields))
    while await stream.receive():
        pass
