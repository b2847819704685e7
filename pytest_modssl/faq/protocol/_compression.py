"""Compression of TLS that is there, and compression that is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Finding
from pytest_modssl.tls import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Used

_LEVEL = re.compile(r"@SECLEVEL=(\d)")
# OpenSSL's level 2 and above forbid compression (SSL_CTX_set_security_level(3)).
_HIGHEST_LEVEL = 1
_OPTION = "compression"


def negotiated(evidence: Evidence) -> Iterator[Finding]:
    """Compression that a test does not want."""
    for one in evidence.seen(ProbeResult) if _expects(evidence, "'NULL'") else ():
        if one.compression not in {None, "NULL"}:
            used = _option(evidence) or evidence.find("SSLCompression", word="on")
            yield Finding(
                seen=(f"a client that offered compression got {one.compression}, {one.protocol}",),
                cause="the server compresses inside TLS, so that an attacker who can add to the requests of a victim "
                "guesses its secrets by their length (CRIME, CVE-2012-4929)",
                place=None if used is None else used.place,
                remedy="take SSLOpenSSLConfCmd Options Compression away, and write SSLCompression off",
            )
            return


def not_negotiated(evidence: Evidence) -> Iterator[Finding]:
    """Compression that a test wants, and what is in its way."""
    for one in evidence.seen(ProbeResult) if _expects(evidence, "'DEFLATE'") else ():
        if one.compression in {None, "NULL"}:
            selected = "no answer but an alert" if one.server_hello is None else "NULL"
            cause, used = _obstacle(evidence, one)
            yield Finding(
                seen=(f"a client that offered compression got {selected}, {one.protocol or one.alert}",),
                cause=cause,
                place=None if used is None else used.place,
            )
            return


def _expects(evidence: Evidence, what: str) -> bool:
    found = evidence.mismatch("compression")
    return found is not None and found.expected == what


def _obstacle(evidence: Evidence, seen: ProbeResult) -> tuple[str, Used | None]:
    """What keeps this OpenSSL from compressing, and the directive."""
    if seen.server_hello is None:
        return "the server speaks no TLS 1.2 with this client, and TLS 1.3 has no compression", evidence.find(
            "SSLProtocol"
        )
    asked = evidence.find("SSLCompression", word="on")
    if not evidence.installation.can("compression"):
        return "the OpenSSL of this httpd has no compression at all", asked
    if _option(evidence) is None:
        cause = (
            "OpenSSL keeps compression off until SSLOpenSSLConfCmd Options Compression: SSLCompression is not enough"
        )
        return cause, asked
    level = next((used for used in reversed(evidence.directives) if _LEVEL.search(used.text)), None)
    found = None if level is None else _LEVEL.search(level.text)
    value = found[1] if found else ""
    if not value or int(value) > _HIGHEST_LEVEL:
        return (
            f"OpenSSL forbids compression at its security level {value or '2, the default'}",
            level or _option(evidence),
        )
    return "something else keeps OpenSSL from compressing", asked


def _option(evidence: Evidence) -> Used | None:
    """The SSLOpenSSLConfCmd that lets OpenSSL compress."""
    for used in reversed(evidence.directives):
        command = [word.lower() for word in used.words]
        if used.name.lower() == "sslopensslconfcmd" and command[:1] == ["options"]:
            options = [one.strip().lstrip("+") for word in command[1:] for one in word.split(",")]
            if _OPTION in options:
                return used
    return None
