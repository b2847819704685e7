"""The virtual hosts of a configuration by their names, found as httpd finds them."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.repo.hosts import RepoHost

_WILD = re.compile(r"[*?]")
# What stands for a wildcard where one name is to be asked for; a label of its own, that no configuration has.
_ANY = "any-name"


@dataclass(frozen=True)
class Hosts:
    """All virtual hosts of a configuration, in the order in which httpd reads them."""

    all: tuple[RepoHost, ...]

    def __iter__(self) -> Iterator[RepoHost]:
        return iter(self.all)

    def serving(self, name: str, port: int) -> RepoHost | None:
        """The virtual host that has a name at a port of URLs; `None` where none has it.

        It is the first one that has it (server/vhost.c, update_server_from_aliases). Where a default host would answer
        to an unknown name, that is none.
        """
        return self._by_port.find(name, port)

    def at_port(self, name: str, reached: int) -> RepoHost | None:
        """The same at a port of the server: hosts with addresses of their own are at different ones."""
        return self._reached.find(name, reached)

    def over_tls(self, name: str) -> RepoHost | None:
        """The virtual host that has a name over TLS, at the usual port first; `None` where none has."""
        return next(filter(None, (self.serving(name, port) for port in self._tls_ports)), None)

    def at(self, url: str) -> RepoHost | None:
        """The virtual host that a URL leads to; `None` where it leads out of the configuration."""
        parts = urlsplit(url)
        usual = 443 if parts.scheme == "https" else 80
        return self.serving(parts.hostname or "", parts.port or usual)

    @cached_property
    def _by_port(self) -> _Names:
        return _Names([(host, host.port) for host in self.all])

    @cached_property
    def _reached(self) -> _Names:
        return _Names([(host, host.reached) for host in self.all])

    @cached_property
    def _tls_ports(self) -> tuple[int, ...]:
        ports = {host.port for host in self.all if host.tls}
        return tuple(sorted(ports, key=lambda port: (port != 443, port)))


class _Names:
    """Virtual hosts by name and port, in their order."""

    def __init__(self, hosts: Sequence[tuple[RepoHost, int]]) -> None:
        self._hosts = hosts
        self._exact: dict[tuple[str, int], int] = {}
        self._wild: dict[int, list[tuple[int, re.Pattern[str]]]] = {}
        for index, (host, port) in enumerate(hosts):
            for name in map(str.lower, host.names):
                if _WILD.search(name):
                    self._wild.setdefault(port, []).append((index, re.compile(fnmatch.translate(name))))
                else:
                    self._exact.setdefault((name, port), index)

    def find(self, name: str, port: int) -> RepoHost | None:
        name = name.lower()
        found = self._exact.get((name, port), len(self._hosts))
        wild = (index for index, pattern in self._wild.get(port, ()) if index < found and pattern.match(name))
        found = next(wild, found)
        return self._hosts[found][0] if found < len(self._hosts) else None


def example(name: str) -> str:
    """A name that a client may ask for: the name itself, or one that a wildcard stands for.

    `*` and `?` are those of ServerAlias (httpd manual): any number of characters, and one.
    """
    return name.replace("*", _ANY).replace("?", "x")


def certifiable(name: str) -> bool:
    """Whether a certificate can cover all that a name stands for, but for further labels of a wildcard.

    A wildcard of a certificate is a whole left-most label (RFC 9525 section 6.3).
    """
    return _WILD.search(name.removeprefix("*.")) is None
