"""Where clients find a running server: at its own addresses, or at those of a relay that keeps what is sent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_modssl.capture import Capture
from pytest_modssl.errors import CaptureError, ModsslError, UnknownHostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_modssl.capture import Stream
    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.targets.base import Instance


class Reach:
    """The addresses of a server by the ports and names of its configuration, and what was captured on the way to them.

    Attributes:
        asked: whether anybody has asked for one since the test began.
    """

    def __init__(self, instance: Instance, config: Callable[[], Configuration]) -> None:
        self._instance = instance
        self._config = config
        self._captures: list[Capture] = []
        self._capture: Capture | None = None
        self._earlier = 0  # of its connections, those before the test began
        self.asked = False

    def listening(self, port: int) -> tuple[str, int]:
        """Where httpd itself listens for a port of the configuration.

        Raises:
            UnknownHostError: when the configuration does not listen on that port.
        """
        found = self._instance.address(port)
        if found is None:
            ports = ", ".join(map(str, self._config().listen)) or "none"
            raise UnknownHostError(f"port {port}: this server's configuration listens on {ports}")
        self.asked = True
        return found

    def address(self, port: int) -> tuple[str, int]:
        """Where clients connect for a port of the configuration; errors as for `listening`."""
        found = self.listening(port)
        return found if self._capture is None else self._capture.address(port, found)

    def port(self, name: str | None, port: int) -> int:
        """The port of the configuration at which a name is: the one asked for, where no virtual host has the name."""
        found = None if name is None else self._config().port_of(name, port)
        return port if found is None else found

    def at(self, name: str | None, port: int) -> tuple[str, int]:
        """Where clients connect for a name and port; errors as for `listening`."""
        return self.address(self.port(name, port))

    def resolve(self, scheme: str, host: str, port: int) -> tuple[str, int]:
        """Where clients connect for a URL.

        Raises:
            UnknownHostError: for a name that no virtual host of that port has, with those that there are.
        """
        config = self._config()
        found = config.port_of(host, port)
        if found is None:
            known = ", ".join(f"{one.name}:{one.port}" for one in config.virtual_hosts) or "none"
            raise UnknownHostError(
                f"no virtual host serves {scheme}://{host}:{port}; there are: {known}. "
                "To reach the default host by another name, ask for a session with any_name=True"
            )
        return self.address(found)

    @contextlib.contextmanager
    def capture(self) -> Iterator[Capture]:
        """A block in which clients reach the server through relays.

        Raises:
            ModsslError: there is such a block already.
        """
        if self._capture is not None:
            raise ModsslError("this server's connections are being captured already: one block at a time")
        self._capture = Capture()
        self._captures.append(self._capture)
        try:
            yield self._capture
        finally:
            self._capture.close()
            self._capture = None

    @property
    def captured(self) -> tuple[Stream, ...]:
        """Every connection that was captured since the test began."""
        return self._streams[self._earlier :]

    @property
    def _streams(self) -> tuple[Stream, ...]:
        return tuple(stream for one in self._captures for stream in one.streams)

    @property
    def ports(self) -> dict[tuple[str, int], int]:
        """The port of the configuration that each address stands for, those of relays too."""
        found = {self._instance.address(port): port for port in self._config().ports}
        own = {address: port for address, port in found.items() if address is not None}
        return own | {address: port for one in self._captures for address, port in one.ports.items()}

    def forget(self) -> None:
        """Begins anew, for another test; a capture that is open goes on."""
        self._captures[:] = [] if self._capture is None else [self._capture]
        with contextlib.suppress(CaptureError):  # told to those who ask for what was captured
            self._earlier = len(self._streams)
        self.asked = False
