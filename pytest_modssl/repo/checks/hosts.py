"""The virtual hosts of a configuration by their names, found as httpd finds them."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        """The virtual host that has a name at a port: the first one (server/vhost.c, update_server_from_aliases).

        `None` where none has it, also where a default host would answer.
        """
        name = name.lower()
        found = self._exact.get((name, port))
        wild = next((index for index, pattern in self._wild.get(port, ()) if pattern.match(name)), None)
        index = min((one for one in (found, wild) if one is not None), default=None)
        return None if index is None else self.all[index]

    def over_tls(self, name: str) -> RepoHost | None:
        """The virtual host that has a name over TLS, at the usual port first; `None` where none has."""
        return next(filter(None, (self.serving(name, port) for port in self._tls_ports)), None)

    def at(self, url: str) -> RepoHost | None:
        """The virtual host that a URL leads to; `None` where it leads out of the configuration."""
        parts = urlsplit(url)
        usual = 443 if parts.scheme == "https" else 80
        return self.serving(parts.hostname or "", parts.port or usual)

    @cached_property
    def _exact(self) -> dict[tuple[str, int], int]:
        found: dict[tuple[str, int], int] = {}
        for index, host in enumerate(self.all):
            for name in host.names:
                found.setdefault((name.lower(), host.port), index)
        return found

    @cached_property
    def _wild(self) -> dict[int, list[tuple[int, re.Pattern[str]]]]:
        found: dict[int, list[tuple[int, re.Pattern[str]]]] = {}
        for index, host in enumerate(self.all):
            for name in filter(_WILD.search, host.names):
                found.setdefault(host.port, []).append((index, re.compile(fnmatch.translate(name.lower()))))
        return found

    @cached_property
    def _tls_ports(self) -> tuple[int, ...]:
        ports = {host.port for host in self.all if host.tls}
        return tuple(sorted(ports, key=lambda port: (port != 443, port)))


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
