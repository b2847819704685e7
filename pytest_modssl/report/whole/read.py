"""Observations as the values of a report: what each tells of the virtual host that was asked."""

from __future__ import annotations

import http.client
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pytest_modssl.http import FailedRequest, RedirectChain, responses_in
from pytest_modssl.policy import PolicyReport
from pytest_modssl.report.whole.value.failure import Conversation, Message
from pytest_modssl.report.whole.value.host import (
    Accepted,
    Answer,
    Certificate,
    Chain,
    Deviation,
    Host,
    Protocol,
    Redirect,
    Redirects,
    Shake,
    Verdict,
)
from pytest_modssl.tls import Exchange, Handshake, Scan, hostname
from pytest_modssl.tls.demand import WORDS
from pytest_modssl.tls.describe import describe
from pytest_modssl.tls.records import RECORD_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_modssl.tls import Entry

_MESSAGES = 60
_HSTS = "Strict-Transport-Security"


def asked(observation: object) -> tuple[str | None, tuple[str, int] | int] | None:
    """Which name an observation asked for, and where: an address, or the port of a URL; `None` where nothing tells."""
    if isinstance(observation, Exchange):
        return asked(observation.handshake)
    if isinstance(observation, PolicyReport):
        return observation.name, observation.port
    url = _url(observation)
    if url is not None:
        parts = urlsplit(url)
        try:
            return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            return None
    address = getattr(observation, "address", None)
    return None if address is None else (getattr(observation, "server_name", None), address)


def _url(observation: object) -> str | None:
    if isinstance(observation, requests.Response):
        return observation.request.url
    if isinstance(observation, FailedRequest):
        return observation.url
    if isinstance(observation, RedirectChain):
        return next(iter(observation.urls), observation.url)
    return None


def seen(host: Host, observation: object) -> Host:
    """The host with what an observation tells of it, and nothing that was known before."""
    read = next((one for kind, one in _READERS.items() if isinstance(observation, kind)), None)
    return host if read is None else replace(host, **read(observation))


def _handshake(one: Handshake) -> dict[str, Any]:
    shake = Shake(
        protocol=one.protocol,
        suite=one.cipher_suite,
        group=one.group or (f"DH {one.dh_bits} bits" if one.dh_bits else None),
        failure="" if one.ok else f"{one.failure}: {one.error}",
        resumed=one.resumed,
        count=1,
        seconds=(round(one.timings["handshake"], 6),) if "handshake" in one.timings else (),
    )
    chain = _chain(one)
    return {
        "shakes": (shake,),
        "chains": () if chain is None else (chain,),
        "demands": tuple(dict.fromkeys(WORDS[demand.how] for demand in one.demands)),
        "client_cas": one.client_ca_names,
    }


def _chain(one: Handshake) -> Chain | None:
    try:
        certificates = tuple(map(certificate, one.chain))
    except ValueError:
        return None  # the failure tells of it
    if not certificates:
        return None
    return Chain(
        certificates=certificates,
        verdict=str(one.verification),
        trusted=one.verification.ok,
        for_name=one.hostname_ok,
        stapled=bool(one.ocsp_response),
    )


def certificate(one: x509.Certificate) -> Certificate:
    """A certificate as a value."""
    key = one.public_key()
    kind = type(key).__name__.lstrip("_").removesuffix("PublicKey")
    size = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else str(getattr(key, "key_size", ""))
    try:
        authority = one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        authority = False
    return Certificate(
        subject=one.subject.rfc4514_string(),
        issuer=one.issuer.rfc4514_string(),
        names=hostname.certificate_names(one),
        begins=one.not_valid_before_utc.isoformat(),
        ends=one.not_valid_after_utc.isoformat(),
        key=f"{'EC' if kind == 'EllipticCurve' else kind} {size}".strip(),
        signature=getattr(one.signature_algorithm_oid, "_name", one.signature_algorithm_oid.dotted_string),
        serial=f"{one.serial_number:x}",
        sha256=one.fingerprint(hashes.SHA256()).hex(),
        authority=authority,
    )


