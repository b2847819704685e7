"""In what a server deviates from a policy: a pure comparison of what was seen with what the policy says.

Lists of a policy are bounds: what is accepted beyond them is a deviation, and what is missing from them is one that
costs clients and no security, marked so. Sizes, lifetimes, HSTS and stapling are demands.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import SignatureAlgorithmOID

from pytest_modssl.errors import Mismatch
from pytest_modssl.policy import advice
from pytest_modssl.tls.kinds import first_swap
from pytest_modssl.tls.names import PROTOCOLS, cipher_suite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from pytest_modssl.httpd.installation import Version
    from pytest_modssl.policy.guideline import Policy
    from pytest_modssl.tls.scan import Scan

Area: TypeAlias = Literal[
    "protocol",
    "suite",
    "order",
    "group",
    "certificate-type",
    "key-size",
    "curve",
    "signature",
    "lifetime",
    "dh-size",
    "hsts",
    "stapling",
]
AREAS: Final[tuple[Area, ...]] = get_args(Area)
"""What a policy is about, in the order in which deviations are listed."""

_TLS13: Final = "TLSv1.3"
_FILE: Final = "SSLCertificateFile"
_MAX_AGE: Final = re.compile(r"(?:^|;)\s*max-age\s*=\s*\"?(\d+)", re.IGNORECASE)  # RFC 6797 section 6.1.1
_SIGNATURES: Final = {
    SignatureAlgorithmOID.RSA_WITH_MD5: "md5WithRSAEncryption",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "sha1WithRSAEncryption",
    SignatureAlgorithmOID.RSA_WITH_SHA224: "sha224WithRSAEncryption",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "sha256WithRSAEncryption",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "sha384WithRSAEncryption",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "sha512WithRSAEncryption",
    SignatureAlgorithmOID.RSASSA_PSS: "RSASSA-PSS",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "ecdsa-with-SHA1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA224: "ecdsa-with-SHA224",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ecdsa-with-SHA256",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "ecdsa-with-SHA384",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "ecdsa-with-SHA512",
    SignatureAlgorithmOID.DSA_WITH_SHA1: "dsa-with-SHA1",
    SignatureAlgorithmOID.DSA_WITH_SHA256: "dsa-with-SHA256",
    SignatureAlgorithmOID.ED25519: "ed25519",
    SignatureAlgorithmOID.ED448: "ed448",
}
"""Names as OpenSSL prints them and the guidelines write them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A certificate that a server presents.

    Args:
        certificate: the leaf.
        stapled: whether an OCSP response came with it.
    """

    certificate: x509.Certificate = field(repr=False)
    stapled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a server from outside.

    Args:
        scan: all that its port accepts.
        presented: its certificates, each once.
        hsts: the value of Strict-Transport-Security of its answer, "" where it had none; None without an answer.
        openssl: the version of its library, where it is known: not all can do all that a policy has.
    """

    scan: Scan
    presented: tuple[Presented, ...]
    hsts: str | None
    openssl: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """One thing in which a server is not as a policy says.

    Args:
        area: one of `AREAS`.
        where: the protocol, or the kind of certificate, that it is about; may be empty.
        allowed: what the policy says.
        seen: what was seen.
        change: what to change, with the directive.
        directive: that one, "SSLProtocol".
        lacks: the server only offers less than the policy: no security is lost, some clients may be.
    """

    area: Area
    where: str
    allowed: str
    seen: str
    change: str
    directive: str
    lacks: bool = False

    @property
    def subject(self) -> str:
        """Area and place as one: "suite (TLSv1.2)"."""
        return f"{self.area}{self.where and f' ({self.where})'}"

    @property
    def mismatch(self) -> Mismatch:
        """The same as an assertion tells it."""
        return Mismatch(self.subject, self.allowed, f"{'no ' if self.lacks else ''}{self.seen}. Change: {self.change}")

    def __str__(self) -> str:
        return str(self.mismatch)


