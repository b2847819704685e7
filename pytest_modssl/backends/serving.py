"""The stand-ins of a run: sockets in a folder, served by one thread, and what came in by them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import itertools
import socket
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from OpenSSL import SSL

from pytest_modssl import wait
from pytest_modssl.backends import ajp, gateway, http1
from pytest_modssl.backends.address import SCHEMES, BackendAddress
from pytest_modssl.backends.answer import Answer, page
from pytest_modssl.backends.received import BackendRequest
from pytest_modssl.backends.streams import EndedError, Plain
from pytest_modssl.backends.tls import Certificates, Session, Tls
from pytest_modssl.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from pytest_modssl.backends.answer import Answering, Exchange
    from pytest_modssl.backends.received import Body, Headers
    from pytest_modssl.backends.streams import Stream
    from pytest_modssl.pki import CA

REQUESTS: Final = 10_000
"""Requests that are kept, the newest."""

HEADS: Final = 67_108_864
"""Characters of header fields and variables that are kept in all: of more, the oldest requests are forgotten."""

BODIES: Final = 67_108_864
"""Bytes of bodies that are kept in all, until `Backends.clear`; later ones are read, and their size is told."""

_BACKLOG: Final = 128
_SERVE: Final[Mapping[str, Callable[[Stream, Exchange], Awaitable[None]]]] = {
    "http": http1.serve,
    "fcgi": gateway.serve_fastcgi,
    "scgi": gateway.serve_scgi,
    "uwsgi": gateway.serve_uwsgi,
    "ajp": ajp.serve,
}


class Backends:
    """Stand-ins for any number of back ends, to be used as a context manager.

    All sockets are served by one thread of this process, which ends with it at the latest. Whatever comes is kept, and
    answered by a page that tells which back end this is and what it received.

    Args:
        folder: where the sockets are made; it exists, and its path is short: a socket's has 107 bytes at most on Linux
            (unix(7)). Other accounts must be able to enter it where httpd's children run as one.
        ca: who issues the certificates of back ends that speak TLS.

    Attributes:
        ca: the same.
        folder: likewise.
    """

    def __init__(self, folder: Path, ca: CA) -> None:
        self.ca = ca
        self.folder = folder
        self._certificates = Certificates(ca)
        self._sockets: dict[BackendAddress, Path] = {}
        self._answers: list[tuple[BackendAddress | None, Answering]] = []
        self._lock = threading.Lock()
        self._requests: deque[BackendRequest] = deque()
        self._heads = 0
        self._room = BODIES
        self._numbers = itertools.count(1)
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._ended = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pytest-modssl back ends", daemon=True)
        self._thread.start()

    @property
    def sockets(self) -> Mapping[BackendAddress, Path]:
        """The socket of each back end that is served."""
        return dict(self._sockets)

    @property
    def requests(self) -> tuple[BackendRequest, ...]:
        """What came in since `clear`, in order: the last 10,000, fewer where their heads are huge (64 MB in all)."""
        with self._lock:
            return tuple(self._requests)

    def serve(self, backend: BackendAddress | str) -> Path:
        """The socket of a stand-in for this back end, which answers from now on; the same one for the same back end.

        Args:
            backend: its address, or a URL with it.

        Raises:
            BackendError: there is no stand-in for its scheme, or no socket can be made in the folder.
        """
        address = BackendAddress.parse(backend) if isinstance(backend, str) else backend
        if address not in self._sockets:
            path = self.folder / f"{len(self._sockets)}.sock"
            listener = _listener(path)
            self._sockets[address] = path
            asyncio.run_coroutine_threadsafe(self._start(address, listener), self._loop).result()
        return self._sockets[address]

    def received(self, backend: BackendAddress | str | None = None) -> tuple[BackendRequest, ...]:
        """What one back end received since `clear`, in order; what all did, for `None`.

        Raises:
            BackendError: none of the stand-ins is for this back end.
        """
        address = self._known(backend)
        return tuple(one for one in self.requests if address in {None, one.backend})

    def wait_for(
        self,
        backend: BackendAddress | str | None = None,
        *,
        condition: Callable[[BackendRequest], bool] = lambda _: True,
        seconds: float = 5.0,
    ) -> BackendRequest:
        """The newest request since `clear` that a back end received and that fulfils a condition, once there is one.

        Args:
            backend: which back end; `None` for any.
            condition: what must be true of the request.
            seconds: deadline.

        Raises:
            WaitTimeoutError: none came.
            BackendError: none of the stand-ins is for this back end.
        """
        self._known(backend)

        def newest() -> BackendRequest | None:
            return next((one for one in reversed(self.received(backend)) if condition(one)), None)

        return wait.until(newest, seconds=seconds, what=f"a request to {backend or 'a back end'}")

    @contextlib.contextmanager
    def answering(self, answer: Answering, *, backend: BackendAddress | str | None = None) -> Iterator[None]:
        """Within it, a back end answers so; of several the innermost counts.

        Args:
            answer: an answer, or a function that makes one of the request.
            backend: which back end; `None` for all.

        Raises:
            BackendError: none of the stand-ins is for this back end.
        """
        rule = self._known(backend), answer
        self._answers.append(rule)
        try:
            yield
        finally:
            self._answers.remove(rule)

    def clear(self) -> None:
        """Forget what came in."""
        with self._lock:
            self._requests.clear()
            self._heads, self._room = 0, BODIES

    def close(self) -> None:
        """Ends all of it and removes the sockets; doing so again does nothing."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            for path in self._sockets.values():
                path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Backends: {', '.join(map(str, self._sockets)) or 'none'}>"

    def _known(self, backend: BackendAddress | str | None) -> BackendAddress | None:
        address = BackendAddress.parse(backend) if isinstance(backend, str) else backend
        if address is not None and address not in self._sockets:
            known = ", ".join(map(str, self._sockets)) or "none"
            raise BackendError(f"there is no stand-in for the back end {address}; there are: {known}")
        return address

    async def _start(self, address: BackendAddress, listener: socket.socket) -> None:
        self._servers.append(await asyncio.start_unix_server(partial(self._connection, address), sock=listener))

    async def _end(self) -> None:
        self._ended = True
        for listener in (one for server in self._servers for one in server.sockets):
            self._loop.remove_reader(listener)
        # asyncio never closes what it accepted where the server is closed before the next round (CPython 3.11).
        await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        # Some may be asyncio's, for a connection that it has accepted and not yet handed over: none is cancelled.
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.wait(tasks)
        # What was aborted last is closed in the next round of the loop.
        await asyncio.sleep(0)

    async def _connection(
        self, address: BackendAddress, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        try:
            if not self._ended:
                # What is odd ends its connection, as it does at a real back end, and nothing else.
                with contextlib.suppress(EndedError, OSError, SSL.Error):
                    await self._speak(address, Plain(reader, writer))
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _speak(self, address: BackendAddress, plain: Plain) -> None:
        scheme = SCHEMES[address.scheme]
        serve, number = _SERVE[scheme.protocol], next(self._numbers)
        if not scheme.tls:
            await serve(plain, partial(self._exchange, address, number, Session()))
            return
        tls = Tls(plain, self._certificates.context(address.host))
        session = await tls.shake()
        await serve(tls, partial(self._exchange, address, number, session))
        await tls.end()

    def _exchange(
        self,
        address: BackendAddress,
        connection: int,
        session: Session,
        *,
        method: str,
        path: str,
        protocol: str,
        headers: Headers,
        body: Body,
        variables: Mapping[str, str] | None = None,
    ) -> Answer:
        backend = self._meant(address, headers)
        with self._lock:
            kept = bytes(body.kept) if len(body.kept) <= self._room else b""
            self._room -= len(kept)
            request = BackendRequest(
                backend=backend,
                method=method,
                path=path,
                protocol=protocol,
                headers=headers,
                body=kept,
                size=body.size,
                variables=variables or {},
                sni=session.sni,
                tls=session.tls,
                client_certificate=session.client_certificate,
                client_subject=session.client_subject,
                connection=connection,
                time=dt.datetime.now(dt.timezone.utc),
            )
            self._requests.append(request)
            self._heads += _head_size(request)
            while len(self._requests) > REQUESTS or self._heads > HEADS:
                self._heads -= _head_size(self._requests.popleft())
        for one, answer in reversed(self._answers):
            if one in {None, address, backend}:
                return answer if isinstance(answer, Answer) else answer(request)
        return page(request)

    def _meant(self, address: BackendAddress, headers: Headers) -> BackendAddress:
        """Whose request it is that came to a back end; one whose name varies gets others' too.

        A worker whose host has a back reference takes every URL that it matches, and all of them to its own socket
        (measured on httpd 2.4.71).
        """
        if not address.varies or "Host" not in headers:
            return address
        try:
            named = BackendAddress.parse(f"{address.scheme}://{headers['Host']}")
        except BackendError:  # a Host that is none
            return address
        return named if named in self._sockets else address


def _head_size(request: BackendRequest) -> int:
    pairs = (*request.headers.fields, *request.variables.items())
    return len(request.path) + sum(len(name) + len(value) for name, value in pairs)


def _listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        # httpd's children are another account's where root starts it.
        path.chmod(0o666)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise BackendError(
            f"the socket {path} of a stand-in cannot be made: {error}. It needs a folder that exists, and a path of "
            f"107 bytes at most on Linux, 103 elsewhere; this one has {len(str(path).encode())}"
        ) from None
    return listener
