"""What must hold of many connections, and of how long one takes to begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_modssl.asserts._collect import compare, require
from pytest_modssl.asserts.handshake import repeat_command
from pytest_modssl.errors import LoadError, Mismatch
from pytest_modssl.load.plan import url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.load import LoadReport
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake, Resumption


def assert_sessions_resumed(
    server: Server,
    name: str,
    *,
    port: int = 443,
    rate: float = 1.0,
    by: Resumption | None = None,
    connections: int = 40,
    workers: int = 4,
    seconds: float = 5.0,
    **options: Any,
) -> LoadReport:
    """The load in which enough of the sessions that clients offered were taken up, and no connection failed.

    Several clients at once make one handshake after another, each with the session of its last one.

    Args:
        server: the server to look at.
        name: the name to send as SNI.
        port: port of the configuration.
        rate: the part of them that must be resumed, 0 to 1.
        by: how: "session id", for which the server keeps them (SSLSessionCache), or "ticket", for which it keeps only
            a key (SSLSessionTickets). With "session id" the clients take no tickets up to TLS 1.2; under TLS 1.3 the
            server alone decides.
        connections: how many in all.
        workers: how many at a time.
        seconds: after which no further one is begun.
        options: as for `Server.load`: `protocol="TLSv1.2"`, `client=`, ...

    Raises:
        ModsslAssertionError: with every mismatch, the report of the load, and the server's log.
        LoadError: for a rate that is none, and a load out of bounds.
    """
    __tracebackhide__ = True
    if not 0 < rate <= 1:
        raise LoadError(f"rate={rate!r}: a part of the sessions, more than 0 and at most 1")
    if by == "session id":
        options["tickets"] = False
    bounds: dict[str, Any] = {"connections": connections, "workers": workers, "seconds": seconds, "requests": 0}
    report = server.load(url_of("https", name, port), **bounds, **options)
    require(
        server,
        f"sessions of {name} on port {port} under load",
        list(_unresumed(report, rate, by)),
        seen=(report, *report.examples),
        commands=[repeat_command(server, name, port, options)],
    )
    return report


def _unresumed(report: LoadReport, rate: float, by: Resumption | None) -> Iterator[Mismatch]:
    failures = ", ".join(f"{count} {what}" for what, count in report.failures.items())
    if failures:
        yield Mismatch("failed connections", "none", f"{report.failed} of {report.connections} ({failures})")
    found = report.resumption_rate
    if found is None:
        if report.handshakes:
            seen = f"no session to resume after {report.handshakes} handshakes"
            yield Mismatch("resumed", f"at least {rate:.0%}", seen)
        return
    if found < rate:
        yield Mismatch("resumed", f"at least {rate:.0%}", f"{found:.0%} ({report.resumed} of {report.offered})")
    for how in report.resumptions:
        yield from compare("resumed by", by, how)


def assert_handshake_within(
    server: Server, name: str | None = None, *, seconds: float, port: int = 443, **options: Any
) -> Handshake:
    """The handshake with `name`, which was finished in time.

    Args:
        server: the server to look at.
        name: the name to send as SNI.
        seconds: the deadline, from the beginning of the TCP connection until the handshake is finished. It is the
            test's to choose: on a busy machine a handshake of some milliseconds may take a second.
        port: port of the configuration.
        options: as for `Server.handshake`.

    Raises:
        ModsslAssertionError: when it was not, or failed otherwise, with how far it came and the server's log.
    """
    __tracebackhide__ = True
    seen = server.handshake(name, port=port, timeout=seconds, **options)
    took = seen.timings.get("handshake")
    if not seen.ok:
        mismatches = [Mismatch("handshake", f"success within {seconds:g} s", f"failure ({seen.failure}): {seen.error}")]
    elif took is not None and took > seconds:
        mismatches = [Mismatch("handshake", f"success within {seconds:g} s", f"success after {took:.2f} s")]
    else:
        mismatches = []
    require(
        server,
        f"TLS handshake with {name or 'no name'} on port {port}, within {seconds:g} s",
        mismatches,
        seen=(seen, seen.transcript),
        commands=[repeat_command(server, name, port, options)],
    )
    return seen
