"""Common failures that the FAQ does not tell of, by when they show: at the start, in the handshake, at a request."""

from __future__ import annotations

from pytest_modssl.faq.beyond import (
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

ENTRIES = (
    *syntax.ENTRIES,
    *start.ENTRIES,
    *files.ENTRIES,
    *settings.ENTRIES,
    *environment.ENTRIES,
    *handshake.ENTRIES,
    *versions.ENTRIES,
    *clients.ENTRIES,
    *authentication.ENTRIES,
    *dh.ENTRIES,
    *revocation.ENTRIES,
    *request.ENTRIES,
    *scripts.ENTRIES,
    *proxy.ENTRIES,
)
