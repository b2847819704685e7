"""The HTTP sessions with a running server: those that a test has opened, and the one of the server's own methods."""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any

from pytest_modssl import http
from pytest_modssl.pki.blob import Blob

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests

    from pytest_modssl.http import FailedRequest
    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.client_files import ClientFiles
    from pytest_modssl.targets.server import Server


class Sessions:
    """The sessions with one server; what they ask and are answered is noted there."""

    def __init__(self, server: Server, files: ClientFiles) -> None:
        self._server = server
        self._files = files
        self._opened: list[requests.Session] = []
        self._held: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._own: requests.Session | None = None

    def open(
        self, *, client: LeafCert | None, trust: Sequence[bytes | Blob] | None, any_name: bool, **options: Any
    ) -> requests.Session:
        """A session; arguments as for `Server.session`."""
        server = self._server
        resolve = (lambda _scheme, _host, port: server.address(port)) if any_name else server.resolve
        roots = server.trust if trust is None else [one.bytes() if isinstance(one, Blob) else one for one in trust]
        session = http.open_session(
            resolve,
            trust=roots,
            client_certificate=None if client is None else self._files.certificate(client),
            on_response=functools.partial(self._note_response, client),
            on_failure=functools.partial(self._note_failure, client),
            recording=server.recording,
            **options,
        )
        self._opened.append(session)
        return session

    def _note_response(self, client: LeafCert | None, response: requests.Response) -> None:
        repeat = functools.partial(self._server.curl_command, response.request.url or "", client=client)
        self._server.note(response, repeat=repeat)

    def _note_failure(self, client: LeafCert | None, failed: FailedRequest) -> None:
        repeat = functools.partial(self._server.curl_command, failed.url, client=client)
        self._server.note(failed, repeat=repeat)

    @property
    def own(self) -> requests.Session:
        """That of the server's own methods, opened when it is first asked for."""
        if self._own is None:
            self._own = self.open(client=None, trust=None, any_name=False)
        return self._own

    def hang_up(self) -> None:
        """Closes the connections that are kept open."""
        for session in (*self._opened, *self._held):
            session.close()

    def end_test(self) -> None:
        """Closes all of them, and forgets the cookies of the server's own session.

        That one serves the next test too: it takes as long to make as a request (1 ms). The cookies of another belong
        to whoever holds it, which may be a fixture of several tests.
        """
        self.hang_up()
        if self._own is not None:
            self._own.cookies.clear()
        self._held.update(self._opened)
        self._opened.clear()

    def forget_own(self) -> None:
        """Has the server's own methods use another session, which trusts what the server's CAs are then."""
        self._own = None
