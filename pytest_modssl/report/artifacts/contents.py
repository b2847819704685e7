"""What stands in the folder of a test: configuration, log and what was seen of each server, and a capture of it all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from pytest_modssl import __version__
from pytest_modssl.report.artifacts import packets, pcapng
from pytest_modssl.report.bug import cleaned, in_words
from pytest_modssl.tls import shell_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_modssl.recording import Connection, Event
    from pytest_modssl.report.bug import Case
    from pytest_modssl.report.secrets import Secrets

REPORT: Final = "bug-report.txt"
TRANSCRIPT: Final = "transcript.txt"
COMMANDS: Final = "commands.sh"
CAPTURE: Final = "capture.pcapng"
KEYS: Final = "keys.log"

MOST_SERVERS: Final = 8
"""Servers that a test's folder tells of, those that it used first."""

MOST_CONFIGURATION: Final = 1_000_000
"""Bytes of a server's configuration: that of a hundred virtual hosts, as `fixtures/repos` has it, takes 50 kB."""

MOST_LOG: Final = 500_000
"""Bytes of a server's log, its end: at LogLevel trace4 a handshake takes some 10 kB."""

MOST_SEEN: Final = 500_000
"""Bytes of what was seen of all servers, the end: a handshake in words takes some 4 kB."""

# RFC 8446 section 5.1: what begins with another byte than that of a handshake is no TLS.
_HANDSHAKE = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What is known of one server, and what its clients have sent and received.

    Attributes:
        case: what is known of it.
        names: its virtual hosts.
        seen: all that was seen of it, in order.
        unseen: how many observations there were before these.
        connections: of its clients.
        keys: lines of their key log.
        ports: port of the configuration, by address and port that clients connected to.
        roots: PEM of the roots that its clients trusted, and the path of the file that commands name for it.
    """

    case: Case
    names: Sequence[str] = ()
    seen: Sequence[object] = ()
    unseen: int = 0
    connections: Sequence[Connection] = ()
    keys: Sequence[str] = ()
    ports: Mapping[tuple[str, int], int] = field(default_factory=dict)
    roots: tuple[bytes, str] = (b"", "")

    def port(self, connection: Connection) -> int:
        """The port of the configuration that a connection was made to."""
        return self.ports.get(connection.server, connection.server[1])


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a test's folder.

    Attributes:
        files: content by path below the folder.
        cut: what is not there, or not whole, and why, in words.
    """

    files: Mapping[str, bytes]
    cut: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(map(len, self.files.values()))


def contents_of(title: str, servers: Sequence[Recorded], secrets: Secrets) -> Contents:
    """All but the bug report.

    Args:
        title: which test it was, and what became of it.
        servers: those that it used.
        secrets: what no text may have in it.
    """
    cut: list[str] = []
    if len(servers) > MOST_SERVERS:
        cut.append(f"{len(servers) - MOST_SERVERS} more servers that the test used")
    shown = list(servers[:MOST_SERVERS])
    folders = [f"server{number}-{one.case.evidence.installation.id}" for number, one in enumerate(shown, 1)]
    files: dict[str, str] = {}
    for folder, one in zip(folders, shown, strict=True):
        for path, text in _configuration(one.case, secrets, cut):
            files[f"{folder}/{path}"] = text
        lines = dict.fromkeys(record.raw for record in (*one.case.evidence.start.lines, *one.case.records))
        files[f"{folder}/error.log"] = cleaned("\n".join(lines), secrets, MOST_LOG, "end")
        if one.roots[0]:
            files[f"{folder}/ca.pem"] = one.roots[0].decode("ascii", "replace")
    cut += [
        f"{connection.cut} bytes of the connection from port {connection.client[1]} to port {one.port(connection)}"
        for one in shown
        for connection in one.connections
        if connection.cut
    ]
    files[TRANSCRIPT] = cleaned("\n".join(_transcript(title, folders, shown, cut)), secrets, MOST_SEEN, "end")
    if any(one.case.commands for one in shown):
        files[COMMANDS] = secrets.removed_from("\n".join(_commands(folders, shown)))
    written = {path: f"{text}\n".encode("utf-8", "backslashreplace") for path, text in files.items()}
    if any(one.connections for one in shown):
        keys = "".join(f"{line}\n" for one in shown for line in one.keys).encode()
        if keys:
            written[KEYS] = keys
        written[CAPTURE] = _capture(title, folders, shown, keys, secrets)
    return Contents(written, tuple(cut))


def listed(test: str, outcome: str, contents: Contents) -> bytes:
    """The list of a folder's files, by which they are removed again."""
    told = {
        "test": test,
        "outcome": outcome,
        "program": f"pytest-modssl {__version__}",
        "files": {path: len(content) for path, content in contents.files.items()},
        "cut": contents.cut,
    }
    return json.dumps(told, indent=2, ensure_ascii=True).encode() + b"\n"


