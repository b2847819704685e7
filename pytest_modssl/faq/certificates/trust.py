"""How a failure shows that somebody does not trust a certificate, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.certificates import issued
from pytest_modssl.faq.entry import Finding
from pytest_modssl.faq.recognise import distrusted, judged, refused_clients
from pytest_modssl.tls.handshake import Handshake
from pytest_modssl.tls.hostname import is_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from pytest_modssl.faq.evidence import Evidence

# X509_V_ERR_* of openssl, x509_vfy.h.
_SELF_SIGNED_LEAF = 18
_SELF_SIGNED_IN_CHAIN = 19
# UNABLE_TO_GET_ISSUER_CERT, ..._LOCALLY, UNABLE_TO_VERIFY_LEAF_SIGNATURE: the issuer of a certificate was not found.
_ISSUER_NOT_FOUND = (2, 20, 21)
# What failures are about that speak of a name: assertions of ours, requests, and the standard library.
_OF_NAMES = re.compile(r"^chain$|certificate: names|doesn't match|not valid for|[Hh]ostname mismatch", re.MULTILINE)


def self_signed(evidence: Evidence) -> Iterator[Finding]:
    """A self-signed certificate that the client was not told to trust."""
    for one in distrusted(evidence, _SELF_SIGNED_LEAF):
        last = judged(one)
        whose = "the server's certificate" if last is None else f"the certificate of {last.subject.rfc4514_string()}"
        used = evidence.served_by(one, "SSLCertificateFile")
        yield Finding(
            seen=(_verdict(one),),
            cause=f"{whose} is self-signed, and the client was not told to trust it",
            place=None if used is None else used.place,
        )


def other_names(evidence: Evidence) -> Iterator[Finding]:
    """A certificate that is trusted, and not for the name of the virtual host that serves it."""
    if not _OF_NAMES.search(evidence.subject):
        return
    for one in evidence.seen(Handshake):
        host = evidence.asked(one)
        if host is None or one.hostname_ok is not False or one.verification.ok is False:
            continue
        name, names = one.server_name or "", ", ".join(one.names) or "no name"
        meant = next(
            (other for other in evidence.config.virtual_hosts if (other.name, other.port) == (name, host.port)), host
        )
        used, remedy = evidence.served_by(one, "SSLCertificateFile"), ""
        if name in host.aliases and meant is not host:
            used = evidence.find("ServerAlias", host=f"{host.name}:{host.port}", word=name) or used
            cause = f"the virtual host {host.name} answers for {name}, and its certificate is for {names}"
            remedy = f"take {name} out of the ServerAlias of {host.name}, or have its certificate issued for it too"
        elif name in (host.name, *host.aliases):
            cause = f"the certificate of the virtual host {name} was asked for, and issued, for {names}"
        elif is_address(name) and meant is not host:
            cause = (
                f"clients send no SNI for the address {name}, so the first virtual host of the port answers, "
                f"{host.name}, and its certificate is for {names}"
            )
            remedy = f"have the certificate of {host.name} issued for {name} too, or put the virtual host {name} first"
        else:
            continue
        yield Finding(
            seen=(f"asked for {name}, the server showed a certificate for {names}",),
            cause=cause,
            place=None if used is None else used.place,
            remedy=remedy,
        )


def root_not_trusted(evidence: Evidence) -> Iterator[Finding]:
    """A chain that is whole, of a CA whose root the client does not know."""
    for one in distrusted(evidence, _SELF_SIGNED_IN_CHAIN, *_ISSUER_NOT_FOUND):
        last = judged(one)
        root = "a root that the server sends" if last is None else _root_of(evidence, one, last)
        if one.verification.code == _SELF_SIGNED_IN_CHAIN and last is not None:
            root = last.subject.rfc4514_string()
        if root:
            used = evidence.served_by(one, "SSLCertificateFile")
            yield Finding(
                seen=(_verdict(one),),
                cause=f"the client does not trust {root}, the root of the CA that issued the server's certificate",
                place=None if used is None else used.place,
            )


def client_of_other_ca(evidence: Evidence) -> Iterator[Finding]:
    """A client certificate of a CA that the server does not know."""
    if any(evidence.logged("AH01897")):
        # No CA is configured at all, and that is what is wrong.
        return
    codes = (_SELF_SIGNED_LEAF, _SELF_SIGNED_IN_CHAIN, *_ISSUER_NOT_FOUND)
    for refusal in refused_clients(evidence, *codes):
        used = evidence.find("SSLCACertificateFile", host=refusal.host) or evidence.find("SSLVerifyClient")
        yield Finding(
            seen=refusal.seen,
            cause=f"the server does not know {refusal.issuer}, the CA that issued the client certificate of "
            f"{refusal.subject}",
            place=None if used is None else used.place,
            remedy="put the certificate of that CA's root into the file of SSLCACertificateFile, or show a certificate "
            "of a CA that is in it",
        )


def issuer_missing(evidence: Evidence) -> Iterator[Finding]:
    """A certificate whose issuer the server has not sent."""
    for one in distrusted(evidence, *_ISSUER_NOT_FOUND):
        last = judged(one)
        if last is None or _root_of(evidence, one, last):
            continue
        issuer, subject = last.issuer.rfc4514_string(), last.subject.rfc4514_string()
        used = evidence.served_by(one, "SSLCertificateFile")
        yield Finding(
            seen=(_verdict(one),),
            cause=f"the server does not send the certificate of {issuer}, which issued that of {subject}",
            place=None if used is None else used.place,
            certainty="likely",
        )


def chain_in_disorder(evidence: Evidence) -> Iterator[Finding]:
    """Certificates in the wrong order, or more than are needed."""
    told = [one for one in evidence.mismatches if re.fullmatch(r"chain: (order|superfluous)", one.what)]
    shaken = [one for one in evidence.seen(Handshake) if one.certificates]
    if told and shaken and evidence.mismatch("chain: issuer") is None:
        wrong = "are not sent issuer after subject" if told[0].what == "chain: order" else "are more than clients need"
        used = evidence.served_by(shaken[-1], "SSLCertificateFile")
        yield Finding(
            seen=tuple(map(str, told)),
            cause=f"the certificates that the server sends {wrong}: {told[0].seen}",
            place=None if used is None else used.place,
        )


def _verdict(handshake: Handshake) -> str:
    return f"OpenSSL's verdict on the chain: {handshake.verification}"


def _root_of(evidence: Evidence, handshake: Handshake, last: x509.Certificate) -> str:
    """The root that issued a certificate of a host of ours: no more is to be sent; empty where it is not known."""
    host = evidence.asked(handshake)
    for leaf in () if host is None else host.certificates:
        known = leaf.root is not None and leaf.der in handshake.certificates
        if known and leaf.root is not None and issued(leaf.root, last):
            return leaf.root.subject.rfc4514_string()
    return ""
