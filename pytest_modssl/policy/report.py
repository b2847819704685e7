"""A server held against a policy: it is looked at from outside, and every deviation is told with what to change."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import requests

from pytest_modssl.policy.deviations import Area, Deviation, Presented, Seen, deviations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cryptography import x509

    from pytest_modssl.pki import LeafCert
    from pytest_modssl.policy.guideline import Policy
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake

_SCHEMES: Final = (
    ("rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512", "rsa_pkcs1_sha256", "rsa_pkcs1_sha1"),
    ("ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384", "ecdsa_secp521r1_sha512", "ecdsa_sha1"),
    ("rsa_pss_pss_sha256", "rsa_pss_pss_sha384", "rsa_pss_pss_sha512"),
    ("ed25519", "ed448"),
    ("dsa_sha256", "dsa_sha1"),
)
"""Signature schemes by the kind of key that can make them: a client that knows one kind alone is shown that
certificate, if there is one (RFC 8446 section 4.4.2.2, RFC 5246 section 7.4.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReport:
    """What became of holding a server against a policy.

    Args:
        policy: the policy.
        name: the server's name, as sent in SNI.
        port: of the configuration.
        seen: what was seen of the server.
        deviations: all of them, also those that only cost clients (`Deviation.lacks`).
    """

    policy: Policy
    name: str | None
    port: int
    seen: Seen
    deviations: tuple[Deviation, ...]

    @property
    def not_judged(self) -> tuple[str, ...]:
        """What the policy speaks of and could not be seen."""
        notes = [] if self.seen.presented else ["certificates: no handshake showed any"]
        if self.seen.hsts is None:
            notes.append("hsts: no answer over HTTPS")
        return tuple(notes)

    def against(self, *, complete: bool = False, except_for: tuple[Area, ...] = ()) -> tuple[Deviation, ...]:
        """The deviations that count.

        Args:
            complete: whether those count too that only cost clients.
            except_for: areas that do not count.
        """
        return tuple(one for one in self.deviations if (complete or not one.lacks) and one.area not in except_for)

    def __str__(self) -> str:
        count = "no deviation" if not self.deviations else f"{len(self.deviations)} deviations"
        lines = [f"{self.policy} ({self.policy.source}), of {self.name or 'no name'} on port {self.port}: {count}"]
        lines += [f"  {one}" for one in self.deviations]
        lines += [f"  not judged: {one}" for one in self.not_judged]
        return "\n".join(lines)


def policy_report(
    server: Server,
    policy: Policy,
    name: str | None = None,
    *,
    port: int = 443,
    path: str = "/",
    client: LeafCert | None = None,
) -> PolicyReport:
    """A server held against a policy.

    Args:
        server: the server.
        policy: the policy.
        name: the name to send as SNI and to ask for; without one HSTS is not judged.
        port: port of the configuration.
        path: the page whose answer should have HSTS.
        client: certificate to show when the server asks.

    Raises:
        TlsError: when the port cannot be scanned.
    """
    seen = look(server, name, port=port, path=path, client=client)
    report = PolicyReport(policy=policy, name=name, port=port, seen=seen, deviations=deviations(policy, seen))
    server.note(report)
    return report


def look(
    server: Server, name: str | None = None, *, port: int = 443, path: str = "/", client: LeafCert | None = None
) -> Seen:
    """What of a server a policy speaks of; arguments and errors as for `policy_report`.

    A scan, a handshake by each kind of key, one request. What was refused on the way is no evidence of a fault.
    """
    known = {id(one) for one in server.observations}
    scan = server.scan(name, port=port)
    shake = functools.partial(server.handshake, name, port=port, client=client)
    shown = tuple(presented(shake)) if scan.protocols else ()
    hsts = _hsts(server, name, port=port, path=path, client=client)
    server.accept([one for one in server.observations if id(one) not in known])
    return Seen(scan=scan, presented=shown, hsts=hsts, openssl=server.installation.openssl)


def presented(shake: Callable[..., Handshake]) -> Iterator[Presented]:
    """Each certificate that a server presents, found by a handshake for each kind of key.

    Args:
        shake: makes one handshake, with the options of `pytest_modssl.tls.handshake` that it is given.
    """
    known: list[x509.Certificate] = []
    for schemes in _SCHEMES:
        shaken = shake(signature_schemes=schemes, security_level=0, status_request=True)
        if shaken.leaf is not None and shaken.leaf not in known:
            known.append(shaken.leaf)
            yield Presented(certificate=shaken.leaf, stapled=bool(shaken.ocsp_response))


def _hsts(server: Server, name: str | None, *, port: int, path: str, client: LeafCert | None) -> str | None:
    if name is None:
        return None
    url = f"https://{name}{'' if port == 443 else f':{port}'}{path}"
    try:
        # Whether the certificate is trusted is not what the policy speaks of.
        answer = server.session(client=client, any_name=True).request("GET", url, verify=False, allow_redirects=False)
    except requests.RequestException:
        return None
    return answer.headers.get("Strict-Transport-Security", "")
