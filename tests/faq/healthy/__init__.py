"""Servers with which nothing is wrong, and a look at each that a test may well take: none may get a diagnosis.

They stand in modules by what a diagnosis might take them for, as the demonstrations do.
"""

from __future__ import annotations

from tests.faq.healthy import (
    authentication,
    certificates,
    ciphers,
    clients,
    configuration,
    java,
    load,
    names,
    requests,
    revocation,
    servers,
    srp,
)
from tests.faq.healthy._model import Healthy

HEALTHY: tuple[Healthy, ...] = (
    *configuration.HEALTHY,
    *certificates.HEALTHY,
    *ciphers.HEALTHY,
    *load.HEALTHY,
    *names.HEALTHY,
    *clients.HEALTHY,
    *revocation.HEALTHY,
    *authentication.HEALTHY,
    *requests.HEALTHY,
    *java.HEALTHY,
    *servers.HEALTHY,
    *srp.HEALTHY,
)

__all__ = ["HEALTHY", "Healthy"]
