"""What a back end received: a value that prints well, and the pieces that it is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pytest_modssl.backends.address import BackendAddress

KEPT: Final = 1_048_576
"""Bytes of a body that are kept; all of it is read."""

HEAD_LIMIT: Final = 1_048_576
"""Bytes of a request's head, or of its variables: more than the 100 fields of 8190 bytes that httpd takes (manual,
LimitRequestFields, LimitRequestFieldSize)."""

_SHOWN: Final = 200


class Headers(Mapping[str, str]):
    """Header fields in the order received; names are the same in any case, and one may come several times.

    Args:
        fields: names and values.
    """

    __slots__ = ("fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self.fields = tuple(fields)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, in order."""
        return tuple(value for one, value in self.fields if one.lower() == name.lower())

    def __getitem__(self, name: str) -> str:
        """All values of a field in one (RFC 9110 section 5.3)."""
        values = self.all(name)
        if not values:
            raise KeyError(name)
        return ", ".join(values)

    def __iter__(self) -> Iterator[str]:
        return iter({name.lower(): name for name, _ in reversed(self.fields)}.values())

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.fields})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.all(name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.fields == other.fields

    def __hash__(self) -> int:
        return hash(self.fields)

    def __repr__(self) -> str:
        return f"Headers({list(self.fields)!r})"


@dataclass(slots=True)
class Body:
    """A request's body while it comes in."""

    kept: bytearray = field(default_factory=bytearray)
    size: int = 0

    def add(self, data: bytes | bytearray) -> None:
        """Take more of it."""
        self.kept += data[: max(0, KEPT - len(self.kept))]
        self.size += len(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendRequest:
    """One request as a back end received it.

    Attributes:
        backend: which back end.
        method: "GET".
        path: with the query: "/shop/?page=2".
        protocol: "HTTP/1.1", "FastCGI", "AJP/1.3", "SCGI" or "uwsgi".
        headers: its header fields. Of FastCGI, SCGI and uwsgi those that the variables tell (RFC 3875 section 4.1.18).
        body: the first 1,048,576 bytes of its body.
        size: bytes of the whole body.
        variables: what FastCGI, SCGI and uwsgi send in place of a head; the attributes of an AJP request.
        sni: the name that the proxy sent in its handshake; `None` without one.
        tls: version of the connection, "TLSv1.3"; `None` without TLS.
        client_certificate: that of the proxy as PEM, whoever issued it; `None` without one.
        client_subject: its subject as RFC 4514 writes it, "CN=proxy,O=Example"; `None` without one.
        connection: number of the connection to any back end, from 1: requests with the same one shared it.
        time: when it had been read, with a time zone.
    """

    backend: BackendAddress
    method: str
    path: str
    protocol: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = field(default=b"", repr=False)
    size: int = 0
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    sni: str | None = None
    tls: str | None = None
    client_certificate: str | None = field(default=None, repr=False)
    client_subject: str | None = None
    connection: int
    time: dt.datetime

    def __str__(self) -> str:
        lines = [f"{self.backend} received {self.method} {self.path} {self.protocol}"]
        if self.tls is not None:
            certificate = f"certificate of {self.client_subject}" if self.client_certificate else "no certificate"
            lines.append(f"  {self.tls}, SNI {self.sni or 'absent'}, {certificate}")
        lines += [f"  {name}: {value}" for name, value in self.headers.fields]
        lines += [f"  {name}={_short(value)}" for name, value in self.variables.items()]
        if self.size:
            lines.append(f"  body of {self.size} bytes: {_short(repr(self.body[:_SHOWN]))}")
        return "\n".join(lines)


def text(data: bytes | bytearray | memoryview) -> str:
    """Bytes of a head as text: UTF-8 where it is, else each byte as a character; nothing is lost and nothing fails."""
    try:
        return bytes(data).decode()
    except UnicodeDecodeError:
        return bytes(data).decode("latin-1")


def _short(value: str) -> str:
    value = value.replace("\n", "\\n")
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
