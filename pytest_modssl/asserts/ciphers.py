"""Which cipher suites and groups a server accepts, and in which order: judged by what it selects on the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_modssl.asserts._collect import require
from pytest_modssl.errors import Mismatch
from pytest_modssl.httpd.library import listed_suites
from pytest_modssl.tls import names
from pytest_modssl.tls.kinds import chosen, first_swap, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.scan import Scan

Patterns: TypeAlias = str | Sequence[str] | Mapping[str, str | Sequence[str]]
"""One pattern or several for every protocol, or by protocol; see `pytest_modssl.tls.kinds`."""

Order: TypeAlias = bool | Patterns | None
"""Whose order shall decide, or which order; see `assert_ciphers`."""

_TLS13 = "TLSv1.3"
_ORDERS = {True: "the server's order", False: "the client's order", None: "an order that follows no rule"}


def assert_ciphers(
    server: Server,
    name: str | None = None,
    *,
    port: int = 443,
    protocols: Sequence[str] | None = None,
    only: Patterns | None = None,
    never: Patterns = (),
    accepts: Patterns = (),
    ordered: Order = None,
    listed: str | None = None,
    **options: Any,
) -> Scan:
    """The scan of the port, whose protocols and cipher suites are as expected in all that was named.

    Suites are named by patterns: OpenSSL's or IANA's name, a kind ("RC4", "aNULL", "kRSA", "CBC"), or several joined by
    `+` ("ECDHE+AESGCM"). They hold for every protocol that the server accepts, unless they are given by protocol:
    `only={"TLSv1.2": ["ECDHE+AESGCM"]}` says nothing of the others.

    Args:
        server: the server to look at.
        name: the name to send as SNI.
        port: port of the configuration.
        protocols: exactly those that must be accepted, in any order.
        only: patterns, one of which every accepted suite must fit.
        never: patterns that no accepted suite may fit.
        accepts: patterns, each of which an accepted suite must fit.
        ordered: True where the server's order must decide (`SSLHonorCipherOrder on`), False where the client's must;
            patterns where the server's must, and its suites must come in this order, those that fit none last.
        listed: a string as for `SSLCipherSuite`: exactly those suites must be accepted that `openssl ciphers` of the
            server's own library lists for it and the server's keys allow, under TLS 1.3 all of its default; where the
            server's order decides, in its order. It needs the program `openssl` where the httpd is.
        options: as for `Server.scan`.

    Raises:
        ModsslAssertionError: with every mismatch, by protocol.
        TlsError: for a pattern or protocol that does not exist; when the port cannot be scanned.
        HttpdNotFoundError: when `listed` is given and no program `openssl` is there that belongs to the httpd.
    """
    __tracebackhide__ = True
    for patterns in (only, never, accepts, ordered):
        _check(patterns)
    for one in protocols or ():
        names.code_of(names.PROTOCOLS, one, "protocol")
    seen = server.scan(name, port=port, **options)
    mismatches = list(_protocols(seen, protocols))
    for protocol, suites in seen.suites.items():
        mismatches += _suites(protocol, suites, _of(only, protocol), _of(never, protocol) or [])
        mismatches += _order(seen, protocol, ordered)
    mismatches += _missing(seen, accepts)
    if listed is not None:
        mismatches += _unlike_library(server, seen, listed)
    require(server, f"cipher suites of {name or 'no name'} on port {port}", mismatches, seen=[seen])
    return seen


def assert_groups(
    server: Server,
    name: str | None = None,
    *,
    port: int = 443,
    only: Sequence[str] | None = None,
    never: Sequence[str] = (),
    accepts: Sequence[str] = (),
    ordered: Sequence[str] | None = None,
    **options: Any,
) -> Scan:
    """The scan of the port, whose groups of key exchange are as expected in all that was named.

    Groups are named as IANA does: "x25519", "secp256r1" (OpenSSL's prime256v1 and P-256), "X25519MLKEM768". What holds
    for all must hold for each protocol that uses groups; a hybrid is for TLS 1.3 alone, so `accepts` and `ordered` ask
    for each group where its kind can be: from TLS 1.3 on for hybrids and ffdhe, in every protocol for curves.

    Args:
        server: the server to look at.
        name: the name to send as SNI.
        port: port of the configuration.
        only: those that may be accepted.
        never: those that may not.
        accepts: those that must be.
        ordered: groups of which those that are accepted must come in this order.
        options: as for `Server.scan`.

    Raises:
        ModsslAssertionError: with every mismatch, by protocol.
        TlsError: for a group that does not exist; when the port cannot be scanned.
    """
    __tracebackhide__ = True
    for one in (*(only or ()), *never, *accepts, *(ordered or ())):
        names.code_of(names.GROUPS, one, "group")
    seen = server.scan(name, port=port, **options)
    mismatches = list(_protocols(seen, None))
    for protocol, groups in seen.groups.items():
        what = f"groups of {protocol}"
        beyond = [one for one in groups if one in never or (only is not None and one not in only)]
        if beyond:
            allowed = "none but " + ", ".join(only) if only is not None else f"none of {', '.join(never)}"
            mismatches.append(Mismatch(what, allowed, ", ".join(beyond)))
        lacking = [one for one in accepts if one not in groups and (protocol == _TLS13 or _is_curve(one))]
        if lacking:
            mismatches.append(Mismatch(what, ", ".join(lacking), ", ".join(groups) or "none"))
        inside = [one for one in groups if one in (ordered or ())]
        wanted = [one for one in ordered or () if one in groups]
        if inside != wanted:
            swap = first_swap(wanted, inside)
            mismatches.append(Mismatch(f"order of the groups of {protocol}", ", ".join(wanted), swap))
    hybrids = [one for one in accepts if not _is_curve(one)]
    if hybrids and _TLS13 not in seen.groups:
        mismatches.append(Mismatch(f"groups of {_TLS13}", ", ".join(hybrids), f"no {_TLS13}"))
    require(server, f"groups of {name or 'no name'} on port {port}", mismatches, seen=[seen])
    return seen


def _is_curve(group: str) -> bool:
    return "MLKEM" not in group and not group.startswith("ffdhe")


def _check(patterns: Order) -> None:
    """Raise for a pattern that says nothing, before a server is asked."""
    if isinstance(patterns, Mapping):
        for protocol in patterns:
            names.code_of(names.PROTOCOLS, protocol, "protocol")
    for protocol in names.PROTOCOLS:
        for one in _of(patterns, protocol) or ():
            kind_of(one)


def _of(patterns: Order, protocol: str) -> list[str] | None:
    """The patterns for a protocol; None where there are none for it."""
    if patterns is None or isinstance(patterns, bool):
        return None
    if isinstance(patterns, Mapping):
        return _of(patterns.get(protocol), protocol)
    return [patterns] if isinstance(patterns, str) else list(patterns)


def _protocols(seen: Scan, wanted: Sequence[str] | None) -> Iterator[Mismatch]:
    if wanted is not None and set(wanted) != set(seen.protocols):
        yield Mismatch("protocols", ", ".join(wanted) or "none", ", ".join(seen.protocols) or "none")
    elif wanted is None and not seen.protocols:
        yield Mismatch("protocols", "one at least", "none")


def _suites(protocol: str, suites: Sequence[str], only: list[str] | None, never: list[str]) -> Iterator[Mismatch]:
    what = f"cipher suites of {protocol}"
    if only is not None:
        fit = chosen(suites, only)
        beyond = [one for one in suites if one not in fit]
        if beyond:
            yield Mismatch(what, f"only {', '.join(only) or 'none'}", ", ".join(beyond))
    forbidden = chosen(suites, never)
    if forbidden:
        yield Mismatch(what, f"none of {', '.join(never)}", ", ".join(forbidden))


def _order(seen: Scan, protocol: str, ordered: Order) -> Iterator[Mismatch]:
    suites, decides = seen.suites[protocol], seen.server_order[protocol]
    patterns = _of(ordered, protocol)
    if len(suites) < 2 or ordered is None or (patterns is None and not isinstance(ordered, bool)):
        return
    what = f"order of the cipher suites of {protocol}"
    wanted = ordered is not False
    if decides is not wanted:
        yield Mismatch(what, _ORDERS[wanted], _ORDERS[decides])
    elif patterns is not None:
        ranked = [one for pattern in patterns for one in chosen(suites, [pattern])]
        expected = list(dict.fromkeys([*ranked, *suites]))
        if expected != list(suites):
            yield Mismatch(what, ", ".join(patterns), first_swap(expected, suites))


def _missing(seen: Scan, accepts: Patterns) -> Iterator[Mismatch]:
    if not isinstance(accepts, Mapping):
        everything = [one for suites in seen.suites.values() for one in suites]
        lacking = [one for one in _of(accepts, _TLS13) or () if not chosen(everything, [one])]
        if lacking:
            accepted = ", ".join(dict.fromkeys(everything)) or "none"
            yield Mismatch("cipher suites", f"some of {', '.join(lacking)}", accepted)
        return
    for protocol in accepts:
        suites = seen.suites.get(protocol, ())
        lacking = [one for one in _of(accepts, protocol) or () if not chosen(suites, [one])]
        if lacking:
            yield Mismatch(
                f"cipher suites of {protocol}", f"some of {', '.join(lacking)}", ", ".join(suites) or f"no {protocol}"
            )


def _unlike_library(server: Server, seen: Scan, cipher_string: str) -> Iterator[Mismatch]:
    keys = set(seen.certificates)
    for protocol, suites in seen.suites.items():
        said = listed_suites(server.installation, cipher_string, protocol)
        if protocol == _TLS13:
            wanted = said
        else:
            wanted = tuple(one for one in said if names.cipher_suite(one).authentication in keys)
        what = f"cipher suites of {protocol} against its own library's list of {cipher_string}"
        lacking = [one for one in wanted if one not in suites]
        beyond = [one for one in suites if one not in said]
        if lacking:
            yield Mismatch(what, ", ".join(lacking), "that they are not accepted")
        if beyond:
            yield Mismatch(what, "no others", ", ".join(beyond))
        elif not lacking and seen.server_order[protocol] and tuple(suites) != wanted:
            yield Mismatch(f"order of the {what}", ", ".join(wanted), first_swap(wanted, suites))
