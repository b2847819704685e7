"""Client certificates that are missing, or that the server does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import of_tls, refused_clients, shown
from pytest_modssl.http import FailedRequest
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.entry import Recogniser
    from pytest_modssl.faq.evidence import Evidence

_NO_CA = "AH01897"
_NOT_VERIFIED = of_tls("certificate verify failed") + "|AH02262: "
# In the handshake, in a renegotiation, after the handshake (ssl_engine_kernel.c of httpd 2.4.71).
_NONE_CAME = "peer did not return a certificate|AH02261: |AH02263: "


def _rejected(code: int, cause: str) -> Recogniser:
    """Recognises a client certificate that the server refused for one of OpenSSL's reasons (X509_V_ERR_*)."""

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        for one in refused_clients(evidence, code):
            used = evidence.find("SSLVerifyClient", host=one.host)
            yield Finding(
                seen=one.seen, cause=cause.format(subject=one.subject), place=None if used is None else used.place
            )

    return recognise


def _no_ca(evidence: Evidence) -> Iterator[Finding]:
    for one in _refused(evidence):
        for record, _ in evidence.logged(_NO_CA):
            yield _of_client(evidence, one, shown(record), "SSLVerifyClient")
            return


def _missing(evidence: Evidence) -> Iterator[Finding]:
    # After a request that failed, the second look at the server shows no certificate, whatever the request had.
    if evidence.seen(FailedRequest) and any(evidence.logged("AH02276", "AH02040")):
        return
    for one in evidence.seen(Handshake):
        refused = one.failure == "alert" and one.client_certificate_requested and not one.client_certificate_sent
        if refused or evidence.seen(FailedRequest):
            for record, _ in evidence.logged(match=_NONE_CAME):
                yield _of_client(evidence, one, shown(record), "SSLVerifyClient")
                return


def _too_long(evidence: Evidence) -> Iterator[Finding]:
    pattern = r"chain has (?P<has>\d+) certificates, but maximum allowed are only (?P<limit>\d+)"
    for one in _refused(evidence):
        for record, found in evidence.logged("AH02040", match=pattern):
            cause = f"the client's chain has {found['has']} issuers, and SSLVerifyDepth allows {found['limit']}"
            yield _of_client(evidence, one, shown(record), "SSLVerifyDepth", cause)
            return


def _refused(evidence: Evidence) -> Iterator[Handshake]:
    """The handshakes that ended with the client's certificate; after such a request, the second look at the server."""
    looked_again = evidence.seen(FailedRequest) and any(evidence.logged(match=_NOT_VERIFIED))
    for one in evidence.seen(Handshake):
        if looked_again or (one.failure == "alert" and one.client_certificate_sent):
            yield one


def _of_client(evidence: Evidence, handshake: Handshake, line: str, directive: str, cause: str = "") -> Finding:
    used = evidence.served_by(handshake, directive) or evidence.served_by(handshake, "SSLVerifyClient")
    # Of a demand for one request, which then got no answer, a second look at the handshake shows nothing.
    seen = f"TLS handshake: {handshake.error}" if handshake.error else "the request got no answer"
    return Finding(seen=(seen, line), cause=cause, place=None if used is None else used.place)


ENTRIES = (
    Entry(
        id="client-certificate-missing",
        group="beyond",
        question="Why does the server refuse a client without a certificate?",
        cause="SSLVerifyClient require is in force, and the client showed no certificate",
        remedy="show one: client=ca.issue_client(...); or write SSLVerifyClient optional",
        directives=("SSLVerifyClient",),
        numbers=("AH02261", "AH02263"),
        since="TLS 1.3 says so by the alert certificate_required, after the client has finished; older protocols by "
        "handshake_failure.",
        recognisers=(_missing,),
    ),
    Entry(
        id="client-ca-not-configured",
        group="beyond",
        question="Why does httpd warn that no CAs are known for client authentication?",
        cause="SSLVerifyClient asks for certificates, and nothing names the CAs that may issue them",
        remedy="name them: SSLCACertificateFile with the PEM certificates of the CAs",
        directives=("SSLVerifyClient", "SSLCACertificateFile"),
        numbers=(_NO_CA,),
        recognisers=(_no_ca,),
    ),
    Entry(
        id="client-certificate-expired",
        group="beyond",
        question="Why does the server call a client certificate expired or bad?",
        cause="the client certificate is no longer valid, or not yet",
        remedy="issue a new one, and set the clocks of the CA's and the server's machine",
        directives=("SSLVerifyClient",),
        numbers=("AH02276",),
        recognisers=(
            # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED.
            _rejected(9, "the client certificate of {subject} is not yet valid"),
            _rejected(10, "the client certificate of {subject} has expired"),
        ),
    ),
    Entry(
        id="client-certificate-purpose",
        group="beyond",
        question="Why does the server call a client certificate unsupported?",
        cause="the certificate's extendedKeyUsage does not have clientAuth",
        remedy="issue one with clientAuth among its usages",
        directives=("SSLVerifyClient",),
        numbers=("AH02276",),
        recognisers=(
            # X509_V_ERR_INVALID_PURPOSE.
            _rejected(26, "the certificate of {subject} may not be used by clients"),
        ),
    ),
    Entry(
        id="client-chain-too-long",
        group="beyond",
        question="Why does the server call a client's certificate chain too long?",
        cause="the client's chain is longer than SSLVerifyDepth allows, which is 1 unless it is set",
        remedy="allow the number of CAs above the client certificate: SSLVerifyDepth 2 for a root and an intermediate",
        directives=("SSLVerifyDepth",),
        numbers=("AH02040",),
        recognisers=(_too_long,),
    ),
)