def _configuration(case: Case, secrets: Secrets, cut: list[str]) -> Iterator[tuple[str, str]]:
    """Path and text of each file of the configuration that was written for the server, without keys."""
    root = PurePosixPath(case.evidence.rendered.main).parent
    left = MOST_CONFIGURATION
    for file in case.evidence.files:
        written = case.evidence.written(file)
        path = PurePosixPath(file)
        if written is None:  # nothing but what is the server's own is copied: who knows what else httpd may read
            cut.append(f"{file}, which httpd read where it is")
            continue
        text = secrets.removed_from(written[0][:left].decode("utf-8", "backslashreplace"))
        if len(written[0]) > left:
            cut.append(f"{len(written[0]) - left} bytes of {file}")
        left -= min(left, len(written[0]))
        below = path.relative_to(root) if path.is_relative_to(root) else path.relative_to(path.anchor)
        parts = [part for part in below.parts if part != ".."]
        yield "/".join(["configuration" if path.is_relative_to(root) else "machine", *parts]), text.rstrip("\n")


def _transcript(title: str, folders: Sequence[str], servers: Sequence[Recorded], cut: Sequence[str]) -> Iterator[str]:
    yield title
    if cut:
        yield from ("", "Not kept:", *(f"  {one}" for one in cut))
    for folder, one in zip(folders, servers, strict=True):
        yield from ("", f"{folder} with {', '.join(one.names) or 'no virtual host'}", "")
        yield from (f"  {_told(connection, one.port(connection))}" for connection in one.connections)
        if one.unseen:
            yield from ("", f"({one.unseen} earlier observations are not kept)")
        for observation in one.seen:
            yield from ("", in_words(observation))


def _told(connection: Connection, port: int) -> str:
    sizes = {kind: sum(len(event.data) for event in connection.events if event.kind == kind) for kind in _WAYS}
    at = datetime.fromtimestamp(connection.events[0].at / 1e9, timezone.utc).strftime("%H:%M:%S.%f")
    ends = [event.kind for event in connection.events if event.kind in _ENDS]
    return (
        f"{at} from port {connection.client[1]} to port {port} (at {connection.server[0]} port {connection.server[1]})"
        f"{connection.name and f' for {connection.name}'}: {sizes['sent']} bytes sent, {sizes['received']} received; "
        f"{', '.join(ends) or 'open'}"
    )


_WAYS = ("sent", "received")
_ENDS = ("refused", "client ended", "server ended", "reset")


def _commands(folders: Sequence[str], servers: Sequence[Recorded]) -> Iterator[str]:
    yield "#!/bin/sh"
    yield "# What the test did, by hand: while a server runs on this configuration, at the address that it has then."
    yield 'cd "$(dirname "$0")" || exit'
    for folder, one in zip(folders, servers, strict=True):
        for command in one.case.commands:
            own = [word.replace(one.roots[1], f"{folder}/ca.pem") if one.roots[1] else word for word in command]
            yield shell_line(own)


def _capture(title: str, folders: Sequence[str], servers: Sequence[Recorded], keys: bytes, secrets: Secrets) -> bytes:
    blocks = [pcapng.section(f"pytest-modssl {__version__}", title)]
    blocks += [pcapng.interface(folder) for folder in folders]
    blocks += [pcapng.secrets(keys)] if keys else []
    made: list[tuple[int, packets.Packet]] = []
    number = 0
    for interface, one in enumerate(servers):
        for connection in one.connections:
            events = _without_secrets(connection, secrets) if _is_in_clear(connection) else connection.events
            found = packets.packets_of(connection, events, one.port(connection), number)
            made += [(interface, packet) for packet in found]
            number += 1
    made.sort(key=lambda each: each[1].at)  # of equal times the order stays
    blocks += [pcapng.packet(interface, *packet) for interface, packet in made]
    return b"".join(blocks)


def _is_in_clear(connection: Connection) -> bool:
    first = next((event.data for event in connection.events if event.kind == "sent"), b"")
    return not first or first[0] != _HANDSHAKE


def _without_secrets(connection: Connection, secrets: Secrets) -> Sequence[Event]:
    """The events of a connection in clear, with as many bytes; a secret may go on from one to the next."""
    events = list(connection.events)
    for kind in _WAYS:
        places = [at for at, event in enumerate(events) if event.kind == kind]
        data = secrets.blanked_in(b"".join(events[at].data for at in places))
        for at in places:
            size = len(events[at].data)
            events[at], data = replace(events[at], data=data[:size]), data[size:]
    return events
