"""Protocol versions and groups that client and server do not share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.entry import Recogniser
    from pytest_modssl.faq.evidence import Evidence


def _refused_hello(alert: str, said: str, directive: str) -> Recogniser:
    """Recognises a ClientHello that the server refused with an alert, and for which reason of OpenSSL's."""

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        for one in evidence.seen(Handshake):
            if one.stage != "hello" or all(alert != got.name for got in one.alerts_received):
                continue
            for record, _ in evidence.logged(match=said):
                used = evidence.served_by(one, directive)
                host = evidence.host_of(one.server_name, evidence.ports.get(one.address))
                yield Finding(
                    seen=(f"TLS handshake: {one.error}", shown(record)),
                    place=evidence.call(host) if used is None or used.place is None else used.place,
                )
                return

    return recognise


ENTRIES = (
    Entry(
        id="protocol-not-offered",
        group="beyond",
        question="Why does the server refuse the client's protocol version?",
        cause="SSLProtocol does not allow any protocol that the client speaks",
        remedy="let SSLProtocol allow it; with several the range must have no hole: -all +TLSv1.1 +TLSv1.2",
        directives=("SSLProtocol",),
        numbers=("AH02008",),
        recognisers=(_refused_hello("protocol_version", r"SSL routines::unsupported protocol", "SSLProtocol"),),
    ),
    Entry(
        id="protocol-below-security-level",
        group="beyond",
        question="Why does the server answer an old protocol with an internal error?",
        cause="OpenSSL speaks TLS 1.0 and 1.1 at security level 0 alone, and its default is higher",
        remedy="better leave the old protocol off; where it must be: SSLCipherSuite DEFAULT:@SECLEVEL=0",
        directives=("SSLCipherSuite", "SSLProtocol"),
        numbers=("AH02008",),
        since="So since OpenSSL 3.0, where a signature with SHA-1 does not suffice for level 1.",
        recognisers=(
            _refused_hello("internal_error", r"SSL routines::no suitable signature algorithm", "SSLCipherSuite"),
        ),
    ),
    Entry(
        id="no-shared-group",
        group="beyond",
        question="Why does the server find no suitable key share?",
        cause="the client has none of the groups that SSLOpenSSLConfCmd Curves allows",
        remedy="allow a group that clients have: SSLOpenSSLConfCmd Curves X25519:P-256:P-384",
        directives=("SSLOpenSSLConfCmd",),
        numbers=("AH02008",),
        recognisers=(_refused_hello("handshake_failure", r"SSL routines::no suitable key share", "SSLOpenSSLConfCmd"),),
    ),
)
