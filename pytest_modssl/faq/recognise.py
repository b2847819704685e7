"""What most recognisers are made of: a line that httpd logs by a number, words that it refuses a directive with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from pytest_modssl.errors import PkiError
from pytest_modssl.faq.entry import Certainty, Finding, Recogniser
from pytest_modssl.http import FailedRequest
from pytest_modssl.tls.exchange import Exchange
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from pytest_modssl.faq.evidence import Evidence
    from pytest_modssl.httpd.config import VirtualHost
    from pytest_modssl.httpd.errorlog import LogRecord

# The words of ssl_callback_SSLVerify (ssl_engine_kernel.c of httpd 2.4.71).
_REFUSED_CLIENT = (
    r"Certificate Verification: Error \((?P<code>\d+)\): (?P<reason>.*?) "
    r"\[subject: (?P<subject>.*?) / issuer: (?P<issuer>.*?) / serial: "
)


def of_tls(reason: str) -> str:
    """A pattern for a reason that OpenSSL gives of TLS; 1.1.1 names its function before it, later versions do not."""
    return rf"SSL routines:\w*:{reason}"


def ends_start(
    *numbers: str,
    match: str = "",
    cause: str = "",
    remedy: str = "",
    directive: str = "",
    library: str = "",
    certainty: Certainty = "certain",
) -> Recogniser:
    """Recognises a start that failed by a line that httpd logged.

    Args:
        numbers: AH numbers, one of which the line has; none takes every line that matches.
        match: a pattern that is searched in the line; its named groups fill `cause` and `remedy`.
        cause: as for `Finding`, with `{group}` for a named group, and `{host}` for the virtual host that is named.
        remedy: likewise.
        directive: the one to be told as the place, in the virtual host that the line names where it names one; empty
            for the place that httpd itself speaks of.
        library: a pattern of what OpenSSL says of it, in a line of its own that must be there too.
        certainty: as for `Finding`.
    """

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        said = [shown(one) for one, _ in evidence.logged(match=library)][:1] if library else []
        if evidence.start.ready or (library and not said):
            return
        for record, found in evidence.logged(*numbers, match=match):
            host = evidence.rendered.host_in(record.message) or evidence.troubled_host
            used = evidence.find(directive, host=host) if directive else None
            words = {**found.groupdict(""), "host": host or "a virtual host"}
            yield Finding(
                seen=(shown(record), *said),
                cause=cause.format(**words),
                place=evidence.trouble if used is None else used.place,
                remedy=remedy.format(**words),
                certainty=certainty,
            )
            return

    return recognise


def refused(match: str, *, cause: str = "", remedy: str = "", certainty: Certainty = "certain") -> Recogniser:
    """Recognises a directive that httpd refuses when it reads the configuration, by what it says of it.

    Args:
        match: a pattern that is searched in httpd's message; its named groups fill `cause` and `remedy`.
        cause: as for `Finding`, with `{group}` for a named group.
        remedy: likewise.
        certainty: as for `Finding`.
    """

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        problem = evidence.problem
        found = None if problem is None else re.search(match, problem.message)
        if problem is not None and found is not None:
            words = found.groupdict("")
            yield Finding(
                seen=(numbered(problem.ah, problem.message),),
                cause=cause.format(**words),
                place=evidence.trouble,
                remedy=remedy.format(**words),
                certainty=certainty,
            )

    return recognise


def answers(
    *numbers: str,
    status: int,
    match: str = "",
    cause: str = "",
    remedy: str = "",
    directive: str = "",
    certainty: Certainty = "certain",
) -> Recogniser:
    """Recognises an answer that the failure is about, by its status and a line that httpd logged of it.

    Args:
        numbers: AH numbers, one of which the line has; none takes every line that matches.
        status: of the answer.
        match: a pattern that is searched in the line; its named groups fill `cause` and `remedy`.
        cause: as for `Finding`, with `{group}` for a named group, and `{url}`.
        remedy: likewise.
        directive: the one to be told as the place, in the virtual host of the URL; without one it is the virtual host.
        certainty: as for `Finding`.
    """

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        for response in unwanted(evidence, status):
            for record, found in evidence.logged(*numbers, match=match):
                host = requested(evidence, response.url)
                used = evidence.find(directive, host=f"{host.name}:{host.port}" if host else "") if directive else None
                words = {**found.groupdict(""), "url": response.url}
                yield Finding(
                    seen=(f"{response.url} answered {status}", shown(record)),
                    cause=cause.format(**words),
                    place=evidence.call(host) if used is None or used.place is None else used.place,
                    remedy=remedy.format(**words),
                    certainty=certainty,
                )
                return

    return recognise


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request.

    Attributes:
        url: what was asked for.
        status_code: what came back.
    """

    url: str
    status_code: int


