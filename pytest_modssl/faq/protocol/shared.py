"""Which of the things that both sides must share they do not: told from the ClientHello and the configuration.

OpenSSL says "no shared cipher" whenever no suite is left, whatever took the last one away (ssl3_choose_cipher in
s3_lib.c, seen with 1.1.1w to 3.6.5): the protocol, the type of the key, the groups, the signatures, or the lists of
both sides. They are looked at in that order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_modssl.faq.configured import cipher_string, groups_of, keys_of, named_suites, protocols_of
from pytest_modssl.faq.entry import Finding
from pytest_modssl.faq.recognise import of_tls, shown
from pytest_modssl.text import listed
from pytest_modssl.tls.handshake import Handshake
from pytest_modssl.tls.names import PROTOCOLS, group_name, protocol_name, signature_scheme_name
from pytest_modssl.tls.suites import suites_by_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_modssl.faq.configured import Key
    from pytest_modssl.faq.entry import Certainty
    from pytest_modssl.faq.evidence import Evidence, Place, Used
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.tls.messages import ClientHello
    from pytest_modssl.tls.suites import CipherSuite

_TLS13 = "TLSv1.3"
_NO_SHARED_CIPHER = of_tls("no shared cipher")
_NO_SIGNATURE = of_tls("no suitable signature algorithm")
# How the signature schemes of a kind of key begin (IANA's names); those of Edwards curves are named as the curve.
_SCHEMES = {"RSA": "rsa_", "EC": "ecdsa_", "DSA": "dsa_"}
# Suites whose authentication is by a certificate's key.
_BY_CERTIFICATE = frozenset({"RSA", "ECDSA", "DSS"})
_SHOWN = 4


@dataclass(frozen=True)
class Unshared:
    """A handshake that the server refused because nothing was left to select.

    Attributes:
        evidence: what is known.
        handshake: the one refused.
        hello: what the client offered.
        record: the server's log line.
    """

    evidence: Evidence
    handshake: Handshake
    hello: ClientHello
    record: LogRecord

    @cached_property
    def host(self) -> str:
        """The virtual host as `name:port`; empty where it is not known."""
        host = self.evidence.asked(self.handshake)
        return "" if host is None else f"{host.name}:{host.port}"

    @cached_property
    def protocol(self) -> str | None:
        """The newest protocol of both sides."""
        used = self.used("SSLProtocol")
        allowed = protocols_of(("all",) if used is None else used.words)
        # A client that does not list its protocols means all up to its newest (RFC 8446 section 4.2.1).
        newest = self.hello.version if self.hello.versions == (self.hello.version,) else 0
        offered = {name for name, code in PROTOCOLS.items() if code in self.hello.versions or code < newest}
        return next((one for one in allowed if one in offered), None)

    @cached_property
    def offered(self) -> tuple[CipherSuite, ...]:
        """The suites that the client offered, without signals that are none."""
        known = suites_by_code()
        return tuple(known[code] for code in self.hello.cipher_suites if code in known)

    @cached_property
    def usable(self) -> tuple[CipherSuite, ...]:
        """Those that are for the protocol of both sides."""
        version = PROTOCOLS[self.protocol or "SSLv3"]
        return tuple(one for one in self.offered if PROTOCOLS[one.minimum] <= version <= PROTOCOLS[one.maximum])

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The keys of the host's certificates; none where they are not known."""
        return keys_of(self.evidence, self.host)

    @cached_property
    def fitting(self) -> tuple[CipherSuite, ...]:
        """The usable suites that one of the server's keys serves for, or that need none."""
        missing = _BY_CERTIFICATE - {one.authentication for one in self.keys} if self.keys else frozenset()
        return tuple(one for one in self.usable if one.authentication not in missing)

    @cached_property
    def cipher_string(self) -> Used | None:
        """The SSLCipherSuite that counts for the protocol."""
        return cipher_string(self.evidence, self.host, self.protocol)

    def used(self, directive: str) -> Used | None:
        """The directive that counts for the host."""
        return self.evidence.find(directive, host=self.host)

    def place(self, used: Used | None) -> Place | None:
        """Where a directive stands, else where the virtual host was made."""
        if used is not None and used.place is not None:
            return used.place
        return self.evidence.call(self.evidence.asked(self.handshake))

    def finding(
        self, cause: str, place: Place | None, remedy: str, *facts: str, certainty: Certainty = "certain"
    ) -> Finding:
        """A finding with the evidence of both sides."""
        protocols = ", ".join(map(protocol_name, self.hello.versions))
        return Finding(
            seen=(
                f"TLS handshake: {self.handshake.error}",
                *[shown(one) for one, _ in self.evidence.logged("AH02008")][:1],
                shown(self.record),
                f"the client offered {_listed(map(str, self.offered))} for {protocols}",
                *facts,
            ),
            cause=cause,
            place=place,
            remedy=remedy,
            certainty=certainty,
        )


