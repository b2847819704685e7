"""What a target can serve: a configuration that a test wrote (`ServerConfig`), one of a repository (`RepoConfig`)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_modssl.httpd.config import VirtualHost
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Place, Rendered
    from pytest_modssl.httpd.snippet import Origin


class Configuration(Protocol):
    """A configuration that a target can serve; an immutable value."""

    @property
    def virtual_hosts(self) -> Sequence[VirtualHost]:
        """In the order in which httpd reads them: the first of a port is its default host."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of the virtual hosts, each once, in order."""
        ...

    @property
    def listen(self) -> Sequence[int]:
        """The ports that it listens on."""
        ...

    @property
    def ports(self) -> Sequence[int]:
        """Every port of the configuration, each once: those of `listen`, then those that virtual hosts alone have."""
        ...

    @property
    def trust(self) -> tuple[bytes, ...]:
        """PEM of the roots that a client of its server trusts."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over all that goes into the server, as 64 hex digits: equal digests can share a running server."""
        ...

    @property
    def origin(self) -> Origin | None:
        """Where it was made."""
        ...

    def port_of(self, name: str, port: int) -> int | None:
        """The one of `ports` at which clients find a name and port of a URL; `None` where no virtual host serves it.

        It is another one where virtual hosts have addresses of their own: a server of a test has one address, and a
        port of its own for each further one.
        """
        ...

    def render(self, installation: Installation, place: Place) -> Rendered:
        """Its files for a place on an httpd.

        Raises:
            MissingModuleError: when it needs a module that the httpd does not have.
        """
        ...


def digest_of(parts: Iterable[str | bytes]) -> str:
    """SHA-256 over parts, each told apart from the next, as 64 hex digits."""
    sha = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.hexdigest()
