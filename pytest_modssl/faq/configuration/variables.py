"""Variables of mod_ssl that scripts and pages do not see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.configuration._urls import call_of
from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.http import SslEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

_SSL_NAME = re.compile(r"\bSSL_[A-Z]\w*")
# What +ExportCertData adds (manual, mod_ssl, SSLOptions).
_CERTIFICATE = re.compile(r"SSL_(?:SERVER_CERT|CLIENT_CERT(?:_CHAIN_\d+)?)")


def _no_variables(evidence: Evidence) -> Iterator[Finding]:
    wanted = _SSL_NAME.findall(evidence.subject)
    for seen in evidence.seen(SslEnvironment):
        # Without StdEnvVars a TLS request has HTTPS and SSL_TLS_SNI only (manual, mod_ssl, SSLOptions).
        missing = [name for name in wanted if name not in seen and name != "SSL_TLS_SNI"]
        if missing and seen.get("HTTPS") == "on" and "SSL_PROTOCOL" not in seen:
            used = evidence.find("SSLOptions")
            yield Finding(
                seen=(f"{seen.url} (via {seen.via}): HTTPS=on, and no {', '.join(dict.fromkeys(missing))}",),
                cause="SSLOptions +StdEnvVars is not in force there: TLS is on, and its variables are not handed on",
                place=call_of(evidence, seen.url) if used is None else used.place,
            )


def _no_certificates(evidence: Evidence) -> Iterator[Finding]:
    wanted = [name for name in _SSL_NAME.findall(evidence.subject) if _CERTIFICATE.fullmatch(name)]
    for seen in evidence.seen(SslEnvironment):
        missing = [name for name in wanted if name not in seen]
        if missing and "SSL_PROTOCOL" in seen and "SSL_SERVER_CERT" not in seen:
            used = evidence.find("SSLOptions")
            yield Finding(
                seen=(f"{seen.url} (via {seen.via}): SSL_PROTOCOL, and no {', '.join(dict.fromkeys(missing))}",),
                cause="SSLOptions +ExportCertData is not in force there: certificates as PEM are left out without it",
                place=call_of(evidence, seen.url) if used is None else used.place,
                remedy="write SSLOptions +StdEnvVars +ExportCertData where the script or page is",
            )


ENTRIES = (
    Entry(
        id="ssl-variables-missing",
        group="configuration",
        question="Why are the SSL_XXX variables not available to my CGI and SSI scripts?",
        cause="SSLOptions +StdEnvVars is not in force for the request",
        remedy="write SSLOptions +StdEnvVars in the virtual host, or in the <Location>, <Directory> or <Files> of the "
        "scripts; for SSL_SERVER_CERT and SSL_CLIENT_CERT +ExportCertData as well",
        anchor="envvars",
        directives=("SSLOptions",),
        since="HTTPS and SSL_TLS_SNI are there without it.",
        recognisers=(_no_variables, _no_certificates),
    ),
)