def unshared(evidence: Evidence, said: str = _NO_SHARED_CIPHER) -> Iterator[Unshared]:
    """The first handshake that the server refused with handshake_failure and OpenSSL's "no shared cipher".

    Args:
        evidence: what is known.
        said: a pattern of what OpenSSL said.
    """
    for one in evidence.seen(Handshake):
        hello = one.transcript.client_hello
        refused = one.stage == "hello" and any(got.name == "handshake_failure" for got in one.alerts_received)
        if hello is None or not refused:
            continue
        for record, _ in evidence.logged(match=said):
            found = Unshared(evidence, one, hello, record)
            if found.protocol is not None:
                yield found
                return


def _listed(names: Iterable[str]) -> str:
    """The first few of some names."""
    return listed(names, _SHOWN) or "none"


def of_certificates(evidence: Evidence) -> Iterator[Finding]:
    """A key for which TLS 1.3 has no signature."""
    for one in unshared(evidence, _NO_SIGNATURE):
        if one.protocol == _TLS13 and one.keys and all(key.kind == "DSA" for key in one.keys):
            yield one.finding(
                "key type against protocol: the server's key is DSA, for which TLS 1.3 has no signature (RFC 8446)",
                one.keys[0].place,
                "give the host a certificate for an RSA or EC key",
            )


def of_suites(evidence: Evidence) -> Iterator[Finding]:
    """What took the last suite away, the first that did."""
    for one in unshared(evidence):
        if not _is_anonymous(one):
            yield from next((found for found in ([*ask(one)] for ask in _REASONS) if found), ())


def of_anonymous_clients(evidence: Evidence) -> Iterator[Finding]:
    """A client that offers nothing but suites without authentication."""
    for one in unshared(evidence):
        if _is_anonymous(one):
            yield one.finding(
                "the client offered suites without authentication alone, and mod_ssl forbids those, whatever OpenSSL "
                "was built with",
                one.place(one.cipher_string),
                "let the client offer other suites: nothing in the server's configuration will enable anonymous ones",
            )


def _is_anonymous(one: Unshared) -> bool:
    return bool(one.usable) and all(suite.authentication == "anon" for suite in one.usable)


def _protocol(one: Unshared) -> Iterator[Finding]:
    if one.usable or not one.offered:
        return
    needed = _listed(dict.fromkeys(suite.minimum for suite in one.offered))
    used = one.used("SSLProtocol")
    yield one.finding(
        f"version against version: {one.protocol} is the newest protocol of both sides, and the client has no suite "
        f"for it, only for {needed}",
        one.place(used),
        f"let SSLProtocol allow {needed}, or the client offer suites for {one.protocol}",
        "the server has no SSLProtocol" if used is None else f"the server has {used.text}",
    )


def _forbidden(one: Unshared) -> Iterator[Finding]:
    if one.usable and all(suite.encryption == "NULL" or suite.export for suite in one.usable):
        yield one.finding(
            "list against list: the client offered suites without encryption, or weakened for export, alone, which "
            "mod_ssl forbids",
            one.place(one.cipher_string),
            "let the client offer other suites: mod_ssl adds !aNULL:!eNULL:!EXP to every list",
        )


