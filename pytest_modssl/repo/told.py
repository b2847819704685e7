"""The virtual hosts of a configuration, from what httpd itself says is in effect."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_modssl.errors import TlsError
from pytest_modssl.httpd.config import is_host_name
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.repo.hosts import RepoHost
from pytest_modssl.tls.hostname import to_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.repo.listening import Ports

_NAME = re.compile(r"(?:\w+://)?(?P<name>\[[^\]]*\]|[^:]*)(?::\d+)?")
_USED = re.compile(r"used on line (?P<line>\d+) of \"(?P<file>.*?)\"")
# What differs from host to host without changing what a scan shows.
_OF_ONE_HOST = frozenset({"sslcertificatefile", "sslcertificatekeyfile", "sslcertificatechainfile"})
UNNAMED = "localhost"


@dataclass
class _Block:
    """A `<VirtualHost>` as httpd read it, and the directives that stand right in it."""

    section: DumpedDirective
    directives: list[DumpedDirective] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, int, str]:
        return self.section.file, self.section.line, self.section.via


@dataclass(frozen=True)
class ToldHosts:
    """What httpd tells of the virtual hosts of a configuration.

    Attributes:
        hosts: one for each port that a host is at, in httpd's order.
        blocks: key of the host by deployment path, line and macro of the `<VirtualHost>`.
    """

    hosts: tuple[RepoHost, ...]
    blocks: dict[tuple[str, int, str], str]


def without_machine(dump: Iterable[DumpedDirective], machine: str, main: str) -> tuple[DumpedDirective, ...]:
    """What httpd says is in effect, with deployment paths: without our own main file, and without what stands before.

    Args:
        dump: what it says.
        machine: what stands before a deployment path where it was asked.
        main: our own main file.
    """

    def deployed(one: DumpedDirective) -> DumpedDirective:
        if not machine:
            return one
        return replace(
            one,
            file=one.file.removeprefix(machine),
            arguments=one.arguments.replace(machine, ""),
            via=one.via.replace(machine, ""),
            sections=tuple(sections[id(outer)] for outer in one.sections),
        )

    sections: dict[int, DumpedDirective] = {}
    found = []
    for one in dump:
        same = deployed(one)
        if one.is_section:
            sections[id(one)] = same
        if one.file != main:
            found.append(same)
    return tuple(found)


def told_hosts(
    directives: Sequence[DumpedDirective], ports: Ports, origin: Callable[[str, int], Origin], numbers: dict[int, int]
) -> ToldHosts:
    """The virtual hosts.

    Args:
        directives: those in effect, with deployment paths.
        ports: of the configuration.
        origin: a line of the repository by deployment path and line.
        numbers: the port of the configuration by the one that stands for it where httpd was asked.
    """
    shared: list[DumpedDirective] = []
    blocks: list[_Block] = []
    for one in directives:
        if not one.sections and one.is_section and one.name.lower() == "virtualhost":
            blocks.append(_Block(one))
        elif not one.sections:
            shared.append(one)
        elif len(one.sections) == 1 and blocks and one.sections[0] is blocks[-1].section:
            blocks[-1].directives.append(one)
    hosts: list[RepoHost] = []
    names: dict[tuple[str, int, str], str] = {}
    seen: set[int] = set()
    for block in blocks:
        at = _ports(block.section, ports, numbers)
        protocol = next(filter(None, map(ports.by_listen, at.values())), "")
        for port, number in at.items():
            host = _host(block, shared, port, protocol)
            hosts.append(
                replace(host, reached=number, default=number not in seen, origin=user_origin(block.section, origin))
            )
            seen.add(number)
            names.setdefault(block.key, hosts[-1].key)
    return ToldHosts(tuple(hosts), names)


def _host(block: _Block, shared: Sequence[DumpedDirective], port: int, protocol: str) -> RepoHost:
    named = _last(block.directives, "servername") or _last(shared, "servername")
    own = _plain(named.words[0]) if named is not None and named.words else UNNAMED
    aliases = [word for one in block.directives if one.name.lower() == "serveralias" for word in one.words]
    names = tuple(dict.fromkeys(_asked_for([own, *aliases]))) or (UNNAMED,)
    verify = _last(block.directives, "sslverifyclient") or _last(shared, "sslverifyclient")
    return RepoHost(
        name=names[0],
        port=port,
        reached=port,
        names=names,
        tls=_speaks_tls(shared, block.directives, protocol),
        default=False,
        origin=Origin(block.section.file, block.section.line),
        settings=_settings(shared, block.directives),
        demands_certificate=verify is not None and "".join(verify.words[:1]).lower() == "require",
    )


def user_origin(directive: DumpedDirective, origin: Callable[[str, int], Origin]) -> Origin:
    """Where a directive stands for the user: who used the macro that it comes from, else itself.

    Args:
        directive: as httpd tells it.
        origin: a line of the repository by deployment path and line.
    """
    used = _USED.search(directive.via)
    return origin(directive.file, directive.line) if used is None else origin(used["file"], int(used["line"]))


def _ports(section: DumpedDirective, ports: Ports, numbers: dict[int, int]) -> dict[int, int]:
    """Port of the server by port as configured, for all addresses of a `<VirtualHost>`."""
    found: dict[int, int] = {}
    for address in section.words:
        for port, number in _configured(address, ports, numbers):
            found.setdefault(port, number)
    return found


def _configured(address: str, ports: Ports, numbers: dict[int, int]) -> Iterable[tuple[int, int]]:
    """Port as configured, and port of the server, for an address of `<VirtualHost>` as httpd read it: `*:443`."""
    _, colon, digits = address.rpartition(":")
    if not colon or not digits.isdecimal():
        return [(port, number) for _, port, number in ports.standing_for(address)]
    number = numbers.get(int(digits), int(digits))
    port = next((port for (_, port), one in ports.of.items() if one == number), number)
    return [(port, number)]


def _last(directives: Iterable[DumpedDirective], name: str) -> DumpedDirective | None:
    found = None
    for one in directives:
        if one.name.lower() == name:
            found = one
    return found


def _plain(name: str) -> str:
    match = _NAME.fullmatch(name)
    return match["name"] if match is not None else name


def _asked_for(names: Iterable[str]) -> Iterable[str]:
    """Those of some names that a client can ask for, IDN as A-labels (RFC 5891); no client asks for "a.test,b.test"."""
    for name in names:
        try:
            plain = ".".join(map(to_ascii, name.split(".")))
        except TlsError:
            continue
        if is_host_name(plain):
            yield plain


def _speaks_tls(shared: Iterable[DumpedDirective], own: Iterable[DumpedDirective], protocol: str) -> bool:
    """Whether a virtual host speaks TLS: SSLEngine, or, without one, the protocol of its `Listen` (mod_ssl.c)."""
    engine = _last(own, "sslengine") or _last(shared, "sslengine")
    if engine is None or not engine.words:
        return protocol == "https"
    return engine.words[0].lower() == "on"


def _settings(shared: Iterable[DumpedDirective], own: Iterable[DumpedDirective]) -> str:
    telling = [
        f"{one.name.lower()} {one.arguments}"
        for one in (*shared, *own)
        if not one.is_section
        and one.name.lower().startswith(("ssl", "protocols"))
        and one.name.lower() not in _OF_ONE_HOST
    ]
    return hashlib.sha256("\n".join(telling).encode("utf-8", "surrogateescape")).hexdigest()[:16]
