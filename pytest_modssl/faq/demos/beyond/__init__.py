"""Demonstrations of what the FAQ does not tell of, in modules as the entries stand in `faq/beyond/`."""

from __future__ import annotations

from pytest_modssl.faq.demos.beyond import (
    authentication,
    clients,
    dh,
    environment,
    files,
    handshake,
    proxy,
    request,
    revocation,
    scripts,
    settings,
    start,
    syntax,
    versions,
)

DEMONSTRATIONS = (
    *syntax.DEMONSTRATIONS,
    *start.DEMONSTRATIONS,
    *files.DEMONSTRATIONS,
    *settings.DEMONSTRATIONS,
    *environment.DEMONSTRATIONS,
    *handshake.DEMONSTRATIONS,
    *versions.DEMONSTRATIONS,
    *clients.DEMONSTRATIONS,
    *authentication.DEMONSTRATIONS,
    *dh.DEMONSTRATIONS,
    *revocation.DEMONSTRATIONS,
    *request.DEMONSTRATIONS,
    *scripts.DEMONSTRATIONS,
    *proxy.DEMONSTRATIONS,
)
