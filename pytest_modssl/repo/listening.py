"""Which port of a server stands for each address and port of a repository's configuration.

A server of a test has one address. Virtual hosts on `*` keep their port; those on an address of their own keep it too,
where no other wants it, and have one that is free otherwise, so that each set of hosts is reached as it is deployed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_modssl.repo.reader import Placed

ANY = "*"
# Names of all addresses (manual, <VirtualHost> and Listen).
_ALL = frozenset({"", "*", "_default_", "0.0.0.0", "[::]", "::"})  # noqa: S104 - what a configuration may say
_ADDRESS = re.compile(r"(?:(?P<host>\[[^\]]*\](?:%\w+)?|[^:]*):)?(?P<port>\d+)")
_FIRST_FURTHER = 40001
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Listen:
    """A `Listen` as configured: its address, host (`*` for all), port, and the protocol word, or ""."""

    address: str
    host: str
    port: int
    protocol: str
    placed: Placed


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a server.

    Attributes:
        of: by host and port as configured.
        listens: every `Listen`.
        named: host and port of each `<VirtualHost>` that says a port.
        further: ports that only a `Listen` on all addresses covers, and so no line of the configuration names.
        bare: host and port of virtual hosts without SSLEngine: what their `Listen` says counts.
    """

    of: Mapping[tuple[str, int], int]
    listens: tuple[Listen, ...]
    further: tuple[int, ...]
    named: frozenset[tuple[str, int | None]] = frozenset()
    bare: frozenset[tuple[str, int]] = frozenset()

    @property
    def listening(self) -> tuple[int, ...]:
        """Those that the server listens on."""
        return tuple(dict.fromkeys([*(self.of[one.host, one.port] for one in self.listens), *self.further]))

    def standing_for(self, address: str) -> tuple[tuple[str, int, int], ...]:
        """Host, port as configured and port of the server for an address of `<VirtualHost>`; several without a port.

        Without one it stands for the ports that no other of its host names: those come first (manual, vhosts/details).
        """
        host, port = split_address(address)
        if port is not None:
            return ((host, port, self.of.get((host, port), port)),)
        return tuple(
            (host, number, self.of.get((host, number), number))
            for number in dict.fromkeys(one.port for one in self.listens if one.host in (host, ANY) or host == ANY)
            if (host, number) not in self.named
        )

    def is_listened_to(self, host: str, port: int) -> bool:
        """Whether a `Listen` has this very address: then what is at it has the protocol of that.

        httpd compares addresses: `Listen 443` says nothing of `<VirtualHost 192.0.2.10:443>`, nor the reverse
        (server/listen.c, `ap_setup_listeners`; measured with httpd 2.4.71).
        """
        return any((one.host, one.port) == (host, port) for one in self.listens)

    def by_listen(self, number: int) -> str:
        """The protocol that virtual hosts without SSLEngine at a port of the server have of a `Listen`, else ""."""
        there = (one for one in self.bare if self.of.get(one) == number and self.is_listened_to(*one))
        return next((self.protocol(port) for _, port in there), "")

    @property
    def implicit(self) -> bool:
        """Whether a virtual host without SSLEngine speaks TLS, as its `Listen` says so."""
        return any(self.is_listened_to(*one) and self.protocol(one[1]) == "https" for one in self.bare)

    def protocol_at(self, number: int) -> str:
        """What a `Listen` for a port of the server has to say.

        It is on the address of its hosts in a container, and must say nothing of those that it says nothing of.
        """
        port = next(port for (_, port), one in self.of.items() if one == number)
        silent = any(self.of.get(one) == number for one in self.bare) and not self.by_listen(number)
        return "http" if silent else self.protocol(port)

    def protocol(self, port: int) -> str:
        """The protocol of a port as configured: that of its `Listen`, else https for 443 (manual, Listen)."""
        said = next((one.protocol for one in self.listens if one.port == port and one.protocol), "")
        return said.lower() or ("https" if port == 443 else "http")


def split_address(text: str) -> tuple[str, int | None]:
    """Host, `*` for all, and port of an address of `Listen` or `<VirtualHost>`; `None` without a port, or for `*`."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        host = text.removesuffix(":*")
        return (ANY if host.lower() in _ALL else host.lower()), None
    host = (match["host"] or "").lower()
    return (ANY if host in _ALL else host), int(match["port"])


def ports_of(statements: Iterable[Placed]) -> Ports:
    """The ports of a configuration.

    Args:
        statements: those of a reading.
    """
    listens: list[Listen] = []
    hosts: dict[tuple[str, int | None], None] = {}
    sections: list[Placed] = []
    with_engine: set[int] = set()
    for one in statements:
        name = one.directive.lower()
        if name == "listen" and one.arguments:
            host, port = split_address(one.arguments[0])
            if port is not None and port <= _LAST_PORT:
                listens.append(
                    Listen(one.arguments[0], host, port, one.arguments[1] if len(one.arguments) > 1 else "", one)
                )
        elif name == "virtualhost":
            hosts |= dict.fromkeys(split_address(address) for address in one.arguments)
            sections.append(one)
        elif name == "sslengine":
            with_engine |= {id(outer) for outer in one.sections}
    ports = _assigned(listens, _expanded(hosts, listens))
    ports = replace(ports, named=frozenset(one for one in hosts if one[1] is not None))
    bare = (address for one in sections if id(one) not in with_engine for address in one.arguments)
    return replace(ports, bare=frozenset(found[:2] for address in bare for found in ports.standing_for(address)))


def _expanded(hosts: Iterable[tuple[str, int | None]], listens: Sequence[Listen]) -> list[tuple[str, int]]:
    """Each host with each port that it is for."""
    found: dict[tuple[str, int], None] = {}
    for host, port in hosts:
        numbers = [port] if port is not None else [one.port for one in listens if ANY in (one.host, host)]
        found |= dict.fromkeys((host, number) for number in numbers)
    return list(found)


def _assigned(listens: Sequence[Listen], hosts: Sequence[tuple[str, int]]) -> Ports:
    used = {port for _, port in hosts} | {one.port for one in listens}
    free = (port for port in range(_FIRST_FURTHER, _LAST_PORT) if port not in used)
    of: dict[tuple[str, int], int] = {}
    for port in dict.fromkeys([*(one.port for one in listens), *(port for _, port in hosts)]):
        there = [host for host, number in hosts if number == port]
        first = ANY if ANY in there or not there else there[0]
        of[first, port] = of[ANY, port] = port
        of.update({(host, port): next(free) for host in there if host not in (first, ANY)})
        # What no virtual host is bound to serves those on all addresses.
        of.update({(one.host, port): port for one in listens if one.port == port and (one.host, port) not in of})
    own = {(one.host, one.port) for one in listens}
    further = tuple(
        number
        for (host, port), number in of.items()
        if number != port and (host, port) not in own and (ANY, port) in own
    )
    return Ports(of, tuple(listens), further)
