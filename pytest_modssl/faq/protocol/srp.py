"""Passwords instead of certificates: TLS-SRP (RFC 5054)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import ends_start, of_tls, shown
from pytest_modssl.tls.probe import ProbeResult
from pytest_modssl.tls.srp import SrpLogin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Asked, Evidence, Place, Used

_FILE = "SSLSRPVerifierFile"
_SEED = "SSLSRPUnknownUserSeed"
# What the server logs at info beside AH02008 (measured on httpd 2.4.71 / OpenSSL 3.0.22).
_NO_USER = of_tls("psk identity not found")
_WRONG_MAC = of_tls("decryption failed or bad record mac")
_NO_CIPHER = of_tls("no shared cipher")
# Of a verifier file's fields, parted by tabs (`openssl srp`): V for a user, I for a group of primes; the user's name.
_TYPE, _USER = 0, 3


def _refused(evidence: Evidence, alert: str, said: str) -> Iterator[tuple[SrpLogin, tuple[str, ...]]]:
    """The logins that the server refused with an alert, and what it said of that."""
    for one in evidence.seen(SrpLogin):
        if one.alert is not None and one.alert.name == alert:
            lines = [shown(record) for record, _ in evidence.logged(match=said)][:1]
            yield one, (f"login of {one.user!r}: {one.error}", *lines)


def _unknown_user(evidence: Evidence) -> Iterator[Finding]:
    for one, seen in _refused(evidence, "unknown_psk_identity", _NO_USER):
        used = evidence.served_by(one, _FILE)
        yield Finding(
            seen=seen,
            cause=f"the verifier file has no user {one.user!r}, or none whose line OpenSSL can use",
            place=_place(evidence, one, used),
            remedy=f"add the user: openssl srp -srpvfile FILE -add {one.user}, or srp_verifier() of pytest-modssl",
        )


def _wrong_password(evidence: Evidence) -> Iterator[Finding]:
    for one, seen in _refused(evidence, "bad_record_mac", _WRONG_MAC):
        used = evidence.served_by(one, _FILE)
        seed = evidence.served_by(one, _SEED)
        known = None if used is None else _knows(evidence, used.words[0], one.user)
        if known is False:
            yield Finding(
                seen=(*seen, f"{_FILE} has no user {one.user!r}"),
                cause=f"the verifier file has no user {one.user!r}; {_SEED} makes that look like a wrong password",
                place=_place(evidence, one, used),
                remedy=f"add the user: openssl srp -srpvfile FILE -add {one.user}, or srp_verifier() of pytest-modssl",
            )
            continue
        hidden = known is None and seed is not None
        yield Finding(
            seen=seen,
            cause=f"the password of {one.user!r} is wrong{', or nobody knows such a user' if hidden else ''}",
            place=_place(evidence, one, used),
            remedy="log in with the password that the verifier was made of, or make a new verifier; the name counts as "
            "well: a verifier is made of both",
            certainty="likely" if hidden else "certain",
        )


def _no_suites(evidence: Evidence) -> Iterator[Finding]:
    for one, seen in _refused(evidence, "handshake_failure", _NO_CIPHER):
        if evidence.served_by(one, _FILE) is None:
            yield Finding(
                seen=seen,
                cause=f"there is no {_FILE} for this host, and without one mod_ssl does no SRP",
                place=_place(evidence, one, None),
                remedy=f"{_FILE} /path/to/passwd.srpv, in the server or in this virtual host",
            )
            continue
        yield Finding(
            seen=seen,
            cause="SSLCipherSuite has no suite with SRP",
            place=_place(evidence, one, evidence.served_by(one, "SSLCipherSuite")),
            remedy='SSLCipherSuite "!DSS:!aRSA:SRP" for SRP alone, or add :SRP to the list',
        )


def _newer_protocol(evidence: Evidence) -> Iterator[Finding]:
    wanted = evidence.mismatch("cipher suite for SRP")
    for one in evidence.seen(ProbeResult) if wanted is not None else ():
        if one.protocol == "TLSv1.3":
            yield Finding(
                seen=(f"of TLS 1.3 and the suites of SRP the server selected {one.protocol} with {one.cipher_suite}",),
                cause="TLS 1.3 has no SRP: who can speak it gets it, nobody is logged in, and SSL_SRP_USER is (null)",
                place=_place(evidence, one, evidence.served_by(one, "SSLProtocol")),
                remedy="SSLProtocol -all +TLSv1.2 for this host, or clients that are told so (curl --tls-max 1.2)",
            )


def _only_newer_protocol(evidence: Evidence) -> Iterator[Finding]:
    for one, seen in _refused(evidence, "protocol_version", of_tls("unsupported protocol")):
        yield Finding(
            seen=seen,
            cause="SSLProtocol leaves no protocol that has SRP: TLS 1.3 has none",
            place=_place(evidence, one, evidence.served_by(one, "SSLProtocol")),
            remedy="SSLProtocol -all +TLSv1.2 for this host",
        )


def _place(evidence: Evidence, seen: Asked, used: Used | None) -> Place | None:
    """The directive, else the virtual host that answered."""
    return evidence.call(evidence.asked(seen)) if used is None or used.place is None else used.place


def _knows(evidence: Evidence, path: str, user: str) -> bool | None:
    """Whether a verifier file has a user; `None` where it is not one of ours, and so cannot be read."""
    file = evidence.written(path)
    if file is None:
        return None
    lines = [line.split("\t") for line in file[0].decode("utf-8", "replace").splitlines()]
    return any(len(line) > _USER and line[_TYPE] == "V" and line[_USER] == user for line in lines)


ENTRIES = (
    Entry(
        id="tls-srp",
        group="protocol",
        question="How do I enable TLS-SRP?",
        cause="a verifier file and SRP suites make it",
        remedy='SSLSRPVerifierFile /path/to/passwd.srpv and SSLCipherSuite "!DSS:!aRSA:SRP", without TLS 1.3',
        anchor="srp",
        directives=(_FILE, _SEED, "SSLCipherSuite", "SSLProtocol"),
        numbers=("AH02310",),
        since="TLS 1.3, which came later, has no SRP: SSLProtocol must leave it out.",
        recognisers=(
            ends_start(
                "AH02310",
                cause="OpenSSL cannot read the verifier file: it is not what openssl srp writes, or may not be read",
                remedy="make it by: openssl srp -srpvfile FILE -add USER (FILE must be there, empty at first), or "
                "srp_verifier_file() of pytest-modssl (V, verifier, salt, user, group, info, parted by tabs)",
                directive=_FILE,
            ),
            _unknown_user,
            _wrong_password,
            _no_suites,
            _newer_protocol,
            _only_newer_protocol,
        ),
    ),
)
