"""TLS of the standard library whose records somebody sees: over memory, on a socket that is recorded.

`ssl.SSLSocket` reads and writes its descriptor itself, so that nothing else sees what goes over the wire. An
`ssl.SSLObject` leaves that to whoever drives it; urllib3 has one who does, for TLS within TLS.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from urllib3.util.ssltransport import SSLTransport

if TYPE_CHECKING:
    import socket

    from pytest_modssl.recording import Recording


class RecordedTls(SSLTransport):
    """A connection that tells of itself what `ssl.SSLSocket` does."""

    @property
    def session_reused(self) -> bool | None:
        """Whether the session was resumed."""
        return self.sslobj.session_reused


class _Context(ssl.SSLContext):
    def wrap_socket(  # type: ignore[override]  # what drives the TLS object is no `SSLSocket`
        self, sock: socket.socket, *_: Any, server_hostname: str | None = None, **__: Any
    ) -> RecordedTls:
        try:
            return RecordedTls(sock, self, server_hostname)
        except BaseException:
            sock.close()  # as `SSLContext.wrap_socket` does
            raise


def recorded_context(recording: Recording) -> ssl.SSLContext:
    """The context of a client whose connections are on recorded sockets, and whose key log goes with them."""
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.keylog_filename = str(recording.key_file)
    return context
