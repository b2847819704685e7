"""Which suites are there, and which both sides have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.configured import cipher_string, group_setting
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.protocol.shared import of_anonymous_clients, of_certificates, of_suites
from pytest_modssl.faq.recognise import shown
from pytest_modssl.policy import PolicyReport
from pytest_modssl.tls.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Place, Used
    from pytest_modssl.httpd.errorlog import LogRecord

# How ciphers(1) names suites without authentication, where they are not taken away.
_ANONYMOUS = re.compile(r"(?<![!\w-])(ADH|AECDH|aNULL)\b")
_COMMAND = r'"SSLOpenSSLConfCmd CipherString (?P<list>\S+?)(?::!aNULL:!eNULL:!EXP)?" failed'


def refused_lists(evidence: Evidence, *, anonymous: bool) -> Iterator[tuple[LogRecord, Used | None]]:
    """The line about a list of which no suite is left, so that httpd does not start, and where the list stands.

    Args:
        evidence: what is known.
        anonymous: whether those are wanted that name anonymous suites, or the others.
    """
    if evidence.start.ready:
        return
    for record, found in evidence.logged(match=rf"AH01898|{_COMMAND}"):
        name, word = ("SSLOpenSSLConfCmd", "CipherString") if found["list"] else ("SSLCipherSuite", "")
        used = evidence.find(name, host=evidence.rendered.host_in(record.message) or "", word=word)
        if (_ANONYMOUS.search(found["list"] or (used.text if used else "")) is not None) is anonymous:
            yield record, used
        return


def _anonymous_lists(evidence: Evidence) -> Iterator[Finding]:
    for record, used in refused_lists(evidence, anonymous=True):
        yield Finding(seen=(shown(record),), place=evidence.trouble if used is None else used.place)


def _deviating(evidence: Evidence) -> Iterator[Finding]:
    """A server that a test held against a policy, where that is what the failure is about."""
    for report in evidence.seen(PolicyReport):
        found = [one for one in report.deviations if one.mismatch in evidence.mismatches]
        places = [_place(evidence, report.name, report.port, one.directive, one.where) for one in found]
        if found:
            yield Finding(
                seen=tuple(
                    f"{one.subject}: {one.mismatch.seen.partition('. Change: ')[0]}"
                    + ("" if place is None else f" ({place.origin})")
                    for one, place in zip(found, places, strict=True)
                ),
                cause=f"the server is not as {report.policy} says, in {len(found)} things",
                place=places[0],
                remedy="; ".join(dict.fromkeys(one.change for one in found)),
            )


def _accepted(evidence: Evidence) -> Iterator[Finding]:
    """What a test does not want of protocols, suites, their order and groups."""
    scans = evidence.seen(Scan)
    for one in evidence.mismatches if scans else ():
        for pattern, directive, cause, remedy in _RULES:
            found = re.fullmatch(pattern, one.what)
            if found is None:
                continue
            port = evidence.ports.get(scans[-1].address, 443)
            words = {"protocol": "", **found.groupdict("")}
            place = _place(evidence, scans[-1].server_name, port, directive, words["protocol"])
            yield Finding(seen=(str(one),), cause=cause.format(seen=one.seen), place=place, remedy=remedy)
            return


_RULES = (
    (
        r"protocols",
        "SSLProtocol",
        "SSLProtocol and the security level allow {seen}",
        "name the protocols: SSLProtocol -all +TLSv1.2 +TLSv1.3",
    ),
    (
        r"cipher suites of (?P<protocol>TLSv1\.3).*",
        "SSLCipherSuite",
        "without the word TLSv1.3 SSLCipherSuite has no effect on the suites of TLS 1.3, which then are the default",
        "name those of TLS 1.3 in a line of their own: SSLCipherSuite TLSv1.3 TLS_AES_256_GCM_SHA384:...",
    ),
    (
        r"cipher suites(?: of (?P<protocol>\S+))?.*",
        "SSLCipherSuite",
        "the suites that are accepted are those of this OpenSSL that SSLCipherSuite and its security level allow",
        "name the wanted suites in SSLCipherSuite, or take others away with !: SSLCipherSuite ECDHE+AESGCM:!SHA1",
    ),
    (
        r"order of the cipher suites of (?P<protocol>TLSv1\.3).*",
        "SSLHonorCipherOrder",
        "SSLHonorCipherOrder says whose order decides, by default the client's; SSLCipherSuite TLSv1.3 has it",
        "SSLHonorCipherOrder on for the server's order, and name the suites in it: SSLCipherSuite TLSv1.3 ...",
    ),
    (
        r"order of the cipher suites of (?P<protocol>\S+).*",
        "SSLHonorCipherOrder",
        "SSLHonorCipherOrder says whose order decides, by default the client's; SSLCipherSuite has it",
        "SSLHonorCipherOrder on for the server's order, off for the client's; SSLCipherSuite names the suites in order",
    ),
    (
        r"(?:order of the )?groups of (?P<protocol>\S+)",
        "SSLOpenSSLConfCmd",
        "the groups are those of this OpenSSL, or of SSLOpenSSLConfCmd Curves, in their order",
        "name them in order: SSLOpenSSLConfCmd Curves X25519:P-256 (X25519MLKEM768 needs OpenSSL 3.5)",
    ),
)
"""Subjects of mismatches with the directive that decides, cause and remedy."""


def _place(evidence: Evidence, name: str | None, port: int, directive: str, protocol: str) -> Place | None:
    """Where the directive stands that counts for a name, else where its virtual host was made."""
    found = evidence.host_of(name, port)
    host = f"{found.name}:{found.port}" if found else ""
    used = evidence.find(directive, host=host)
    if directive == "SSLCipherSuite":
        used = cipher_string(evidence, host, protocol) or used
    elif directive == "SSLOpenSSLConfCmd":
        used = group_setting(evidence, host)
    elif directive == "Header":
        used = evidence.find(directive, host=host, word="Strict-Transport-Security")
    return evidence.call(found) if used is None or used.place is None else used.place


ENTRIES = (
    Entry(
        id="supported-ciphers",
        group="protocol",
        question="What SSL Ciphers are supported by mod_ssl?",
        cause="those of the OpenSSL in use that SSLCipherSuite and its security level allow",
        remedy="see what the server really accepts with server.scan(), and choose with SSLCipherSuite and SSLProtocol",
        anchor="ciphers",
        directives=("SSLCipherSuite", "SSLProtocol", "SSLHonorCipherOrder", "SSLOpenSSLConfCmd"),
        since="SSLCipherSuite TLSv1.3 came with httpd 2.4.36. Without a word for the protocol SSLCipherSuite has no "
        "effect on TLS 1.3. X25519MLKEM768 needs OpenSSL 3.5.",
        recognisers=(_deviating, _accepted),
    ),
    Entry(
        id="anonymous-dh",
        group="protocol",
        question="Why do I get no shared cipher errors when trying to use Anonymous Diffie-Hellman (ADH) ciphers?",
        cause="mod_ssl forbids suites without authentication, whatever OpenSSL was built with",
        remedy="name other suites in SSLCipherSuite: mod_ssl adds !aNULL:!eNULL:!EXP to every list, and nothing "
        "enables anonymous ones",
        anchor="adh",
        directives=("SSLCipherSuite", "SSLOpenSSLConfCmd"),
        numbers=("AH01898", "AH02407", "AH02008"),
        since="The FAQ's rebuild with -DSSL_ALLOW_ADH no longer helps.",
        recognisers=(_anonymous_lists, of_anonymous_clients),
    ),
    Entry(
        id="no-shared-cipher",
        group="protocol",
        question="Why do I get a no shared ciphers error when connecting to my newly installed server?",
        cause="no suite is in the lists of both sides, or none of those fits the protocol of both, the type of the "
        "server's key, or the groups of both",
        remedy="let SSLCipherSuite and SSLProtocol allow what the clients have, and give the host an RSA or EC key",
        anchor="sharedciphers",
        directives=("SSLCipherSuite", "SSLProtocol", "SSLCertificateFile", "SSLOpenSSLConfCmd"),
        numbers=("AH02008",),
        since="Sides without a common protocol are told apart by the alert protocol_version: see protocol-not-offered.",
        recognisers=(of_suites, of_certificates),
    ),
)
