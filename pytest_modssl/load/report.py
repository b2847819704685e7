"""What came of a load: a value that prints as a few lines, and several of them side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_modssl.tls import Handshake


# The server's CPU time is that of one connection, the ratio that of it to the first row's.
_COLUMNS = ("", "connections", "failed", "resumed", "handshake p50", "p99", "server CPU", "ratio")


@dataclass(frozen=True, slots=True)
class Latency:
    """How long something took: percentiles over all times, in seconds, by the nearest rank.

    Attributes:
        p50: half took no longer than this.
        p90: nine of ten.
        p99: 99 of 100.
        most: the longest.
    """

    p50: float
    p90: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Latency | None:
        """Those of some times; `None` without any."""
        if not seconds:
            return None
        ordered = sorted(seconds)
        # Nearest rank: the smallest value that at least that part of all does not exceed.
        p50, p90, p99 = (ordered[-(-len(ordered) * part // 100) - 1] for part in (50, 90, 99))
        return cls(p50, p90, p99, ordered[-1])

    def __str__(self) -> str:
        return ", ".join(
            f"{name} {seconds * 1000:.1f} ms"
            for name, seconds in (("p50", self.p50), ("p90", self.p90), ("p99", self.p99), ("most", self.most))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What came of a load.

    Attributes:
        url: what was asked for.
        address: where.
        workers: connections at a time.
        connections: how many were tried.
        handshakes: TLS handshakes that succeeded.
        requests: answers that came whole, with a status below 400.
        failures: connections that went wrong, by how: the kind of `Handshake.failure`, an alert with its name
            ("alert handshake_failure"), "answer 503", "no answer".
        protocols: handshakes by protocol.
        offered: handshakes for which there was a session to resume.
        resumptions: of these, the sessions taken up, by "ticket" and "session id".
        seconds: from the first connection to the end of the last.
        handshake_latency: from the beginning of a connection until its handshake was finished; `None` without any.
        latency: from the beginning of a connection to its end.
        server_cpu: seconds of CPU that all processes of the server spent meanwhile, in steps of 10 ms; `None` where it
            cannot be had.
        examples: a handshake of each kind of failure, one for which there was no session to offer, and one of each way
            in which a session was taken up, or was not.
    """

    url: str
    address: tuple[str, int]
    workers: int
    connections: int
    handshakes: int
    requests: int
    failures: Mapping[str, int]
    protocols: Mapping[str, int]
    offered: int
    resumptions: Mapping[str, int]
    seconds: float
    handshake_latency: Latency | None
    latency: Latency | None
    server_cpu: float | None
    examples: tuple[Handshake, ...] = field(default=(), repr=False, compare=False)

    @property
    def failed(self) -> int:
        """How many connections went wrong."""
        return sum(self.failures.values())

    @property
    def resumed(self) -> int:
        """How many sessions were taken up."""
        return sum(self.resumptions.values())

    @property
    def resumption_rate(self) -> float | None:
        """The part of the sessions offered that was taken up, 0 to 1; `None` where the server gave none to offer."""
        return self.resumed / self.offered if self.offered else None

    @property
    def cpu_per_connection(self) -> float | None:
        """Seconds of the server's CPU for one connection; `None` where that cannot be had."""
        return None if self.server_cpu is None or not self.connections else self.server_cpu / self.connections

    def __str__(self) -> str:
        return "\n".join([f"load on {self.url} ({self.address[0]}:{self.address[1]})", *self._lines()])

    def _lines(self) -> Iterator[str]:
        yield f"  {self.connections} connections by {self.workers} workers in {self.seconds:.2f} s"
        if self.handshakes:
            yield f"  handshakes: {self.handshakes} ({_counted(self.protocols)})"
        yield f"  answers: {self.requests}"
        yield f"  failures: {self.failed and f'{self.failed} ({_counted(self.failures)})'}"
        if self.resumption_rate is not None:
            how = f": {_counted(self.resumptions)}" if self.resumed else ""
            yield f"  sessions resumed: {self.resumed} of {self.offered} ({self.resumption_rate:.0%}){how}"
        elif self.handshakes:
            yield "  sessions resumed: none was offered"
        if self.handshake_latency is not None:
            yield f"  handshake: {self.handshake_latency}"
        if self.latency is not None:
            yield f"  connection: {self.latency}"
        if self.server_cpu is None or self.cpu_per_connection is None:
            yield "  server's CPU time: cannot be had here"
        else:
            per = self.cpu_per_connection * 1000
            yield f"  server's CPU time: {self.server_cpu:.2f} s, {per:.2f} ms for a connection"


@dataclass(frozen=True)
class LoadComparison:
    """Loads side by side, each against the first.

    Attributes:
        reports: by name.
    """

    reports: Mapping[str, LoadReport]

    @property
    def ratios(self) -> Mapping[str, float | None]:
        """The server's CPU time for a connection, as a multiple of that of the first; `None` where it cannot be had."""
        first = next(iter(self.reports.values()), None)
        base = None if first is None else first.cpu_per_connection
        return {
            name: None if not base or one.cpu_per_connection is None else one.cpu_per_connection / base
            for name, one in self.reports.items()
        }

    def __str__(self) -> str:
        rows = [_COLUMNS, *self._rows()]
        first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
        return "\n".join(
            "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], others, strict=True))])
            for row in rows
        )

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, one in self.reports.items():
            rate, per, ratio = one.resumption_rate, one.cpu_per_connection, self.ratios[name]
            shaken = one.handshake_latency
            yield (
                name,
                str(one.connections),
                str(one.failed),
                "-" if rate is None else f"{rate:.0%}",
                "-" if shaken is None else f"{shaken.p50 * 1000:.1f} ms",
                "-" if shaken is None else f"{shaken.p99 * 1000:.1f} ms",
                "-" if per is None else f"{per * 1000:.2f} ms",
                "-" if ratio is None else f"{ratio:.2f}",
            )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])))
