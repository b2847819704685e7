"""What each process that runs tests sees of servers, gathered into a part for each phase of a test."""

from __future__ import annotations

import itertools
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.httpd.errorlog import LogCursor
from pytest_modssl.httpd.render import ERROR_LOG
from pytest_modssl.report.known import learn_environment, learn_observations, learn_server
from pytest_modssl.report.secrets import Secrets
from pytest_modssl.report.whole.clean import Cleaner
from pytest_modssl.report.whole.fail import failure_of, line_of
from pytest_modssl.report.whole.merge import merged_host
from pytest_modssl.report.whole.plain import plain
from pytest_modssl.report.whole.read import asked, seen
from pytest_modssl.report.whole.value.host import Host
from pytest_modssl.report.whole.value.run import Part, Server, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

    from pytest_modssl.faq import Evidence
    from pytest_modssl.httpd.config import VirtualHost
    from pytest_modssl.httpd.configuration import Configuration
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Rendered
    from pytest_modssl.httpd.snippet import Origin
    from pytest_modssl.report.whole.value.place import Line
    from pytest_modssl.targets.server import Server as Running

_LOG_LINES = 200
_TEXTS = 40


@dataclass(frozen=True, slots=True)
class _Note:
    """An observation, and which virtual host it is of, by name and port of the server, where it does not tell that."""

    server: Running
    observation: object
    of: tuple[str, int] | None


@dataclass(eq=False, slots=True)
class _Known:
    """A server as this process knows it: with the configuration of this digest."""

    digest: str
    text: str
    log: LogCursor
    cleaner: Cleaner
    told: bool = False


@dataclass(slots=True)
class _Now:
    """What the current test has seen so far."""

    test: str = ""
    notes: list[_Note] = field(default_factory=list)


