"""HTTPS spoken by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.tls.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

_BAD_REQUEST = 400
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_HOST = re.compile(rb"^Host:", re.IGNORECASE | re.MULTILINE)


def _refused_request(evidence: Evidence) -> Iterator[Finding]:
    for one in evidence.seen(Exchange):
        head = one.request.partition(b"\r\n\r\n")[0]
        if one.status != _BAD_REQUEST:
            continue
        first = head.splitlines()[0].decode("ascii", "backslashreplace") if head else ""
        seen = f"{first!r} was answered by {one.status_line!r}"
        if _BARE_LINE_FEED.search(head):
            logged = [shown(record) for record, _ in evidence.logged("AH00566")][:1]
            used = evidence.find("HttpProtocolOptions")
            yield Finding(
                seen=(f"{seen}; its lines end by LF, not by CRLF", *logged),
                cause="lines of a request must end by CRLF, and those sent end by LF",
                place=None if used is None else used.place,
                remedy="let s_client turn line ends into CRLF, openssl s_client -crlf, or use curl; "
                "HttpProtocolOptions Unsafe takes LF as well",
            )
        elif not _HOST.search(head):
            logged = [shown(record) for record, _ in evidence.logged("AH00569", "AH02031")][:1]
            yield Finding(
                seen=(f"{seen}; it has no Host field", *logged),
                cause="the request has no Host field, which HTTP/1.1 demands, and httpd also where the client sent SNI",
                remedy="send the field: Host: www.example.test; or HTTP/1.0 and no SNI, openssl s_client -noservername",
            )


ENTRIES = (
    Entry(
        id="speak-https-by-hand",
        group="configuration",
        question="How do I speak HTTPS manually for testing purposes?",
        cause="TLS lies between TCP and HTTP, and httpd has become strict about requests that are typed",
        remedy="use curl, or openssl s_client -crlf and send a Host field; every failure prints the command lines that "
        "repeat it",
        anchor="httpstest",
        directives=("HttpProtocolOptions",),
        numbers=("AH02031", "AH00566", "AH00569"),
        since="The FAQ's GET / HTTP/1.0 is answered 400 today. Lines must end by CRLF since httpd 2.4.25; s_client "
        "sends SNI since OpenSSL 1.1.1, and a request on such a connection needs a Host field.",
        recognisers=(_refused_request,),
    ),
)
