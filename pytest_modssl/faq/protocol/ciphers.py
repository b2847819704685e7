"""Which suites are there, and which both sides have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# How ciphers(1) names suites without authentication.
ANONYMOUS = re.compile(r"\b(ADH|AECDH|aNULL)\b")


def _anonymous_suites(evidence: Evidence) -> Iterator[Finding]:
    for record, _ in evidence.logged("AH01898") if not evidence.start.ready else ():
        host = evidence.rendered.host_in(record.message) or ""
        used = evidence.find("SSLCipherSuite", host=host)
        if used is not None and ANONYMOUS.search(used.text):
            yield Finding(seen=(shown(record),), place=used.place)
            return


ENTRIES = (
    Entry(
        id="supported-ciphers",
        group="protocol",
        question="What SSL Ciphers are supported by mod_ssl?",
        cause="those of the OpenSSL in use that SSLCipherSuite and its security level allow",
        remedy="see what the server really accepts with server.scan(), and choose with SSLCipherSuite and SSLProtocol",
        anchor="ciphers",
        directives=("SSLCipherSuite", "SSLProtocol"),
    ),
    Entry(
        id="anonymous-dh",
        group="protocol",
        question="Why do I get no shared cipher errors when trying to use Anonymous Diffie-Hellman (ADH) ciphers?",
        cause="mod_ssl forbids suites without authentication, whatever OpenSSL was built with",
        remedy="name other suites in SSLCipherSuite: mod_ssl adds !aNULL:!eNULL:!EXP to every list, and nothing "
        "enables anonymous ones",
        anchor="adh",
        directives=("SSLCipherSuite",),
        numbers=("AH01898",),
        since="The FAQ's rebuild with -DSSL_ALLOW_ADH no longer helps.",
        recognisers=(_anonymous_suites,),
    ),
    Entry(
        id="no-shared-cipher",
        group="protocol",
        question="Why do I get a no shared ciphers error when connecting to my newly installed server?",
        cause="no suite is in the lists of both sides, or none of those fits the type of the server's key",
        remedy="let SSLCipherSuite and SSLProtocol allow what the clients have, and give the host an RSA or EC key",
        anchor="sharedciphers",
        directives=("SSLCipherSuite", "SSLCertificateFile"),
    ),
)