def _scan(one: Scan) -> dict[str, Any]:
    protocols = tuple(
        Protocol(
            name=name, suites=suites, server_order=one.server_order.get(name), groups=tuple(one.groups.get(name, ()))
        )
        for name, suites in one.suites.items()
    )
    accepted = Accepted(
        protocols=protocols, dh_bits=one.dh_bits, compression=one.compression, asked_as=one.server_name or ""
    )
    return {"accepted": accepted, "demands": ("in the handshake",) if one.client_certificate else ()}


def _policy(one: PolicyReport) -> dict[str, Any]:
    found = tuple(
        Deviation(
            subject=deviation.subject,
            allowed=deviation.allowed,
            seen=deviation.seen,
            change=deviation.change,
            lacks=deviation.lacks,
        )
        for deviation in one.deviations
    )
    verdict = Verdict(
        policy=str(one.policy), source=one.policy.source, deviations=found, not_judged=tuple(one.not_judged)
    )
    return {"verdicts": (verdict,), **_scan(one.seen.scan)}


def _response(one: requests.Response) -> dict[str, Any]:
    url = one.request.url or ""
    told: dict[str, Any] = {"answers": (Answer(method=one.request.method or "", url=url, status=one.status_code),)}
    if url.startswith("https:"):
        told["hsts"] = one.headers.get(_HSTS, "")
    return told


def _failed(one: FailedRequest) -> dict[str, Any]:
    return {"answers": (Answer(method="", url=one.url, status=None, error=f"{type(one.error).__name__}: {one.error}"),)}


def _exchange(one: Exchange) -> dict[str, Any]:
    told = _handshake(one.handshake)
    name, port = one.handshake.server_name, one.handshake.address[1]
    if one.status is not None and name is not None:
        url = f"https://{name}{'' if port == 443 else f':{port}'}{one.target}"
        try:
            told |= _response_read(one.reply, url, one.request.partition(b" ")[0].decode("ascii", "backslashreplace"))
        except http.client.HTTPException:
            return told
    return told


def _response_read(reply: bytes, url: str, method: str) -> dict[str, Any]:
    answer = responses_in(reply, url)[0]
    told = {"answers": (Answer(method=method, url=url, status=answer.status_code),)}
    return {**told, "hsts": answer.headers.get(_HSTS, "")}


def _redirects(one: RedirectChain) -> dict[str, Any]:
    hops = tuple(Redirect(url=hop.url, status=hop.status, location=hop.location) for hop in one.hops)
    found = Redirects(hops=hops, url=one.url, status=one.status, loop=one.loop, error=one.error or "")
    return {"redirects": (found,) if hops else ()}


_READERS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    Exchange: _exchange,
    Handshake: _handshake,
    Scan: _scan,
    PolicyReport: _policy,
    requests.Response: _response,
    FailedRequest: _failed,
    RedirectChain: _redirects,
}
"""What each kind of observation tells: fields of `Host`."""


def conversation(observation: object) -> Conversation | None:
    """The TLS connection of an observation, record by record; `None` where it has none."""
    one = observation.handshake if isinstance(observation, Exchange) else observation
    if not isinstance(one, Handshake):
        return None
    entries = one.transcript.entries
    title, *summary = str(one).splitlines()
    return Conversation(
        title=title,
        ok=one.ok,
        summary=tuple(line.strip() for line in summary),
        messages=tuple(map(_message, entries[:_MESSAGES])),
        left_out=max(0, len(entries) - _MESSAGES),
    )


def _message(entry: Entry) -> Message:
    return Message(
        sent=entry.direction == "sent",
        ms=round(entry.time * 1000, 2),
        kind=RECORD_TYPES.get(entry.record_type, f"type {entry.record_type}"),
        length=entry.length,
        encrypted=entry.encrypted,
        told=tuple(_told(entry)),
    )


def _told(entry: Entry) -> Iterator[str]:
    if entry.alert is not None:
        yield str(entry.alert)
    yield from entry.names
    for message in entry.messages:
        yield describe(message, entry.protocol)