def _key_type(one: Unshared) -> Iterator[Finding]:
    if one.protocol == _TLS13 or not one.keys:
        return
    has = " and ".join(dict.fromkeys(key.kind for key in one.keys))
    served = {key.authentication for key in one.keys}
    keys = f"the server's key is {has}" if len(one.keys) == 1 else f"the server's keys are {has}"
    if not one.fitting and any(suite.authentication in _BY_CERTIFICATE for suite in one.usable):
        needed = _listed(sorted({suite.authentication for suite in one.usable}))
        yield one.finding(
            f"key type against suites: {keys}, and every suite that the client offered needs {needed}",
            one.keys[0].place,
            f"give the host a certificate for a key of {needed} too (SSLCertificateFile and SSLCertificateKeyFile once "
            f"more), or let the client offer suites of {' or '.join(sorted(served))}",
            keys,
        )
        return
    used = one.cipher_string
    own = None if used is None else named_suites(used.words[-1])
    if used is not None and own and not any(suite.authentication in served for suite in own):
        needed = _listed(sorted({suite.authentication for suite in own}))
        yield one.finding(
            f"key type against suites: {keys}, and every suite of SSLCipherSuite needs {needed}",
            one.place(used),
            f"name suites of {' or '.join(sorted(served))} in SSLCipherSuite, or give the host a certificate for a key "
            f"of {needed}",
            keys,
            f"the server has {used.text}",
        )


def _groups(one: Unshared) -> Iterator[Finding]:
    offered = tuple(map(group_name, one.hello.groups))
    if one.protocol == _TLS13 or not offered or not all(suite.key_exchange == "ECDHE" for suite in one.fitting):
        return
    allowed, place = groups_of(one.evidence, one.host)
    client = f"the client offered the groups {_listed(offered)}"
    if not set(offered) & set(allowed):
        yield one.finding(
            f"group against group: every suite that both could use needs a group, and the server allows none but "
            f"{_listed(allowed)}",
            place or one.place(None),
            "allow a group that the client has: SSLOpenSSLConfCmd Curves X25519:P-256:P-384",
            client,
        )
        return
    curves = [key.curve for key in one.keys]
    if curves and all(curves) and not set(curves) & set(offered):
        yield one.finding(
            f"key type against groups: the server's key is on the curve {_listed(curves)}, which the client lacks",
            one.keys[0].place,
            "give the host a certificate for an RSA key too, or for one on a curve that the client has",
            client,
        )


def _signatures(one: Unshared) -> Iterator[Finding]:
    schemes = tuple(map(signature_scheme_name, one.hello.signature_schemes))
    if one.protocol == _TLS13 or not schemes or not one.keys or not all(s.forward_secret for s in one.fitting):
        return
    wanted = [_SCHEMES.get(key.kind, key.kind.lower()) for key in one.keys]
    if not any(scheme.startswith(tuple(wanted)) for scheme in schemes):
        yield one.finding(
            f"key type against signatures: the server's key is {one.keys[0].kind}, and the client takes no signature "
            "of that kind",
            one.keys[0].place,
            "give the host a certificate for an RSA or EC key, whose signatures every client takes",
            f"the client takes {_listed(schemes)}",
        )


def _lists(one: Unshared) -> Iterator[Finding]:
    used = one.cipher_string
    text = "the default list of its OpenSSL" if used is None else used.text
    known = bool(one.keys) or one.protocol == _TLS13
    # Without its file nobody can say that the key is not what is missing.
    against = "list against list" if known else "list against list, or key type against suites"
    yield one.finding(
        f"{against}: {text} allows none of the suites that the client offered for {one.protocol}: "
        f"{_listed(map(str, one.fitting))}",
        one.place(used),
        "let SSLCipherSuite allow a suite that the client has, or the client offer one of the server's (server.scan() "
        "shows them)",
        f"the server has {text}",
        certainty="certain" if known else "likely",
    )


_REASONS: Sequence[Callable[[Unshared], Iterator[Finding]]] = (
    _protocol,
    _forbidden,
    _key_type,
    _groups,
    _signatures,
    _lists,
)
