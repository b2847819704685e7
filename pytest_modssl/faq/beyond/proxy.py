"""A proxy's back end that is not reached, or not trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import answers, of_tls, requested, shown, unwanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.entry import Recogniser
    from pytest_modssl.faq.evidence import Evidence

# Of httpd 2.4.71 the client gets 500, while the log says that 502 is sent (AH01997).
_STATUSES = (500, 502)


def _handshake_with_backend(number: str, match: str, cause: str, directive: str) -> Recogniser:
    """Recognises a TLS handshake with a back end that failed, by what was logged of it."""

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        for response in [one for status in _STATUSES for one in unwanted(evidence, status)]:
            for first, found in evidence.logged(number, match=r"(?:\[remote |hostname )(?P<backend>[^\s\]]+)"):
                said = [shown(one) for one, _ in evidence.logged(match=match)][:1]
                if said:
                    host = requested(evidence, response.url)
                    used = evidence.find(directive, host=f"{host.name}:{host.port}" if host else "")
                    yield Finding(
                        seen=(
                            f"{response.url} answered {response.status_code}",
                            shown(first),
                            *(one for one in said if one != shown(first)),
                        ),
                        cause=cause.format(backend=found["backend"]),
                        place=evidence.call(host) if used is None else used.place,
                    )
                    return

    return recognise


ENTRIES = (
    Entry(
        id="backend-refused",
        group="beyond",
        question="Why does a proxy answer 503?",
        cause="nobody listens at the back end's address and port",
        remedy="start the back end, or let ProxyPass name the address and port that it listens on",
        directives=("ProxyPass",),
        numbers=("AH00957", "AH01114"),
        recognisers=(
            answers(
                "AH00957",
                status=503,
                match=r"attempt to connect to (?P<backend>\S+)",
                cause="nobody answers at {backend}",
                directive="ProxyPass",
            ),
        ),
    ),
    Entry(
        id="backend-not-resolved",
        group="beyond",
        question="Why does a proxy say that the DNS lookup failed?",
        cause="the name of the back end cannot be resolved where the server runs",
        remedy="let ProxyPass name a host that the server's machine can resolve",
        directives=("ProxyPass",),
        numbers=("AH00898",),
        recognisers=(
            answers(
                "AH00898",
                status=500,
                match=r"DNS lookup failure for: (?P<name>\S+)",
                cause="{name}, the back end, cannot be resolved",
                directive="ProxyPass",
            ),
        ),
    ),
    Entry(
        id="backend-tls-off",
        group="beyond",
        question="Why does a proxy fail to enable ssl support?",
        cause="ProxyPass names an https: back end, and SSLProxyEngine is off",
        remedy="write SSLProxyEngine on in the virtual host",
        directives=("SSLProxyEngine", "ProxyPass"),
        numbers=("AH00961", "AH01961"),
        recognisers=(
            answers(
                "AH00961",
                status=500,
                match=r"ssl support for (?P<backend>\S+)",
                cause="{backend} is to be spoken to by TLS, and SSLProxyEngine is off",
                directive="ProxyPass",
            ),
        ),
    ),
    Entry(
        id="backend-not-trusted",
        group="beyond",
        question="Why does a proxy refuse the certificate of its back end?",
        cause="no CA in SSLProxyCACertificateFile has issued the back end's certificate",
        remedy="put the CA's certificate into SSLProxyCACertificateFile",
        directives=("SSLProxyCACertificateFile", "SSLProxyVerify"),
        numbers=("AH02003", "AH01084"),
        recognisers=(
            _handshake_with_backend(
                "AH02003",
                of_tls("certificate verify failed"),
                "the proxy does not trust the certificate of {backend}",
                "SSLProxyCACertificateFile",
            ),
        ),
    ),
    Entry(
        id="backend-speaks-no-tls",
        group="beyond",
        question="Why does a proxy's handshake with its back end find a wrong version number?",
        cause="ProxyPass names an https: back end that speaks plain HTTP",
        remedy="write http: in ProxyPass, or the port of the back end that speaks TLS",
        directives=("ProxyPass",),
        numbers=("AH02003", "AH01084"),
        recognisers=(
            _handshake_with_backend(
                "AH02003",
                of_tls("wrong version number"),
                "{backend} is spoken to by TLS, and speaks plain HTTP",
                "ProxyPass",
            ),
        ),
    ),
    Entry(
        id="backend-for-another-name",
        group="beyond",
        question="Why does a proxy say that the peer certificate does not match?",
        cause="the back end's certificate is not for the host that ProxyPass names",
        remedy="name the back end in ProxyPass as its certificate does, or write SSLProxyCheckPeerName off",
        directives=("ProxyPass", "SSLProxyCheckPeerName"),
        numbers=("AH02411",),
        recognisers=(
            _handshake_with_backend(
                "AH02411",
                "AH02411",
                "the certificate of the back end is not for {backend}, which ProxyPass names",
                "ProxyPass",
            ),
        ),
    ),
)
