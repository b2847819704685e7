"""Secrets that can be read on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.capture import Leak
from pytest_modssl.faq.entry import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence


def in_clear(evidence: Evidence) -> Iterator[Finding]:
    """A secret that was captured in clear: by Basic authentication, or in another way."""
    leaks = evidence.seen(Leak) if evidence.mismatch("on the wire") else ()
    for leak in sorted(leaks, key=lambda one: not one.basic)[:1]:
        host = evidence.host_of(leak.host.partition(":")[0], leak.port)
        where = f"{host.name}:{host.port}" if host else f"port {leak.port}"
        used = evidence.find("AuthType", host=where) if leak.basic and host else None
        cause = f"what {where} and its clients send each other is not encrypted, and a secret was in it"
        if leak.basic:
            cause = f"{where} asks for a password without TLS, and Basic authentication is base64 and no encryption"
        yield Finding(
            seen=(str(leak),), cause=cause, place=evidence.call(host) if used is None or not used.place else used.place
        )
