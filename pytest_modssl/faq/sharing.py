"""Whether httpd serves a virtual host on a connection that was made for another one, as far as the configuration tells.

The connection belongs to the host of its SNI (the port's first one where none was sent, or no host has the name), the
request to the host of its `Host`. Where they differ, httpd compares their TLS settings under SSLVHostSNIPolicy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pytest_modssl.faq.evidence import Evidence, Place
    from pytest_modssl.httpd.config import VirtualHost

Kind: TypeAlias = Literal["certificate", "client-authentication"]

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("SSLCertificateFile", "SSLCertificateKeyFile", "SSLCipherSuite", "SSLProtocol"), "certificate"),
    **dict.fromkeys(
        (
            "SSLVerifyClient",
            "SSLVerifyDepth",
            "SSLCACertificateFile",
            "SSLCACertificatePath",
            "SSLCADNRequestFile",
            "SSLCADNRequestPath",
            "SSLCARevocationCheck",
            "SSLCARevocationFile",
            "SSLCARevocationPath",
            "SSLOCSPEnable",
            "SSLOpenSSLConfCmd",
        ),
        "client-authentication",
    ),
}
"""What must be equal in both hosts, in words and not only in content: the first kind under the policy "secure", the
second under "authonly" too.

Measured on httpd 2.4.71, by hosts that differ in one directive; SSLOptions, SSLHonorCipherOrder, SSLSessionTickets and
SSLInsecureRenegotiation make no difference. Of the paths only the files were measured.
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A directive that is not the same in two virtual hosts.

    Attributes:
        directive: its name.
        kind: what it is a setting of, see `_KINDS`.
        place: where it stands in the second host, else in the first.
    """

    directive: str
    kind: Kind
    place: Place | None


def host_named(evidence: Evidence, name: str | None, port: int | None) -> VirtualHost | None:
    """The virtual host of a port that has a name as ServerName or ServerAlias (with `*` and `?`); `None` without one.

    Args:
        evidence: what is known.
        name: as sent; `None` where none was.
        port: of the configuration.
    """
    if name is None:
        return None
    for host in evidence.config.virtual_hosts:
        written = [
            word
            for used in evidence.directives
            if used.name.lower() == "serveralias" and used.host == f"{host.name}:{host.port}"
            for word in used.words
        ]
        if host.port == port and host.serves(name, also=written):
            return host
    return None


def first_host(evidence: Evidence, port: int | None) -> VirtualHost | None:
    """The port's first virtual host, which answers whatever names no other one."""
    return next((one for one in evidence.config.virtual_hosts if one.port == port), None)


def differences(evidence: Evidence, first: VirtualHost, second: VirtualHost) -> tuple[Difference, ...]:
    """What two virtual hosts do not have in common, those of client authentication last."""
    found = []
    for directive, kind in _KINDS.items():
        (mine, my_place), (other, other_place) = (_setting(evidence, directive, one) for one in (first, second))
        if mine != other:
            found.append(Difference(directive, kind, other_place or my_place))
    return tuple(found)


def policy(evidence: Evidence) -> str:
    """The word of SSLVHostSNIPolicy, "default" where there is none."""
    used = evidence.find("SSLVHostSNIPolicy")
    return "default" if used is None else used.words[0].lower()


def refuses_clients_without_sni(evidence: Evidence, asked: VirtualHost) -> bool:
    """Whether SSLStrictSNIVHostCheck is on, for the server, for the port's first host or for the one that is asked.

    It counts only where a port has several hosts (measured on httpd 2.4.71).
    """
    hosts = [one for one in evidence.config.virtual_hosts if one.port == asked.port]
    settings = [_setting(evidence, "SSLStrictSNIVHostCheck", one)[0] for one in (hosts[0], asked)]
    return len(hosts) > 1 and any(one[-1][0].lower() == "on" for one in settings if one)


def _setting(evidence: Evidence, directive: str, host: VirtualHost) -> tuple[list[tuple[str, ...]], Place | None]:
    """The arguments of a directive that count for a host as a whole, and where the last one stands."""
    whole = evidence.settings(
        directive, host=f"{host.name}:{host.port}", fits=lambda one: len(one.sections) == (1 if one.host else 0)
    )
    return [one.words for one in whole], whole[-1].place if whole else None
