"""An OCSP responder at work: over HTTP, on this machine's loopback."""

from __future__ import annotations

import base64
import binascii
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import unquote

from cryptography.x509 import ocsp

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from pytest_modssl.pki.ca import CA

# A request about one certificate has some 100 bytes.
_LARGEST_REQUEST = 65536


class OcspResponder:
    """A running responder of a CA, to be used as a context manager: it answers as things stand with the CA.

    It is a thread of this process and ends with it at the latest. It listens on 127.0.0.1: a local httpd reaches it,
    one in a container does not, which `CA.ocsp_site` is for.

    Args:
        ca: the CA whose certificates it answers for.
        port: the port to listen on; 0 takes a free one.

    Raises:
        OSError: when the port is taken.
    """

    def __init__(self, ca: CA, *, port: int = 0) -> None:
        self._asked: list[int] = []
        self._ca = ca
        self._http = _Http(port, self._answer)
        # A request to end is seen after this many seconds at the latest.
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, name="pytest-modssl OCSP", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers: what a certificate names as `ocsp_url=`."""
        host, port = self._http.server_address[:2]
        return f"http://{host}:{port}/" if isinstance(host, str) else ""

    @property
    def asked(self) -> tuple[int, ...]:
        """Serial numbers of the certificates that were asked about, in order."""
        return tuple(self._asked)

    def _answer(self, request: bytes) -> bytes:
        response = self._ca.ocsp_response(request)
        if ocsp.load_der_ocsp_response(response).response_status is not ocsp.OCSPResponseStatus.MALFORMED_REQUEST:
            self._asked.append(ocsp.load_der_ocsp_request(request).serial_number)
        return response

    def close(self) -> None:
        """Ends it; doing so again does nothing."""
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, answer: Callable[[bytes], bytes]) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer


class _Handler(BaseHTTPRequestHandler):
    """OCSP over HTTP: RFC 6960 appendix A.1."""

    timeout = 10.0
    server: _Http

    def do_POST(self) -> None:
        """The request is the body."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > _LARGEST_REQUEST:
            self.send_error(400, "A request with a Content-Length is needed")
            return
        self._respond(self.rfile.read(int(size)))

    def do_GET(self) -> None:
        """The request is the path, in Base64."""
        try:
            request = base64.b64decode(unquote(self.path).lstrip("/"), validate=True)
        except binascii.Error:
            request = b""
        self._respond(request)

    def _respond(self, request: bytes) -> None:
        response = self.server.answer(request)
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
        """Says nothing: standard error belongs to pytest."""
