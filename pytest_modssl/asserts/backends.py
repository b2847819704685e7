"""What a back end must have received from the proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl import wait
from pytest_modssl.asserts._collect import Expected, compare, fail, require
from pytest_modssl.errors import Mismatch, WaitTimeoutError
from pytest_modssl.pki import LeafCert

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_modssl.backends import BackendAddress, BackendRequest, Backends
    from pytest_modssl.targets.server import Server

# The request was kept before its answer went to the client; only what has no client comes later.
_SECONDS = 1.0


def assert_backend_received(
    server: Server,
    backends: Backends,
    backend: BackendAddress | str,
    *,
    method: Expected | None = None,
    path: Expected | None = None,
    headers: Mapping[str, Expected] | None = None,
    absent: Collection[str] = (),
    body: bytes | Callable[[bytes], bool] | None = None,
    variables: Mapping[str, Expected] | None = None,
    sni: Expected | None = None,
    client_certificate: LeafCert | Expected | None = None,
    seconds: float = _SECONDS,
) -> BackendRequest:
    """A request that a back end received since `backends.clear()`, and that is as expected; the newest of several.

    Args:
        server: the proxy.
        backends: the stand-ins.
        backend: which of them: "http://app.internal:8080", or an address.
        method: "GET".
        path: with the query, as the back end sees it.
        headers: what fields must be there, by name in any case: exact, a pattern (searched), or a function.
        absent: names of fields that must not be there.
        body: the body, or a function of it; the first 1,048,576 bytes.
        variables: what FastCGI, SCGI and uwsgi sent, or attributes of AJP.
        sni: the name in the proxy's handshake; `False` for none.
        client_certificate: that of the proxy: the certificate itself, or what its subject must be ("CN=proxy");
            `False` for none.
        seconds: deadline.

    Raises:
        ModsslAssertionError: with every mismatch of the newest request, or with what other back ends received.
        BackendError: none of the stand-ins is for this back end.
    """
    __tracebackhide__ = True

    def mismatches(seen: BackendRequest) -> list[Mismatch]:
        found = [*compare("method", method, seen.method), *compare("path", path, seen.path)]
        for name, value in (headers or {}).items():
            found += compare(f"header {name}", value, seen.headers.get(name))
        found += [
            Mismatch(f"header {name}", "it to be absent", repr(seen.headers[name]))
            for name in absent
            if name in seen.headers
        ]
        for name, value in (variables or {}).items():
            found += compare(f"variable {name}", value, seen.variables.get(name))
        if body is not None and not (body(seen.body) if callable(body) else seen.body == body):
            found += [Mismatch("body", "another one" if callable(body) else repr(body), repr(seen.body[:200]))]
        return [*found, *_tls(seen, sni, client_certificate)]

    headline = f"what the back end {backend} received"

    def fitting() -> BackendRequest | None:
        return next((one for one in reversed(backends.received(backend)) if not mismatches(one)), None)

    try:
        seen = wait.until(fitting, seconds=seconds, what=headline)
    except WaitTimeoutError:
        received = backends.received(backend)
        if received:
            fail(server, headline, mismatches(received[-1]), seen=received[::-1])
        others = backends.received()
        told = f"none; others received {len(others)}" if others else "none, nor did another back end"
        fail(server, headline, [Mismatch("request", "one", told)], seen=others)
    require(server, headline, [], seen=[seen])
    return seen


def _tls(
    seen: BackendRequest,
    sni: Expected | None,
    client_certificate: LeafCert | Expected | None,
) -> list[Mismatch]:
    found = _or_none("SNI", sni, seen.sni)
    if isinstance(client_certificate, LeafCert):
        if seen.client_certificate != client_certificate.cert_pem.bytes().decode():
            subject = client_certificate.certificate.subject.rfc4514_string()
            number = f"serial number {client_certificate.certificate.serial_number:X}"
            told = "none" if seen.client_subject is None else f"another one, of {seen.client_subject!r}"
            found.append(Mismatch("client certificate", f"that of {subject!r} ({number})", told))
        return found
    return [*found, *_or_none("client certificate", client_certificate, seen.client_subject)]


def _or_none(what: str, expected: Expected | None, seen: str | None) -> list[Mismatch]:
    if expected is False:
        return [] if seen is None else [Mismatch(what, "none", repr(seen))]
    return compare(what, expected, seen)
