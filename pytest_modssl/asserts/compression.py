"""Whether the server compresses inside TLS, which it should not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import require
from pytest_modssl.errors import Mismatch

if TYPE_CHECKING:
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls import ProbeResult

# TLS 1.3 has no compression (RFC 8446 section 4.1.2). Before it, a client names its newest version alone.
_PROTOCOLS = ("TLSv1.2", "TLSv1.1", "TLSv1")
_OFFERED = ("DEFLATE", "NULL")


def assert_compression(server: Server, name: str | None = None, *, port: int = 443) -> ProbeResult:
    """The answer to a client that offers compression under TLS 1.2, in which the server selected it.

    Args:
        server: the server to look at.
        name: the name to send as SNI; none is sent without.
        port: port of the configuration.

    Raises:
        ModsslAssertionError: with what it selected instead, and why.
    """
    __tracebackhide__ = True
    seen = _ask(server, name, port, _PROTOCOLS[0])
    selected = "nothing" if seen.server_hello is None else repr(seen.compression)
    mismatches = [] if seen.compression == "DEFLATE" else [Mismatch("compression", "'DEFLATE'", selected)]
    _require(server, name, port, mismatches, [seen])
    return seen


def assert_no_compression(server: Server, name: str | None = None, *, port: int = 443) -> tuple[ProbeResult, ...]:
    """The answers to clients that offer compression under TLS 1.2, 1.1 and 1.0, none of which the server took up.

    A version that it refuses compresses nothing. Arguments as for `assert_compression`.

    Raises:
        ModsslAssertionError: with the versions under which it compresses, or where it could not be asked.
    """
    __tracebackhide__ = True
    seen = tuple(_ask(server, name, port, protocol) for protocol in _PROTOCOLS)
    server.accept(one for one in seen if one.failure == "alert")
    mismatches = [
        Mismatch("compression", "'NULL'", f"{one.compression!r} under {one.protocol}")
        for one in seen
        if one.compression not in {None, "NULL"}
    ]
    mismatches += [
        Mismatch("answer", "one of TLS", str(one.error)) for one in seen[:1] if one.failure not in {None, "alert"}
    ]
    _require(server, name, port, mismatches, seen)
    return seen


def _ask(server: Server, name: str | None, port: int, protocol: str) -> ProbeResult:
    return server.probe(name, port=port, versions=(protocol,), compressions=_OFFERED)


def _require(
    server: Server,
    name: str | None,
    port: int,
    mismatches: list[Mismatch],
    seen: list[ProbeResult] | tuple[ProbeResult, ...],
) -> None:
    __tracebackhide__ = True
    require(
        server,
        f"compression of TLS with {name or 'no name'} on port {port}",
        mismatches,
        seen=seen,
        commands=[server.s_client_command(name, port=port, protocol=_PROTOCOLS[0], compression=True)],
    )
