"""HTTP as a client of the server under test sees it: sessions without DNS, redirect chains, the SSL_* variables."""

from __future__ import annotations

from pytest_modssl.http.environment import (
    ASK,
    SslEnvironment,
    Via,
    environment_of,
    environment_of_headers,
    page_url,
    read_environment,
)
from pytest_modssl.http.reading import responses_in
from pytest_modssl.http.redirects import Hop, RedirectChain, follow
from pytest_modssl.http.session import FailedRequest, TlsFacts, described, open_session, tls_of, wire_url

__all__ = [
    "ASK",
    "FailedRequest",
    "Hop",
    "RedirectChain",
    "SslEnvironment",
    "TlsFacts",
    "Via",
    "described",
    "environment_of",
    "environment_of_headers",
    "follow",
    "open_session",
    "page_url",
    "read_environment",
    "responses_in",
    "tls_of",
    "wire_url",
]
