"""That a server follows a published policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.asserts._collect import require
from pytest_modssl.errors import PolicyError
from pytest_modssl.policy import AREAS, policy_report
from pytest_modssl.policy import policy as policy_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.pki import LeafCert
    from pytest_modssl.policy import Area, Policy, PolicyReport
    from pytest_modssl.targets.server import Server


def assert_policy(
    server: Server,
    policy: str | Policy = "intermediate",
    *,
    name: str | None = None,
    version: str | None = None,
    port: int = 443,
    path: str = "/",
    complete: bool = False,
    except_for: Sequence[Area] = (),
    client: LeafCert | None = None,
) -> PolicyReport:
    """How the server stands to a policy: it has nothing that the policy does not allow, and all that it demands.

    Looked at are protocols, cipher suites and who decides about their order, groups, each certificate that the server
    presents (type, key, signature, lifetime), the Diffie-Hellman prime, HSTS and stapling. Of a chain the server's own
    certificate is judged.

    Args:
        server: the server to look at.
        policy: a configuration of Mozilla's guidelines for server-side TLS, "modern", "intermediate" or "old"; or one
            of your own, as `dataclasses.replace(policy("intermediate"), dh_bits=3072)` makes it.
        name: the name to send as SNI and to ask for; without one HSTS is not judged.
        version: of the guidelines, "6.0" or "5.8"; by default the newest that has the configuration.
        port: port of the configuration.
        path: the page whose answer should have HSTS.
        complete: whether it counts too that the server lacks a protocol, suite or group of the policy. That costs
            clients and no security, and its OpenSSL may not have it.
        except_for: areas that do not count: "stapling", "hsts", "lifetime", ..., see `pytest_modssl.policy.AREAS`.
        client: certificate to show when the server asks.

    Raises:
        ModsslAssertionError: with every deviation, and what to change for each.
        PolicyError: for a policy, version or area that does not exist.
        TlsError: when the port cannot be scanned.
    """
    __tracebackhide__ = True
    unknown = [one for one in except_for if one not in AREAS]
    if unknown:
        raise PolicyError(f"A policy has no area {', '.join(map(repr, unknown))}. There are {', '.join(AREAS)}.")
    wanted = policy_of(policy, version) if isinstance(policy, str) else policy
    report = policy_report(server, wanted, name, port=port, path=path, client=client)
    counted = report.against(complete=complete, except_for=tuple(except_for))
    headline = f"{wanted}: {name or 'no name'} on port {port}"
    require(server, headline, [one.mismatch for one in counted], seen=[report])
    return report