def unwanted(evidence: Evidence, status: int) -> tuple[Answer, ...]:
    """The answers with a status that the failure is about: a test may well ask for a page that is denied, and get 403.

    Args:
        evidence: what is known.
        status: of the answers.
    """
    told = re.search(rf"(?<!\d){status}(?!\d)", evidence.subject) is not None
    if not told and not any(one.what.endswith("status") and one.seen == repr(status) for one in evidence.mismatches):
        return ()
    return (
        *(Answer(one.url, status) for one in evidence.seen(requests.Response) if one.status_code == status),
        *(Answer(_url(evidence, one), status) for one in evidence.seen(Exchange) if one.status == status),
    )


def _url(evidence: Evidence, exchange: Exchange) -> str:
    """What a request spoken by hand asked for."""
    shaken = exchange.handshake
    port = evidence.ports.get(shaken.address, 443)
    return f"https://{shaken.server_name or shaken.address[0]}{'' if port == 443 else f':{port}'}{exchange.target}"


def requested(evidence: Evidence, url: str) -> VirtualHost | None:
    """The virtual host that a URL is about."""
    parts = urlsplit(url)
    return evidence.host_of(parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))


def distrusted(evidence: Evidence, *codes: int) -> tuple[Handshake, ...]:
    """The handshakes whose chain was not trusted for one of these reasons, where the failure is about that.

    A test may well look at a server whose certificate it does not trust, and fail for another reason.

    Args:
        evidence: what is known.
        codes: OpenSSL's X509_V_ERR_* numbers (`openssl verify` prints them).
    """
    if not re.search(r"chain|certificate|verif|Handshake\(", evidence.subject, re.IGNORECASE):
        return ()
    return tuple(
        one for one in evidence.seen(Handshake) if one.verification.ok is False and one.verification.code in codes
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A client certificate that the server did not accept.

    Attributes:
        seen: the log line, and the alert where one was seen.
        code: OpenSSL's number of the reason.
        reason: the same in words.
        subject: whose certificate it is.
        issuer: who issued it.
        host: the virtual host, as `name:port`; empty where the log names none.
    """

    seen: tuple[str, ...]
    code: int
    reason: str
    subject: str
    issuer: str
    host: str


def refused_clients(evidence: Evidence, *codes: int) -> Iterator[Refusal]:
    """The first client certificate that the server refused for one of these reasons, where a client was refused.

    Args:
        evidence: what is known.
        codes: OpenSSL's X509_V_ERR_* numbers.
    """
    shaken = [one for one in evidence.seen(Handshake) if not one.ok and one.client_certificate_requested]
    if not shaken and not evidence.seen(FailedRequest):
        return
    alerts = [f"the server sent alert {alert}" for one in shaken for alert in one.alerts_received if alert.fatal]
    hosts = [evidence.asked(one) for one in shaken]
    for record, found in evidence.logged("AH02276", match=_REFUSED_CLIENT):
        if int(found["code"]) in codes:
            yield Refusal(
                seen=(shown(record), *alerts[:1]),
                code=int(found["code"]),
                reason=found["reason"],
                subject=found["subject"],
                issuer=found["issuer"],
                host=next((f"{one.name}:{one.port}" for one in hosts if one is not None), ""),
            )
            return


def judged(handshake: Handshake) -> x509.Certificate | None:
    """The certificate that OpenSSL's verdict is about; `None` where the server did not send it, or it is unreadable."""
    depth = handshake.verification.depth
    try:
        return handshake.chain[depth] if depth < len(handshake.certificates) else None
    except PkiError:
        return None


def shown(record: LogRecord) -> str:
    """A log line as a diagnosis shows it: its number and its message."""
    return numbered(record.ah, record.message)


def numbered(number: str | None, message: str) -> str:
    """A message of httpd with its number, where it has one."""
    return f"{number}: {message}" if number else message
