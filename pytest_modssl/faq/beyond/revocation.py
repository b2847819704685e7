"""Failures of revocation: lists, OCSP for client certificates, and stapled responses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import ends_start, refused_clients, shown
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.entry import Recogniser
    from pytest_modssl.faq.evidence import Evidence, Place

# X509_V_ERR_UNABLE_TO_GET_CRL, CRL_NOT_YET_VALID, CRL_HAS_EXPIRED, CERT_REVOKED, APPLICATION_VERIFICATION (openssl,
# x509_vfy.h); the last is what mod_ssl says where OCSP did not tell that the certificate is good.
_NO_LIST = (3,)
_LIST_OUT_OF_DATE = (11, 12)
_REVOKED = (23,)
_NOT_GOOD = (50,)
# What mod_ssl logs when it gets no response of OCSP (ssl_util_ocsp.c of httpd 2.4.71).
_NO_RESPONSE = ("AH01972", "AH01974", "AH01977", "AH01978", "AH01979", "AH01980", "AH01984", "AH01985")
_RESPONSE_REFUSED = ("AH01922", "AH01924", "AH01925")
_STAPLED_ERRORS = ("try_later", "internal_error", "unauthorized", "malformed_request", "sig_required")


def _place(evidence: Evidence, host: str, *names: str) -> Place | None:
    found = next((used for name in names if (used := evidence.find(name, host=host)) is not None), None)
    return None if found is None else found.place


def _revoked(evidence: Evidence) -> Iterator[Finding]:
    for one in refused_clients(evidence, *_REVOKED):
        by_ocsp = [shown(record) for record, _ in evidence.logged("AH03239", match="status: revoked")][:1]
        names = ("SSLOCSPEnable",) if by_ocsp else ("SSLCARevocationFile", "SSLCARevocationPath")
        yield Finding(
            seen=(*one.seen, *by_ocsp),
            cause=f"{one.issuer} has revoked the client certificate of {one.subject}"
            f", as {'its OCSP responder' if by_ocsp else 'its list'} says",
            place=_place(evidence, one.host, *names),
        )


def _list(codes: tuple[int, ...], cause: str) -> Recogniser:
    def recognise(evidence: Evidence) -> Iterator[Finding]:
        for one in refused_clients(evidence, *codes):
            place = _place(evidence, one.host, "SSLCARevocationFile", "SSLCARevocationPath", "SSLCARevocationCheck")
            yield Finding(seen=one.seen, cause=cause.format(issuer=one.issuer), place=place)

    return recognise


def _status_unknown(evidence: Evidence) -> Iterator[Finding]:
    for one in refused_clients(evidence, *_NOT_GOOD):
        for record, _ in evidence.logged("AH03239", match="status: unknown"):
            yield Finding(
                seen=(shown(record), *one.seen),
                cause=f"the OCSP responder does not know the client certificate of {one.subject}",
                place=_place(evidence, one.host, "SSLOCSPDefaultResponder", "SSLOCSPEnable"),
            )
            return


def _ocsp(numbers: tuple[str, ...], cause: str) -> Recogniser:
    """Recognises a client certificate that was refused because OCSP did not come to a status, by what httpd logged."""

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        for one in refused_clients(evidence, *_NOT_GOOD):
            for record, _ in evidence.logged(*numbers):
                yield Finding(
                    seen=(shown(record), *one.seen),
                    cause=cause.format(subject=one.subject),
                    place=_place(evidence, one.host, "SSLOCSPDefaultResponder", "SSLOCSPEnable"),
                )
                return

    return recognise


def _nonce(evidence: Evidence) -> Iterator[Finding]:
    for finding in _ocsp(("AH01924",), "the OCSP responder leaves the nonce out that httpd insists on")(evidence):
        used = evidence.find("SSLOCSPUseRequestNonce")
        yield replace(
            finding,
            place=finding.place if used is None else used.place,
            remedy="SSLOCSPUseRequestNonce off, for a responder with prepared responses (RFC 5019)",
        )


def _stapling(numbers: tuple[str, ...], cause: str, *directives: str) -> Recogniser:
    """Recognises that no response, or none but an error, was stapled, by what httpd logged at its start or since."""

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        if evidence.mismatch("stapled response") is None:
            return
        for one in evidence.seen(Handshake):
            host = evidence.asked(one)
            for record, _ in evidence.logged(*numbers):
                said = f"stapled: {one.stapled}" if one.ocsp_response else "nothing was stapled"
                name = "" if host is None else f"{host.name}:{host.port}"
                yield Finding(seen=(shown(record), said), cause=cause, place=_place(evidence, name, *directives))
                return

    return recognise


def _not_asked_to_staple(evidence: Evidence) -> Iterator[Finding]:
    mismatch = evidence.mismatch("stapled response")
    for one in evidence.seen(Handshake) if mismatch is not None else ():
        host = evidence.asked(one)
        name = "" if host is None else f"{host.name}:{host.port}"
        used = evidence.find("SSLUseStapling", host=name)
        if one.certificates and not one.ocsp_response and (used is None or used.words[:1] != ("on",)):
            yield Finding(
                seen=("nothing was stapled, and SSLUseStapling on is not in force",),
                place=evidence.call(host) if used is None else used.place,
            )
            return


ENTRIES = (
    Entry(
        id="client-certificate-revoked",
        group="beyond",
        question="Why does httpd refuse a client certificate as revoked?",
        cause="the CA has revoked it, by its list (SSLCARevocationFile) or its OCSP responder (SSLOCSPEnable)",
        remedy="let the CA issue a new certificate for that client; a revoked one stays so",
        directives=("SSLCARevocationFile", "SSLCARevocationCheck", "SSLOCSPEnable"),
        numbers=("AH02276", "AH03239"),
        recognisers=(_revoked,),
    ),
    Entry(
        id="crl-expired",
        group="beyond",
        question="Why does httpd refuse every client certificate, saying that the CRL has expired?",
        cause="the list in SSLCARevocationFile is out of date, so that no certificate of that CA counts as good",
        remedy="fetch the CA's new list before the old one ends, and reload httpd, which reads lists at its start only",
        directives=("SSLCARevocationFile", "SSLCARevocationCheck"),
        numbers=("AH02276",),
        recognisers=(_list(_LIST_OUT_OF_DATE, "the revocation list of {issuer} is out of date, or not valid yet"),),
    ),
    Entry(
        id="crl-missing",
        group="beyond",
        question="Why does httpd say that it is unable to get a certificate CRL, or that no list is configured?",
        cause="SSLCARevocationCheck wants a list of each CA whose certificates are checked, and one is missing",
        remedy="put the list of every such CA into SSLCARevocationFile; where not all have one, since httpd 2.4.21: "
        "SSLCARevocationCheck leaf no_crl_for_cert_ok",
        directives=("SSLCARevocationFile", "SSLCARevocationCheck"),
        numbers=("AH02276", "AH01899"),
        recognisers=(
            ends_start("AH01899", cause="{host} is to check lists, and has none", directive="SSLCARevocationCheck"),
            _list(_NO_LIST, "SSLCARevocationFile has no list of {issuer}"),
        ),
    ),
    Entry(
        id="ocsp-responder-unreachable",
        group="beyond",
        question="Why does httpd say that it could not connect to an OCSP responder?",
        cause="the OCSP responder does not answer httpd, so that certificates cannot be checked, or responses stapled",
        remedy="let httpd reach the responder at the URL in the certificate, or name another: SSLOCSPDefaultResponder "
        "with SSLOCSPOverrideResponder on, for stapling SSLStaplingForceURL; an OcspResponder of a test is reached by "
        "servers of the same machine alone, ca.ocsp_site(...) by those in containers too",
        directives=("SSLOCSPDefaultResponder", "SSLOCSPOverrideResponder", "SSLStaplingForceURL"),
        numbers=("AH01941", *_NO_RESPONSE),
        recognisers=(
            _ocsp(
                _NO_RESPONSE, "httpd gets no answer from the OCSP responder about the client certificate of {subject}"
            ),
            _stapling(
                _NO_RESPONSE,
                "httpd gets no response to staple from the OCSP responder",
                "SSLStaplingForceURL",
                "SSLUseStapling",
            ),
        ),
    ),
    Entry(
        id="ocsp-responder-not-named",
        group="beyond",
        question="Why does httpd say that no OCSP responder, or no OCSP URI, is in the certificate?",
        cause="the certificate names no OCSP responder, and neither does the configuration",
        remedy="let the CA put the responder's URL into the certificate (ocsp_url=), or name it: "
        "SSLOCSPDefaultResponder, for stapling SSLStaplingForceURL",
        directives=("SSLOCSPDefaultResponder", "SSLStaplingForceURL"),
        numbers=("AH01918", "AH02218"),
        recognisers=(
            _ocsp(("AH01918",), "the client certificate of {subject} names no OCSP responder, and no directive does"),
            _stapling(("AH02218",), "the server's certificate names no OCSP responder", "SSLUseStapling"),
        ),
    ),
    Entry(
        id="ocsp-response-refused",
        group="beyond",
        question="Why does httpd not accept the response of an OCSP responder?",
        cause="the response is an error, lacks the nonce that was sent, or httpd cannot verify who signed it",
        remedy="ask the responder of the CA that issued the certificate; let it put its own certificate into "
        "responses, or give that as SSLOCSPResponderCertificateFile",
        directives=("SSLOCSPUseRequestNonce", "SSLOCSPResponderCertificateFile", "SSLStaplingReturnResponderErrors"),
        numbers=(*_RESPONSE_REFUSED, "AH01944"),
        recognisers=(
            _nonce,
            _ocsp(("AH01922",), "the OCSP responder answers with an error about the client certificate of {subject}"),
            _ocsp(("AH01925",), "httpd cannot verify who signed the OCSP response about {subject}"),
            _stapling(
                ("AH01944",), "the OCSP responder answers with an error", "SSLStaplingForceURL", "SSLUseStapling"
            ),
        ),
    ),
    Entry(
        id="ocsp-status-unknown",
        group="beyond",
        question="Why does httpd refuse a client certificate whose OCSP status is unknown?",
        cause="the OCSP responder does not know the certificate: it is asked about another CA's, or has lost its list",
        remedy="ask the responder of the CA that issued the certificate",
        directives=("SSLOCSPDefaultResponder", "SSLOCSPOverrideResponder", "SSLOCSPEnable"),
        numbers=("AH03239", "AH02276"),
        recognisers=(_status_unknown,),
    ),
    Entry(
        id="stapling-off",
        group="beyond",
        question="Why does the server staple no OCSP response?",
        cause="SSLUseStapling is off, as it is by default",
        remedy="SSLUseStapling on in the virtual host, and SSLStaplingCache outside of all",
        directives=("SSLUseStapling", "SSLStaplingCache"),
        recognisers=(_not_asked_to_staple,),
    ),
    Entry(
        id="stapling-issuer-missing",
        group="beyond",
        question="Why does httpd say that it can't retrieve the issuer certificate for stapling?",
        cause="httpd asks about a certificate by its issuer, and does not have the issuer's certificate",
        remedy="put the issuer's certificate behind the server's own into SSLCertificateFile, or where it is a root, "
        "into SSLCACertificateFile",
        directives=("SSLUseStapling", "SSLCertificateFile", "SSLCACertificateFile"),
        numbers=("AH02217",),
        recognisers=(
            _stapling(
                ("AH02217",), "httpd does not have the certificate of the issuer to ask about", "SSLCertificateFile"
            ),
        ),
    ),
    Entry(
        id="stapling-cache-missing",
        group="beyond",
        question="Why does httpd say that no stapling cache is available?",
        cause="SSLUseStapling keeps responses in a cache, and none is configured",
        remedy='SSLStaplingCache "shmcb:/path(32768)" outside of all virtual hosts',
        directives=("SSLStaplingCache", "SSLUseStapling"),
        numbers=("AH01958",),
        recognisers=(ends_start("AH01958", directive="SSLUseStapling"),),
    ),
)
