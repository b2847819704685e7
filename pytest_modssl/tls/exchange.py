"""A request spoken by hand over TLS, and what came back, byte for byte."""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import dataclass, field
from http.client import HTTPMessage, parse_headers
from typing import TYPE_CHECKING

from pytest_modssl.errors import TlsError, WaitTimeoutError
from pytest_modssl.tls.client import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from pytest_modssl.tls.context import ConnectOptions
    from pytest_modssl.tls.handshake import Handshake

_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})")
_SHOWN_BYTES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was sent and received as application data of one TLS connection.

    Attributes:
        handshake: of the connection; its transcript has every record.
        request: as sent.
        reply: as received, up to the end of the connection.
        error: why the reply has no proper end; empty where it has.
    """

    handshake: Handshake
    request: bytes = field(repr=False)
    reply: bytes = field(repr=False)
    error: str = ""

    @property
    def close_notify(self) -> bool:
        """Whether the server ended TLS before it ended TCP, as RFC 8446 section 6.1 asks of it."""
        return any(alert.name == "close_notify" for alert in self.handshake.alerts_received)

    @property
    def status(self) -> int | None:
        """The status of the answer; `None` where it is none of HTTP."""
        match = _STATUS.match(self.reply)
        return None if match is None else int(match[1])

    @property
    def status_line(self) -> str:
        """The first line of the answer."""
        return self.reply.partition(b"\n")[0].rstrip(b"\r").decode("ascii", "backslashreplace")

    @property
    def headers(self) -> HTTPMessage:
        """The header fields of the answer; none where it is none of HTTP.

        Raises:
            http.client.HTTPException: where there are more, or longer ones, than `http.client` reads.
        """
        return parse_headers(io.BytesIO(self.reply.partition(b"\n")[2] if self.status is not None else b""))

    @property
    def target(self) -> str:
        """What the request line asks for: the path and query of a URL; empty where the request has none of HTTP."""
        words = self.request.partition(b"\n")[0].split()
        return words[1].decode("ascii", "backslashreplace") if len(words) > 1 else ""

    def __str__(self) -> str:
        sent = [f"  > {line!r}"[:120] for line in _lines(self.request)]
        came = [f"  < {line!r}"[:120] for line in _lines(self.reply[:_SHOWN_BYTES].partition(b"\r\n\r\n")[0])]
        return "\n".join([str(self.handshake), *sent, *(came or ["  < nothing"]), *filter(None, [self.error])])


def speak(
    address: tuple[str, int], server_name: str | None, request: bytes, **options: Unpack[ConnectOptions]
) -> Exchange:
    """Connects, sends bytes, and reads until the server closes.

    Args:
        address: host and port to connect to.
        server_name: name for SNI; `None` sends none.
        request: what is sent once the handshake is done, as it is.
        options: as for `connect`.
    """
    reply, error = b"", ""
    with connect(address, server_name, **options) as connection:
        if connection.handshake.ok:
            try:
                connection.send(request)
                reply = connection.read_until_close()
            except (TlsError, WaitTimeoutError) as caught:
                error = str(caught)
        else:
            error = f"the handshake failed: {connection.handshake.error}"
    return Exchange(handshake=connection.handshake, request=request, reply=reply, error=error)


def piped(request: bytes, s_client: Sequence[str]) -> list[str]:
    """The shell's command line that sends the same bytes by an `openssl s_client` call, and prints the answer.

    The answer comes without what s_client says itself; it waits for the end of the connection (s_client(1), -quiet).
    """
    octets = "".join(chr(one) if 32 <= one < 127 and one not in b"\\%'" else f"\\{one:03o}" for one in request)
    argv = [one for one in s_client if one != "-state"]
    return ["sh", "-c", f"printf '{octets}' | {shlex.join([*argv, '-quiet'])}"]


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)
