"""What clients see of a configuration, as plain values: equal for two servers that no client can tell apart.

Left out is what differs from answer to answer, or from one making of a certificate to the next: keys, serial numbers,
dates, sizes, the values of cookies.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from pytest_modssl.errors import ModsslError
from pytest_modssl.repo.checks.hosts import example
from pytest_modssl.repo.checks.observed import Arrival, is_redirect
from pytest_modssl.tls import hostname

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

    from pytest_modssl.repo.checks.observed import Observed
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.tls import Handshake, Scan

UNKNOWN: Final = "unknown-name.invalid"
"""A name that no configuration has (RFC 6761 section 6.4)."""

_OFFERED: Final = ("h2", "http/1.1")
# About one answer and the connection it came by, or told otherwise: Location with the status.
_OF_ONE_ANSWER: Final = frozenset(
    {"accept-ranges", "age", "connection", "content-length", "date", "etag", "expires", "keep-alive", "last-modified"}
    | {"location", "transfer-encoding", "upgrade"}
)
_NONCE: Final = re.compile(r"'nonce-[^']*'")
# Where the next cookie begins in several that `requests` has joined; the date of Expires has a comma too.
_NEXT_COOKIE: Final = re.compile(r",\s*(?=[^;,=\s]+=)")
_OF_COOKIES: Final = ("secure", "httponly", "samesite", "partitioned", "domain", "path")


@dataclass(frozen=True, slots=True)
class Page:
    """What the answer for a page was like.

    Attributes:
        status: `None` where there was no answer.
        location: where it sends its client.
        error: why there was no answer.
    """

    status: int | None = None
    location: str = ""
    error: str = ""

    def __str__(self) -> str:
        if self.status is None:
            return f"no answer ({self.error})"
        return f"{self.status} to {self.location}" if self.location else str(self.status)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that a host shows.

    Attributes:
        key: its kind and size: "EC secp256r1", "RSA 2048".
        names: that it is for, sorted.
    """

    key: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"one for {', '.join(self.names) or 'no name'} ({self.key})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What a port accepts in TLS.

    Attributes:
        suites: by protocol, the newest first; in the server's order where that decides, else sorted.
        groups: likewise.
        server_order: by protocol, whether the server's order decides; `None` where nothing shows it.
        dh_bits: of the smallest prime of DHE.
        compression: "NULL" for none; `None` where nothing shows it.
        error: why nothing is known.
    """

    suites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    server_order: Mapping[str, bool | None] = field(default_factory=dict)
    dh_bits: int | None = None
    compression: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHost:
    """What clients see of one virtual host at one port.

    Attributes:
        key: "www.example.com:443", numbered where several have it.
        url: of its first page.
        port: in URLs.
        names: that lead to it, its own first; one that an earlier host has does not.
        tls: whether it speaks TLS.
        page: the answer for `/`.
        endless: why its redirects have no end; empty where they have one.
        headers: other fields of that answer, by name in lower case.
        unknown: the answer for a name that no host has; `None` where another host gives it.
        failure: why the handshake fails; empty where it does not.
        certificates: all that it shows.
        chain: how many certificates come with a handshake.
        accepted: protocols, suites and groups.
        alpn: what it selects of h2 and http/1.1; `None` for nothing.
        client: "not asked for", "asked for" or "demanded": a client certificate.
        client_cas: whose client certificates it says that it takes.
        plain: the answer to plain HTTP at its TLS port.
    """

    key: str
    url: str
    port: int
    names: tuple[str, ...]
    tls: bool
    page: Page
    endless: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    unknown: Page | None = None
    failure: str = ""
    certificates: tuple[Certificate, ...] = ()
    chain: int = 0
    accepted: Accepted = field(default_factory=Accepted)
    alpn: str | None = None
    client: str = "not asked for"
    client_cas: tuple[str, ...] = ()
    plain: Page | None = None


def keyed(observed: Observed) -> dict[str, RepoHost]:
    """The virtual hosts of a server by the keys that they have here."""
    times: Counter[str] = Counter()
    found: dict[str, RepoHost] = {}
    for host in observed.hosts:
        name = f"{host.name}:{host.port}"
        times[name] += 1
        found[name if times[name] == 1 else f"{name}#{times[name]}"] = host
    return found


def look(observed: Observed) -> dict[str, SeenHost]:
    """What clients see of a running server, by virtual host; hosts of a port with equal settings share a scan."""
    selected: dict[str, str | None] = {}
    return {key: _look(observed, key, host, selected) for key, host in keyed(observed).items()}


def _look(observed: Observed, key: str, host: RepoHost, selected: dict[str, str | None]) -> SeenHost:
    arrival = observed.arrival(host, host.name)
    chain = observed.chain(arrival.url) if is_redirect(arrival.response) else None
    seen = SeenHost(
        key=key,
        url=arrival.url,
        port=host.port,
        names=tuple(name for name in host.names if observed.hosts.at_port(example(name), host.reached) is host),
        tls=host.tls,
        page=_page(arrival),
        endless="" if chain is None or chain.error is None or observed.leads_out(chain) else chain.error,
        headers=headers_of(arrival),
        unknown=_page(observed.arrival(host, UNKNOWN)) if host.default else None,
    )
    return _over_tls(observed, host, arrival.handshake, seen, selected) if host.tls else seen


def _over_tls(
    observed: Observed, host: RepoHost, shaken: Handshake | None, seen: SeenHost, selected: dict[str, str | None]
) -> SeenHost:
    try:
        if host.settings not in selected:
            selected[host.settings] = observed.server.handshake(
                host.name, port=host.reached, alpn=_OFFERED, client=observed.client(host)
            ).alpn
        found: Scan | ModsslError = observed.scan(host)
    except ModsslError as error:
        found = error
    accepted = Accepted(error=str(found).partition("\n")[0]) if isinstance(found, ModsslError) else _accepted(found)
    failure = "" if shaken is not None and shaken.ok else seen.page.error if shaken is None else f"{shaken.failure}"
    asks = shaken is not None and shaken.client_certificate_requested
    return replace(
        seen,
        failure=failure,
        certificates=tuple(sorted(map(_certificate, (one.certificate for one in observed.presented(host))), key=str)),
        chain=0 if shaken is None else len(shaken.certificates),
        accepted=accepted,
        alpn=selected.get(host.settings),
        client="demanded" if host.demands_certificate else "asked for" if asks else "not asked for",
        client_cas=() if shaken is None else tuple(sorted(shaken.client_ca_names)),
        plain=_page(observed.plain_on_tls(host)),
    )


def _page(arrival: Arrival) -> Page:
    if arrival.response is None:
        shaken = arrival.handshake
        return Page(error=arrival.error if shaken is None or shaken.ok else f"the handshake fails: {shaken.failure}")
    location = arrival.response.headers.get("Location", "") if is_redirect(arrival.response) else ""
    return Page(arrival.response.status_code, location)


def headers_of(arrival: Arrival) -> dict[str, str]:
    """The fields of an answer that tell of its configuration."""
    if arrival.response is None:
        return {}
    found = {name.lower(): value for name, value in arrival.response.headers.items()}
    return {name: _lasting(name, value) for name, value in found.items() if name not in _OF_ONE_ANSWER}


def _lasting(name: str, value: str) -> str:
    """The value of a field without what is new in each answer."""
    return ", ".join(map(_cookie, _NEXT_COOKIE.split(value))) if name == "set-cookie" else _NONCE.sub("'nonce-'", value)


def _cookie(text: str) -> str:
    """Name and attributes of a cookie (RFC 6265 section 4.1.1)."""
    pair, *attributes = (part.strip() for part in text.split(";"))
    kept = (one for one in attributes if one.partition("=")[0].strip().lower() in _OF_COOKIES)
    return "; ".join([pair.partition("=")[0].strip(), *kept])


def _certificate(certificate: x509.Certificate) -> Certificate:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        kind = f"EC {key.curve.name}"
    elif isinstance(key, (rsa.RSAPublicKey, dsa.DSAPublicKey)):
        kind = f"{'RSA' if isinstance(key, rsa.RSAPublicKey) else 'DSA'} {key.key_size}"
    else:
        kind = type(key).__name__.removeprefix("_").removesuffix("PublicKey")
    return Certificate(kind, tuple(sorted(hostname.certificate_names(certificate))))


def _accepted(scan: Scan) -> Accepted:
    ordered = {name: scan.server_order.get(name) is not False for name in scan.suites}
    return Accepted(
        suites={name: found if ordered[name] else tuple(sorted(found)) for name, found in scan.suites.items()},
        groups=dict(scan.groups),
        server_order=dict(scan.server_order),
        dh_bits=scan.dh_bits,
        compression=scan.compression,
    )
