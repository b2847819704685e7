"""Policies as data: what a guideline allows and asks for, from the JSON files beside this module, each with its source.

A file has one version of one guideline. A newer version is a new file; what was published never changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pytest_modssl.errors import PolicyError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What one configuration of a guideline allows and asks for.

    Args:
        title: whose guideline it is.
        version: of the guideline, "6.0".
        name: of the configuration, "intermediate".
        source: where it is published.
        protocols: those to be accepted, as mod_ssl names them.
        suites: those to be accepted up to TLS 1.2, by OpenSSL's names, in the guideline's order.
        tls13_suites: those of TLS 1.3.
        server_order: whether the server's order of suites shall decide, or the client's.
        groups: those of the key exchange by IANA's names, in the guideline's order.
        certificate_types: "ECDSA", "RSA".
        certificate_curves: of ECDSA keys, by IANA's names.
        certificate_signatures: how the certificate may be signed, by the names of RFC 3279, 4055 and 5758.
        rsa_bits: the least size of an RSA key; None where RSA is not allowed.
        dh_bits: the least size of a prime of DHE up to TLS 1.2; None where no such protocol is allowed.
        lifetime_days: the longest validity of a certificate.
        hsts_seconds: the least `max-age` of Strict-Transport-Security.
        stapling: whether an OCSP response shall be stapled.
    """

    title: str
    version: str
    name: str
    source: str
    protocols: tuple[str, ...]
    suites: tuple[str, ...]
    tls13_suites: tuple[str, ...]
    server_order: bool
    groups: tuple[str, ...]
    certificate_types: tuple[str, ...]
    certificate_curves: tuple[str, ...]
    certificate_signatures: tuple[str, ...]
    rsa_bits: int | None
    dh_bits: int | None
    lifetime_days: int
    hsts_seconds: int
    stapling: bool

    def __str__(self) -> str:
        return f"{self.title} {self.version}, {self.name}"


@cache
def policies() -> tuple[Policy, ...]:
    """Every policy that ships with the package: of each guideline the newest version first."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in _FOLDER.glob("*.json")]
    documents.sort(key=lambda one: [int(part) for part in one["version"].split(".")], reverse=True)
    return tuple(_policy(one, name, facts) for one in documents for name, facts in one["policies"].items())


def policy(name: str, version: str | None = None) -> Policy:
    """The policy of a name.

    Args:
        name: "modern", "intermediate" or "old".
        version: of the guideline; by default the newest that has a policy of this name. "old" ended with 5.8.

    Raises:
        PolicyError: with those that there are.
    """
    for one in policies():
        if one.name == name and version in (None, one.version):
            return one
    known = "; ".join(f"{one.version}: {one.name}" for one in policies())
    asked = repr(name) if version is None else f"{name!r} in version {version}"
    raise PolicyError(f"There is no policy {asked}. Known are {known}.")


def _policy(document: dict[str, Any], name: str, facts: dict[str, Any]) -> Policy:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
    return Policy(title=document["title"], version=document["version"], source=document["source"], name=name, **values)