def deviations(policy: Policy, seen: Seen) -> tuple[Deviation, ...]:
    """Every deviation of a server from a policy, in the order of `AREAS`."""
    found = [
        *_protocols(policy, seen),
        *_suites(policy, seen.scan),
        *_order(policy, seen.scan),
        *_groups(policy, seen),
        *(one for presented in seen.presented for one in _certificate(policy, presented)),
        *_dh(policy, seen.scan),
        *_hsts(policy, seen),
        *_stapling(policy, seen),
    ]
    return tuple(sorted(found, key=lambda one: AREAS.index(one.area)))


def _protocols(policy: Policy, seen: Seen) -> Iterator[Deviation]:
    change = advice.protocols(policy)
    beyond = [one for one in seen.scan.protocols if one not in policy.protocols]
    lacking = [one for one in policy.protocols if one not in seen.scan.protocols]
    nothing = [] if seen.scan.protocols else ["none: no handshake succeeds"]  # that is more than a policy may lack
    for names, lacks in ((nothing or beyond, False), (lacking, True)):
        if names:
            yield Deviation(
                area="protocol",
                where="",
                allowed=", ".join(policy.protocols),
                seen=", ".join(names),
                change=change,
                directive="SSLProtocol",
                lacks=lacks,
            )


def _suites(policy: Policy, scan: Scan) -> Iterator[Deviation]:
    kinds = set(scan.certificates)
    for protocol, accepted in scan.suites.items():
        # A protocol that is not allowed at all is told once.
        if protocol not in policy.protocols:
            continue
        allowed = policy.tls13_suites if protocol == _TLS13 else policy.suites
        beyond = [one for one in accepted if one not in allowed]
        lacking = [one for one in allowed if one not in accepted and _possible(one, protocol, kinds)]
        for names, lacks in ((beyond, False), (lacking, True)):
            if names:
                yield Deviation(
                    area="suite",
                    where=protocol,
                    allowed=f"the {len(allowed)} suites of {policy.name}{'' if lacks else ' and no others'}",
                    seen=", ".join(names),
                    change=advice.suites(policy, protocol),
                    directive="SSLCipherSuite",
                    lacks=lacks,
                )


def _possible(name: str, protocol: str, kinds: set[str]) -> bool:
    suite = cipher_suite(name)
    return PROTOCOLS[suite.minimum] <= PROTOCOLS[protocol] and suite.authentication in {*kinds, "any"}


def _order(policy: Policy, scan: Scan) -> Iterator[Deviation]:
    words = {True: "the server's order decides", False: "the client's order decides"}
    for protocol, decides in scan.server_order.items():
        if protocol not in policy.protocols or decides is None:
            continue
        allowed = policy.tls13_suites if protocol == _TLS13 else policy.suites
        ranked = [one for one in scan.suites[protocol] if one in allowed]
        wanted = [one for one in allowed if one in ranked]
        if decides is not policy.server_order:
            yield Deviation(
                area="order",
                where=protocol,
                allowed=words[policy.server_order],
                seen=words[decides],
                change=f"SSLHonorCipherOrder {'on' if policy.server_order else 'off'}",
                directive="SSLHonorCipherOrder",
            )
        elif decides and ranked != wanted:
            yield Deviation(
                area="order",
                where=protocol,
                allowed=f"the order of {policy.name}",
                seen=first_swap(wanted, ranked),
                change=advice.suites(policy, protocol),
                directive="SSLCipherSuite",
            )


def _groups(policy: Policy, seen: Seen) -> Iterator[Deviation]:
    for protocol, accepted in seen.scan.groups.items():
        if protocol not in policy.protocols:
            continue
        possible = [one for one in policy.groups if protocol == _TLS13 or "MLKEM" not in one]
        beyond = [one for one in accepted if one not in policy.groups]
        # Up to TLS 1.2 a scan does not see every group of a server with an ECDSA key alone.
        lacking = [one for one in possible if one not in accepted] if protocol == _TLS13 else []
        for names, lacks in ((beyond, False), (lacking, True)):
            if names:
                yield Deviation(
                    area="group",
                    where=protocol,
                    allowed=", ".join(possible),
                    seen=", ".join(names),
                    change=advice.groups(policy, protocol, seen.openssl),
                    directive="SSLOpenSSLConfCmd",
                    lacks=lacks,
                )


