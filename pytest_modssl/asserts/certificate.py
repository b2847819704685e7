"""What a server's certificate and the chain that it sends must be."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pytest_modssl.asserts._collect import require
from pytest_modssl.asserts.handshake import repeat_command
from pytest_modssl.certificates import is_valid, issued
from pytest_modssl.errors import Mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake

Extension = TypeVar("Extension", bound=x509.ExtensionType)

_NO_TIME = dt.timedelta(0)
_FOR_SERVERS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def assert_certificate(
    server: Server,
    name: str | None = None,
    *,
    port: int = 443,
    remaining: dt.timedelta = _NO_TIME,
    **options: Any,
) -> Handshake:
    """The handshake with `name`, whose certificate is fit for a server of that name, whoever issued it.

    Fit is one that is valid now and for `remaining` longer, names the server (RFC 9525 section 6), is no CA's
    (RFC 5280 section 4.2.1.9), and may be used for servers (section 4.2.1.12).

    Args:
        server: the server to look at.
        name: the name to send as SNI; without one the default host is asked, and names are not compared.
        port: port of the configuration.
        remaining: how much longer it must be valid.
        options: as for `Server.handshake`.

    Raises:
        ModsslAssertionError: with every mismatch, the server's log and the commands that repeat the handshake.
    """
    __tracebackhide__ = True
    seen = server.handshake(name, port=port, **options)
    require(
        server,
        f"certificate for {name or 'no name'} on port {port}",
        list(_no_handshake(seen) if seen.leaf is None else unfit(seen, seen.leaf, remaining)),
        seen=(seen,),
        commands=[repeat_command(server, name, port, options)],
    )
    return seen


def assert_chain_complete(server: Server, name: str | None = None, *, port: int = 443, **options: Any) -> Handshake:
    """The handshake with `name`, in which the server sent every certificate that a client needs, in order, and no more.

    The chain is the server's own certificate, then the issuer of each before it (RFC 8446 section 4.4.2, RFC 5246
    section 7.4.2), up to one that a root which the client trusts has issued. The root itself is superfluous. An issuer
    must be valid now and a CA (RFC 5280 section 6.1); where several would do, one is enough.

    Args:
        server: the server to look at; the roots of its CAs are trusted, or those given as `trust=`.
        name: the name to send as SNI.
        port: port of the configuration.
        options: as for `Server.handshake`.

    Raises:
        ModsslAssertionError: with every mismatch, such as the issuer that is missing; the server's log and the commands
            that repeat the handshake.
    """
    __tracebackhide__ = True
    seen = server.handshake(name, port=port, **options)
    roots = [one for pem in options.get("trust", server.trust) for one in x509.load_pem_x509_certificates(pem)]
    require(
        server,
        f"chain of {name or 'no name'} on port {port}",
        list(chain_faults(seen.chain, roots) if seen.certificates else _no_handshake(seen)),
        seen=(seen, *_listed(seen.chain)),
        commands=[repeat_command(server, name, port, options)],
    )
    return seen


def _no_handshake(seen: Handshake) -> Iterator[Mismatch]:
    yield Mismatch("handshake", "a certificate", f"none ({seen.failure}): {seen.error}")


def unfit(seen: Handshake, leaf: x509.Certificate, remaining: dt.timedelta = _NO_TIME) -> Iterator[Mismatch]:
    """What makes a certificate unfit for a server of the name that was asked for; see `assert_certificate`."""
    now = dt.datetime.now(dt.timezone.utc)
    if leaf.not_valid_before_utc > now:
        start = f"{leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        yield Mismatch("certificate: validity", "a start in the past", start)
    if leaf.not_valid_after_utc < now + remaining:
        end = f"an end after {now + remaining:%Y-%m-%d %H:%M} UTC"
        yield Mismatch("certificate: validity", end, f"{leaf.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    if seen.hostname_ok is False:
        yield Mismatch("certificate: names", str(seen.server_name), ", ".join(seen.names) or "none")
    if _is_ca(leaf):
        yield Mismatch("certificate: basicConstraints", "CA:FALSE", "CA:TRUE")
    usages = _extension(leaf, x509.ExtendedKeyUsage)
    if usages is not None and not _FOR_SERVERS & {*usages}:
        shown = ", ".join(one.dotted_string for one in usages)
        yield Mismatch("certificate: extendedKeyUsage", "serverAuth (1.3.6.1.5.5.7.3.1)", shown)


def chain_faults(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> Iterator[Mismatch]:
    """What keeps a chain from being just what a client needs; see `assert_chain_complete`."""
    needed = _path(chain, roots)
    yield from _unfit_issuers(needed[1:])
    if not _issued_by_any(needed[-1], roots) and needed[-1] not in roots:
        wanted = f"the certificate of {_of(needed[-1].issuer)}"
        yield Mismatch("chain: issuer", wanted, "none of that name, sent or trusted, that issued it")
    sent = [one for one in dict.fromkeys(chain) if one in needed]
    if sent != needed:
        order = " then ".join(_of(one.subject) for one in needed)
        yield Mismatch("chain: order", order, " then ".join(_of(one.subject) for one in sent))
    for number, one in enumerate(chain):
        if one in chain[:number]:
            yield Mismatch("chain: superfluous", "each certificate once", f"{_of(one.subject)} again")
        elif one not in needed:
            yield Mismatch(
                "chain: superfluous", "no more than is needed", f"{_of(one.subject)}, {_what(one, chain, roots)}"
            )


def _what(one: x509.Certificate, chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> str:
    """What a certificate is that is not needed."""
    if one in roots:
        return "the root, which clients have"
    if any(issued(one, other) for other in chain if other != one):
        return "a second certificate of an issuer, where one is enough"
    return "a certificate that issued none of the others"


def _unfit_issuers(issuers: Sequence[x509.Certificate]) -> Iterator[Mismatch]:
    """Why clients do not take them (RFC 5280 section 6.1)."""
    for one in issuers:
        if not is_valid(one):
            times = " to ".join(
                f"{time:%Y-%m-%d %H:%M}" for time in (one.not_valid_before_utc, one.not_valid_after_utc)
            )
            yield Mismatch("chain: validity", "certificates that are valid now", f"{_of(one.subject)}, {times} UTC")
        if not _is_ca(one):
            yield Mismatch("chain: basicConstraints", f"CA:TRUE of {_of(one.subject)}", "CA:FALSE")


def _path(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The shortest way from the first to a root, by what clients take or else by any; or as far as it leads."""
    way: list[x509.Certificate] = []
    for issuers in ([one for one in chain if is_valid(one) and _is_ca(one)], chain):
        ways, reached = [[chain[0]]], [chain[0]]
        for way in ways:
            if _issued_by_any(way[-1], roots):
                return way
            for one in issuers:
                if one not in reached and issued(one, way[-1]):
                    reached.append(one)
                    ways.append([*way, one])
    return way


def _issued_by_any(certificate: x509.Certificate, issuers: Sequence[x509.Certificate]) -> bool:
    return any(issued(one, certificate) for one in issuers)


def _listed(chain: Sequence[x509.Certificate]) -> list[str]:
    lines = [f"  {number} {_of(one.subject)}, issued by {_of(one.issuer)}" for number, one in enumerate(chain)]
    return ["\n".join(["certificates as sent:", *lines])] if lines else []


def _of(name: x509.Name) -> str:
    return name.rfc4514_string() or "an empty name"


def _is_ca(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