class Watch:
    """Sees what tests see, and tells it phase by phase.

    Args:
        root: folder that the run is of.
        name_of: gives the name of the target that has an httpd.
    """

    def __init__(self, root: Path, name_of: Callable[[Installation], str]) -> None:
        self._root = root
        self._name_of = name_of
        self._known: weakref.WeakKeyDictionary[Running, _Known] = weakref.WeakKeyDictionary()
        self._now = _Now()
        self._new: list[_Note] = []
        self._environment = Secrets()
        learn_environment(self._environment)
        self._without_server = Cleaner(self._environment)

    def note(self, server: Running, observation: object, of: tuple[str, int] | None = None) -> None:
        """Takes an observation; nothing is read of it before the phase is over."""
        self._new.append(_Note(server, observation, of))

    def part(
        self,
        test: str,
        phase: str,
        servers: Sequence[Running],
        *,
        name: str,
        target: str = "",
        place: tuple[str, int] | None = None,
        reason: str = "",
        error: BaseException | None = None,
        traceback: str = "",
        failed_at: tuple[str, int] | None = None,
    ) -> dict[str, Any]:
        """What a phase of a test adds to the report, as plain data without secrets.

        Args:
            test: its node id.
            phase: "setup", "call" or "teardown".
            servers: those that are running.
            name: the same on every target.
            target: name of that; empty for a test that uses no server.
            place: file and line of the test.
            reason: why it was skipped.
            error: what it failed with.
            traceback: as pytest shows it.
            failed_at: where it failed.
        """
        if phase == "setup" or self._now.test != test:
            self._now = _Now(test)
        new, self._new = self._new, []
        self._now.notes += new
        fresh = [one for one in servers if not self._is_known(one) or one.used]
        touched = list(dict.fromkeys([*(note.server for note in new), *fresh]))
        found = [self._seen(one, [note for note in new if note.server is one]) for one in touched]
        cleaner = self._cleaner(touched)
        failure = None
        if error is not None:
            observations = [note.observation for note in self._now.notes]
            learn_observations(cleaner.secrets, observations)
            failure = failure_of(
                error,
                phase=phase,
                traceback=traceback,
                place=failed_at,
                root=self._root,
                servers=[one for one in touched if one in servers],
                observations=observations,
                log=[line for one in found for line in one.log],
            )
            if isinstance(error, StartError) and error.evidence is not None:
                learn_server(cleaner.secrets, error.evidence)
                found.append(self._refused(error.evidence))
        at = None if place is None else line_of(*place, self._root)
        part = Part(
            id=test,
            test=name,
            target=target,
            phase=phase,
            place=at,
            reason=reason,
            servers=tuple(found),
            failure=failure,
        )
        data: dict[str, Any] = plain(cleaner.clean(part))
        return data

    def _is_known(self, server: Running) -> bool:
        return server in self._known and self._known[server].digest == server.config.digest

    def _of(self, server: Running) -> _Known:
        if not self._is_known(server):
            secrets = Secrets()
            secrets.update(self._environment)
            learn_server(secrets, server.evidence())
            for key in (server.instance.folder / "client").glob("*.key"):
                secrets.add_keys(key.read_bytes())
            log = LogCursor(server.instance.folder / ERROR_LOG)
            self._known[server] = _Known(server.config.digest, server.instance.rendered.likeness, log, Cleaner(secrets))
        return self._known[server]

    def _cleaner(self, servers: Sequence[Running]) -> Cleaner:
        """That of one server as it is, since it remembers; of several together one that knows the secrets of all."""
        if not servers:
            return self._without_server
        if len(servers) == 1:
            return self._of(servers[0]).cleaner
        together = Secrets()
        for one in servers:
            together.update(self._of(one).cleaner.secrets)
        return Cleaner(together)

    def _seen(self, server: Running, notes: Sequence[_Note]) -> Server:
        """What is new of a server; of one that was not told of before also what it is."""
        known, config = self._of(server), server.config
        learn_observations(known.cleaner.secrets, [note.observation for note in notes])
        hosts = {} if known.told else {one.name_and_port: one for one in map(self._host, config.virtual_hosts)}
        ports = {server.instance.address(port): port for port in config.listen}
        for note in notes:
            host = _host_of(config, ports, note)
            if host is not None:
                new = seen(self._host(host), note.observation)
                old = hosts.get(new.name_and_port)
                hosts[new.name_and_port] = new if old is None else merged_host(old, new)
        lines = tuple(one.raw for one in known.log.read()[-_LOG_LINES:])
        first, known.told = not known.told, True
        return self._server(
            server.installation,
            config,
            known.text,
            starts=(round(server.seconds_to_start, 4),) if first else (),
            configuration=tuple(_texts(server.instance.rendered)) if first else (),
            log=lines,
            hosts=tuple(hosts.values()),
        )

    def _refused(self, evidence: Evidence) -> Server:
        return self._server(
            evidence.installation,
            evidence.config,
            evidence.rendered.likeness,
            refused=True,
            configuration=tuple(_texts(evidence.rendered)),
            log=tuple(one.raw for one in evidence.start.lines[-_LOG_LINES:]),
            hosts=tuple(map(self._host, evidence.config.virtual_hosts)),
        )

    def _server(self, installation: Installation, config: Configuration, text: str, **seen_of_it: Any) -> Server:
        target, library = self._name_of(installation), installation.tls_library or "no TLS library"
        return Server(
            id=f"{target}/{text}",
            target=target,
            httpd=str(installation.version),
            library=f"{library} {installation.openssl or ''}".strip(),
            title=", ".join(config.names) or "no virtual host",
            place=self._line(config.origin),
            **seen_of_it,
        )

    def _host(self, host: VirtualHost) -> Host:
        return Host(name=host.name, port=host.port, place=self._line(host.origin))

    def _line(self, origin: Origin | None) -> Line | None:
        return None if origin is None else line_of(origin.file, origin.line, self._root)


def _host_of(config: Configuration, ports: dict[tuple[str, int] | None, int], note: _Note) -> VirtualHost | None:
    """The virtual host that answered: that of the name, else the first of the port, as httpd has it."""
    name, where = note.of or asked(note.observation) or (None, None)
    if isinstance(where, int):
        port = None if name is None else config.port_of(name, where)
        port = where if port is None else port
    else:
        port = ports.get(where)
    there = [one for one in config.virtual_hosts if one.port == port]
    named = [one for one in there if name is not None and one.serves(name)]
    return next(iter([*named, *there]), None)


def _texts(rendered: Rendered) -> Iterator[Text]:
    """The main file, then the others that have the user's own lines."""
    for name, text in itertools.islice(rendered.named_texts, _TEXTS):
        yield Text(name=name, text=text)