def _certificate(policy: Policy, presented: Presented) -> Iterator[Deviation]:
    certificate = presented.certificate
    kind, size, curve = _key(certificate)

    def deviation(area: Area, allowed: str, seen: str, change: str) -> Deviation:
        return Deviation(
            area=area, where=f"{kind} certificate", allowed=allowed, seen=seen, change=change, directive=_FILE
        )

    types = " or ".join(policy.certificate_types)
    if kind not in policy.certificate_types:
        yield deviation("certificate-type", types, kind, advice.certificate(policy))
    if kind == "RSA" and policy.rsa_bits is not None and size < policy.rsa_bits:
        yield deviation("key-size", f"{policy.rsa_bits} bits or more", f"{size} bits", advice.certificate(policy))
    if curve and curve not in policy.certificate_curves:
        yield deviation("curve", " or ".join(policy.certificate_curves), curve, advice.certificate(policy))
    oid = certificate.signature_algorithm_oid
    signature = _SIGNATURES.get(oid, oid.dotted_string)
    if signature not in policy.certificate_signatures:
        wanted = " or ".join(policy.certificate_signatures)
        yield deviation("signature", wanted, signature, f"let the CA sign it with {wanted}")
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if lifetime > dt.timedelta(days=policy.lifetime_days):
        days = -(-lifetime // dt.timedelta(days=1))
        yield deviation(
            "lifetime",
            f"{policy.lifetime_days} days at most",
            f"{days} days",
            f"let the CA issue it for {policy.lifetime_days} days at most, and renew it by a program (mod_md, ACME)",
        )


def _key(certificate: x509.Certificate) -> tuple[str, int, str]:
    """Kind, size in bits, and curve of a certificate's key."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size, ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "ECDSA", key.key_size, key.curve.name
    if isinstance(key, dsa.DSAPublicKey):
        return "DSA", key.key_size, ""
    return type(key).__name__.lstrip("_").removesuffix("PublicKey"), 0, ""


def _dh(policy: Policy, scan: Scan) -> Iterator[Deviation]:
    if scan.dh_bits is not None and policy.dh_bits is not None and scan.dh_bits < policy.dh_bits:
        yield Deviation(
            area="dh-size",
            where="",
            allowed=f"{policy.dh_bits} bits or more",
            seen=f"{scan.dh_bits} bits",
            change=f"put parameters of {policy.dh_bits} bits (ffdhe{policy.dh_bits} of RFC 7919) into the first "
            "SSLCertificateFile, or take the smaller ones out of it",
            directive=_FILE,
        )


def _hsts(policy: Policy, seen: Seen) -> Iterator[Deviation]:
    if seen.hsts is None:
        return
    found = _MAX_AGE.search(seen.hsts)
    if found is None or int(found[1]) < policy.hsts_seconds:
        yield Deviation(
            area="hsts",
            where="",
            allowed=f"Strict-Transport-Security with max-age={policy.hsts_seconds} or more",
            seen=repr(seen.hsts) if seen.hsts else "no such header",
            change=f'Header always set Strict-Transport-Security "max-age={policy.hsts_seconds}" (mod_headers)',
            directive="Header",
        )


def _stapling(policy: Policy, seen: Seen) -> Iterator[Deviation]:
    for one in seen.presented if policy.stapling else ():
        if not one.stapled:
            yield Deviation(
                area="stapling",
                where=f"{_key(one.certificate)[0]} certificate",
                allowed="an OCSP response with the certificate",
                seen="none",
                change=advice.stapling(one.certificate),
                directive="SSLUseStapling",
            )
