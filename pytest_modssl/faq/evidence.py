"""All that is known when something has failed: a value that recognisers read, and that knows no test.

What an assertion has accepted is no evidence: a handshake that had to fail, and did, says nothing about the failure.
"""

from __future__ import annotations

import linecache
import posixpath
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_modssl.errors import ModsslError, said
from pytest_modssl.httpd.errorlog import SEVERITY
from pytest_modssl.httpd.paths import Obstacle, account_of_children, obstacle
from pytest_modssl.httpd.problems import ConfigProblem, parse_config_error
from pytest_modssl.httpd.randomness import RandomSource, random_source
from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.tls.exchange import Exchange
from pytest_modssl.tls.hostname import is_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.httpd.config import VirtualHost
    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.crashes import Crash
    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Rendered
    from pytest_modssl.httpd.snippet import Origin

Observed = TypeVar("Observed")

_VARIABLE = re.compile(r"\$\{(\w+)\}")
# https://www.example.test:8443, [::1]:443
_SERVER_NAME = re.compile(r"(?:\w+://)?(?P<name>\[[^\]]*\]|[^:]*)(?::(?P<port>\d+))?")


class Asked(Protocol):
    """What was seen of a server by a client that reached it by a name: `Handshake`, `ProbeResult`, `SrpLogin`, ..."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        ...

    @property
    def server_name(self) -> str | None:
        """The name sent as SNI."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the user's own files, and what stands there.

    Attributes:
        origin: file and line.
        text: the directive; empty where the line is a call that brought it about.
        preposition: "at", or "after" for a line that httpd missed behind this one.
    """

    origin: Origin
    text: str = ""
    preposition: str = "at"

    def __str__(self) -> str:
        return f"{self.preposition} {self.origin}{self.text and f': {self.text}'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A directive that is in effect, and where the user has it.

    Attributes:
        name: as written.
        words: arguments one by one, quotes taken off, variables replaced.
        text: the directive as one line.
        place: where it stands in the user's files; for a line of ours the call that brought it about.
        host: "www.example.test:443", the virtual host that it is in, or "".
        sections: the sections around it as text, outermost first: "<VirtualHost *:443>".
    """

    name: str
    words: tuple[str, ...]
    text: str
    place: Place | None
    host: str = ""
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a start went.

    Attributes:
        ready: whether the server came to serve.
        status: exit status; `None` where the process runs, or ran still when it was no longer waited for.
        lines: what httpd said meanwhile, on its standard error and in its log.
    """

    ready: bool
    status: int | None = None
    lines: tuple[LogRecord, ...] = ()


def _nothing() -> tuple[DumpedDirective, ...]:
    raise ModsslError("nobody was asked for the effective configuration")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of one server, of the start that failed or of the test that did.

    Attributes:
        installation: the httpd.
        config: what it should serve.
        rendered: its files, and the way from a line to the user's own.
        start: how its start went.
        records: the error log of the test.
        observations: what was seen from outside and no assertion has accepted, in order: `Handshake`, `ProbeResult`,
            `Scan`, `requests.Response`, `RedirectChain`, `SslEnvironment`, `FailedRequest`.
        mismatches: what the failed assertion found.
        error: what the test failed with, if not by an assertion of ours.
        ports: the port of the configuration that is reached at an address, by address as handshakes have it.
        dump: gives the effective configuration, and is asked once at the most; may raise `ModsslError`.
        crashed: gives the processes of httpd that a signal ended, and is asked once at the most.
    """

    installation: Installation
    config: Configuration
    rendered: Rendered
    start: Start
    records: tuple[LogRecord, ...] = ()
    observations: tuple[object, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    error: BaseException | None = None
    ports: Mapping[tuple[str, int], int] = field(default_factory=dict)
    dump: Callable[[], tuple[DumpedDirective, ...]] = field(default=_nothing, repr=False, compare=False)
    crashed: Callable[[], tuple[Crash, ...]] = field(default=tuple, repr=False, compare=False)

    def about(
        self, *, mismatches: Sequence[Mismatch], observations: Sequence[object], records: Sequence[LogRecord]
    ) -> Evidence:
        """The same server, and another failure of it: what is configured is not asked again; arguments as above."""
        other = replace(self, mismatches=tuple(mismatches), observations=tuple(observations), records=tuple(records))
        other.__dict__["directives"] = self.directives
        return other

    # What was said

    @cached_property
    def problem(self) -> ConfigProblem | None:
        """Why httpd refused the configuration, as far as it is told in one line."""
        return None if self.start.ready else parse_config_error("\n".join(one.raw for one in self.start.lines))

    def logged(self, *numbers: str, match: str = "") -> Iterator[tuple[LogRecord, re.Match[str]]]:
        """Log lines by AH number and pattern: of the start and, where it was one, of the test.

        Args:
            numbers: AH numbers, one of which the line must have; none takes every line.
            match: a pattern that is searched in the line.
        """
        pattern = re.compile(match)
        for record in (*self.start.lines, *self.records):
            found = pattern.search(record.raw)
            if found is not None and (not numbers or record.ah in numbers):
                yield record, found

    @cached_property
    def crashes(self) -> tuple[Crash, ...]:
        """The processes of httpd that a signal ended, also those that the test expected to."""
        return self.crashed()

    # What was seen

    def seen(self, kind: type[Observed]) -> tuple[Observed, ...]:
        """The observations of one kind, in order; a request spoken by hand has the handshake of its connection."""
        every = [
            part
            for one in self.observations
            for part in ((one, one.handshake) if isinstance(one, Exchange) else (one,))
        ]
        return tuple(one for one in every if isinstance(one, kind))

    @cached_property
    def subject(self) -> str:
        """What the failure is about, in its own words: the subjects of the mismatches, and the error's message."""
        return "\n".join([*(one.what for one in self.mismatches), said(self.error)])

    def mismatch(self, pattern: str) -> Mismatch | None:
        """The first mismatch whose subject (`what`) matches a pattern as a whole."""
        return next((one for one in self.mismatches if re.fullmatch(pattern, one.what)), None)

    # What is configured

    @cached_property
    def directives(self) -> tuple[Used, ...]:
        """Every directive in effect, as httpd itself tells it where it can, else as the main file has it."""
        try:
            found = [
                (one.name, one.words, " ".join(one.arguments.split()), one.file, one.line, one.sections, one.is_section)
                for one in self._dumped
            ]
        except ModsslError:
            return tuple(self._as_written())
        # The first one is that of the model, also where the user's own text has another.
        names = dict(self.rendered.blocks)
        for name, words, _, _, _, sections, _ in found:
            if name == "ServerName" and sections:
                names.setdefault(_block(sections[0]), _host_of(words))
        return tuple(
            Used(
                name=name,
                words=words,
                text=f"<{name} {arguments}>" if is_section else f"{name} {arguments}".strip(),
                place=self.place(file, line, f"{name} {arguments}".strip()),
                host=names.get(_block(sections[0]), "") if sections else "",
                sections=tuple(f"<{one.name} {one.arguments}>" for one in sections),
            )
            for name, words, arguments, file, line, sections, is_section in found
        )

    @cached_property
    def _dumped(self) -> tuple[DumpedDirective, ...]:
        return self.dump()

    @cached_property
    def files(self) -> tuple[str, ...]:
        """The files that httpd read as its configuration, by their paths as it names them, the main file first.

        Those that bring no directive about are not among them, nor any but the main file where httpd cannot tell.
        """
        try:
            read = [one.file for one in self._dumped]
        except ModsslError:
            read = []
        return tuple(dict.fromkeys([self.rendered.main, *read]))

    def _as_written(self) -> Iterator[Used]:
        sections: list[str] = []
        host = ""
        defined: dict[str, str] = {}
        for one in directives_in(self.rendered.text):
            if one.name.startswith("</"):
                sections = sections[:-1]
                host = host if sections else ""
                continue
            if one.name.lower() == "servername" and sections and not host:
                host = _host_of(one.arguments)
            words = tuple(_VARIABLE.sub(lambda found: defined.get(found[1], found[0]), word) for word in one.arguments)
            if one.name.lower() == "define" and words:
                defined[words[0]] = words[1] if len(words) > 1 else ""
            text = f"{one.name} {' '.join(words)}".strip() + (">" if one.name.startswith("<") else "")
            yield Used(
                name=one.name.lstrip("<"),
                words=words,
                text=text,
                place=self.place(self.rendered.main, one.line, text),
                host=host,
                sections=tuple(sections),
            )
            if one.name.startswith("<"):
                sections.append(text)

    def written(self, path: str) -> tuple[bytes, int] | None:
        """Content and permission bits of a file that we wrote, by its path as httpd names it; `None` for any other."""
        root = posixpath.dirname(self.rendered.main)
        name = posixpath.relpath(posixpath.normpath(path), root) if root else path
        return self.rendered.files.get(name) or self.rendered.outside.get(posixpath.normpath(path))

    @cached_property
    def account(self) -> tuple[str, str] | None:
        """User and group of httpd's children; `None` where they have that of its parent."""
        return account_of_children(self.installation, [(one.name, one.words) for one in self.directives])

    def obstacle(self, path: str) -> Obstacle | None:
        """The folder above a file that keeps httpd from it, its parent first, then its children."""
        found = obstacle(self.installation, path)
        return found or (None if self.account is None else obstacle(self.installation, path, self.account))

    def faulty_sources(self, context: str) -> Iterator[tuple[Used, RandomSource]]:
        """Every source of `SSLRandomSeed` in a context ("startup", "connect") that does not give what it should."""
        root = posixpath.dirname(self.rendered.main)
        for used in self.directives:
            if used.name.lower() == "sslrandomseed" and used.words[:1] == (context,):
                if used.words not in self._sources:
                    self._sources[used.words] = random_source(self.installation, used.words, root=root)
                found = self._sources[used.words]
                if found is not None and found.fault:
                    yield used, found

    @cached_property
    def _sources(self) -> dict[tuple[str, ...], RandomSource | None]:
        """What each source gave when it was asked: one that blocks takes a second each time."""
        return {}

    def find(self, name: str, *, host: str = "", word: str = "") -> Used | None:
        """The directive of a name that counts: the last one in the virtual host, else the last outside of all.

        Args:
            name: of the directive, in any case.
            host: "www.example.test:443"; empty looks everywhere.
            word: one that must be among its arguments.
        """
        found = self.settings(name, host=host, fits=lambda one: not word or word in one.words)
        return next(reversed(found), None)

    def settings(self, name: str, *, host: str = "", fits: Callable[[Used], bool] = lambda _: True) -> tuple[Used, ...]:
        """All directives of a name that count, in order: those in the virtual host, else those outside of all.

        Args:
            name: of the directive, in any case.
            host: "www.example.test:443"; empty looks everywhere.
            fits: which of them are meant, before it is asked where they stand.
        """
        named = [one for one in self.directives if one.name.lower() == name.lower() and fits(one)]
        inside = [one for one in named if not host or one.host == host]
        return tuple(inside or (one for one in named if not one.host))

    def place(self, file: str, line: int, text: str = "") -> Place | None:
        """Where a line that httpd speaks of stands for the user; `None` for a line that is ours alone."""
        if self.rendered.machine:
            text = text.replace(self.rendered.machine, "")
        origin = self.rendered.locate(file, line)
        if origin is not None:
            return Place(origin, text)
        owner = self.rendered.owner(line)
        return None if owner is None else Place(owner, f"this call brings about {text.partition(' ')[0]}")

    def line(self, origin: Origin) -> str:
        """A line as the user's own file has it; empty where it cannot be read."""
        return linecache.getline(origin.file, origin.line)

    @cached_property
    def trouble(self) -> Place | None:
        """The place that httpd's own words about a failed start are about, by line or by virtual host."""
        problem = self.problem
        if problem is not None and problem.file is not None and problem.line is not None:
            texts = self.rendered.text.splitlines() if problem.file == self.rendered.main else []
            for line, preposition in ((problem.line, "at"), (problem.line - 1, "after")):
                # Our own line is right: it closes a host whose text before it left something open.
                origin = self.rendered.locate(problem.file, line)
                if origin is not None:
                    text = texts[line - 1] if texts else self.line(origin)
                    return Place(origin, text.strip(), preposition)
        origin = self.rendered.hosts.get(self.troubled_host)
        return None if origin is None else Place(origin, "the virtual host that this is about")

    @cached_property
    def troubled_host(self) -> str:
        """The virtual host that a failed start is about, as `name:port`; empty where httpd names none.

        What stops httpd is told at a graver level than what it says of other hosts on the way.
        """
        telling = (one for one in self.start.lines if _gravity(one) <= SEVERITY["warn"])
        named = (self.rendered.host_in(one.message) for one in sorted(telling, key=_gravity))
        return next(filter(None, named), "")

    def call(self, host: VirtualHost | None) -> Place | None:
        """The call that made a virtual host; `None` without one."""
        if host is None or host.origin is None:
            return None
        return Place(host.origin, f"the virtual host {host.name}:{host.port}")

    def actual(self, port: int) -> int:
        """The port that httpd itself has for a port of the configuration: on some targets another stands for it."""
        found = re.search(rf'^Define MODSSL_PORT_{port} "(\d+)"', self.rendered.text, re.MULTILINE)
        return port if found is None else int(found[1])

    def host_of(self, name: str | None, port: int | None) -> VirtualHost | None:
        """The virtual host that serves a name at a port of the configuration: its own, else the port's first."""
        hosts = [one for one in self.config.virtual_hosts if one.port == port]
        return next((one for one in hosts if name in (one.name, *one.aliases)), hosts[0] if hosts else None)

    def asked(self, seen: Asked) -> VirtualHost | None:
        """The virtual host that a client reached; one that asked for an address sent no SNI (RFC 6066 section 3)."""
        name = seen.server_name
        sent = None if name is None or is_address(name) else name
        return self.host_of(sent, self.ports.get(seen.address))

    def served_by(self, seen: Asked, directive: str) -> Used | None:
        """The directive that counts for a client: in the virtual host that answered, else outside of all."""
        host = self.asked(seen)
        return self.find(directive, host=f"{host.name}:{host.port}" if host else "")


def _gravity(record: LogRecord) -> int:
    """How grave a line is, 0 the most; what httpd says before it has a log stops it."""
    return 0 if record.level is None else SEVERITY[record.level]


def _block(section: DumpedDirective) -> tuple[str, int, str]:
    return section.file, section.line, section.via


def _host_of(words: tuple[str, ...]) -> str:
    match = _SERVER_NAME.fullmatch(words[0]) if words else None
    return "" if match is None else f"{match['name']}:{match['port']}" if match["port"] else match["name"]
