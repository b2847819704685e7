"""Protocol versions and groups that client and server do not share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.configured import protocols_of
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import of_tls, shown
from pytest_modssl.tls.handshake import Handshake
from pytest_modssl.tls.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_modssl.faq.entry import Recogniser
    from pytest_modssl.faq.evidence import Evidence

    _Hello = Handshake | ProbeResult

# What OpenSSL answers to a protocol that the security level forbids (2 on Debian), seen with 1.1.1w and 3.0.22;
# 3.5.9 and 3.6.5 refuse it like one that SSLProtocol leaves out.
_NO_SIGNATURE = rf"{of_tls('no suitable signature algorithm')}|SSL routines:tls_choose_sigalg:internal error"
_UNSUPPORTED = of_tls("unsupported protocol")


def _refused_hello(
    alert: str, said: str, directive: str, *, when: Callable[[Evidence, _Hello], bool] = lambda _, __: True
) -> Recogniser:
    """Recognises a ClientHello that the server refused with an alert, and for which reason of OpenSSL's."""

    def recognise(evidence: Evidence) -> Iterator[Finding]:
        # A hello of its own shape is a question, and a refusal the answer to it, unless an assertion minds it.
        probes = evidence.seen(ProbeResult) if evidence.mismatches else ()
        hellos: tuple[_Hello, ...] = (*evidence.seen(Handshake), *probes)
        for one in hellos:
            if alert not in _refusals(one) or not when(evidence, one):
                continue
            for record, _ in evidence.logged(match=said):
                used = evidence.served_by(one, directive)
                yield Finding(
                    seen=(f"TLS handshake: {one.error}", shown(record)),
                    place=evidence.call(evidence.asked(one)) if used is None or used.place is None else used.place,
                )
                return

    return recognise


def _refusals(hello: _Hello) -> list[str]:
    """The alerts that a ClientHello was refused with; none where the server selected something."""
    if isinstance(hello, ProbeResult):
        return [one.name for one in hello.alerts if hello.server_hello is None]
    return [one.name for one in hello.alerts_received if hello.stage == "hello"]


def _is_allowed(evidence: Evidence, hello: _Hello) -> bool:
    """Whether SSLProtocol has a protocol that the client offered, and all from there up to its newest (mod_ssl)."""
    used = evidence.served_by(hello, "SSLProtocol")
    allowed = protocols_of(("all",) if used is None else used.words)
    return any(one in allowed for one in hello.offered_protocols)


ENTRIES = (
    Entry(
        id="protocol-not-offered",
        group="beyond",
        question="Why does the server refuse the client's protocol version?",
        cause="SSLProtocol does not allow any protocol that the client speaks",
        remedy="let SSLProtocol allow it; with several the range must have no hole: -all +TLSv1.1 +TLSv1.2",
        directives=("SSLProtocol",),
        numbers=("AH02008",),
        recognisers=(
            _refused_hello(
                "protocol_version", _UNSUPPORTED, "SSLProtocol", when=lambda *known: not _is_allowed(*known)
            ),
        ),
    ),
    Entry(
        id="protocol-below-security-level",
        group="beyond",
        question="Why does the server refuse an old protocol that SSLProtocol allows?",
        cause="OpenSSL speaks TLS 1.0 and 1.1 at security level 0 alone, and its default is higher",
        remedy="better leave the old protocol off; where it must be: SSLCipherSuite DEFAULT:@SECLEVEL=0",
        directives=("SSLCipherSuite", "SSLProtocol"),
        numbers=("AH02008",),
        since="Since OpenSSL 3.0 a signature with SHA-1 does not suffice for level 1; Debian's OpenSSL 1.1.1 has "
        "level 2. Up to OpenSSL 3.0 the alert is internal_error, with 3.5 and 3.6 protocol_version.",
        recognisers=(
            _refused_hello("internal_error", _NO_SIGNATURE, "SSLCipherSuite"),
            _refused_hello("protocol_version", _UNSUPPORTED, "SSLCipherSuite", when=_is_allowed),
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
        recognisers=(_refused_hello("handshake_failure", of_tls("no suitable key share"), "SSLOpenSSLConfCmd"),),
    ),
)
