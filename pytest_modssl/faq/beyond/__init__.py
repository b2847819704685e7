"""Common failures that the FAQ does not tell of, by when they show: at the start, in the handshake, at a request."""

from __future__ import annotations

from pytest_modssl.faq.beyond import handshake, request, revocation, start

ENTRIES = (*start.ENTRIES, *handshake.ENTRIES, *revocation.ENTRIES, *request.ENTRIES)
