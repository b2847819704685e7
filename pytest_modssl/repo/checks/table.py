"""All checks of virtual hosts, in the order in which they are told."""

from __future__ import annotations

from typing import Final

from pytest_modssl.repo.checks import pages, tls
from pytest_modssl.repo.checks.check import Check

CHECKS: Final[tuple[Check, ...]] = (
    Check(
        name="handshake",
        help="a client shakes hands by the host's name, and trusts its certificate",
        applies=tls.speaks_tls,
        run=tls.handshake,
    ),
    Check(
        name="certificate-names",
        help="its certificate is for ServerName and every ServerAlias",
        applies=tls.speaks_tls,
        run=tls.certificate_names,
    ),
    Check(
        name="chain",
        help="its chain is whole and in order, and not expired",
        applies=tls.speaks_tls,
        run=tls.chain,
    ),
    Check(
        name="sni",
        help="each of its names leads to it, and to no other host",
        applies=tls.speaks_tls,
        run=tls.sni,
    ),
    Check(
        name="policy",
        help="protocols, suites, groups and certificates are as the policy says",
        applies=tls.speaks_tls,
        run=tls.policy,
    ),
    Check(
        name="legacy-protocols",
        help="SSLv3, TLS 1.0 and TLS 1.1 are refused",
        applies=tls.speaks_tls,
        run=tls.legacy_protocols,
    ),
    Check(
        name="plain-http-on-tls-port",
        help="plain HTTP to its port is refused",
        applies=tls.speaks_tls,
        run=pages.plain_http_on_tls_port,
    ),
    Check(
        name="answers",
        help="it answers, and its redirects lead to an answer",
        applies=pages.any_host,
        run=pages.answers,
    ),
    Check(
        name="no-redirect-loop",
        help="its redirects come to an end",
        applies=pages.any_host,
        run=pages.no_redirect_loop,
    ),
    Check(
        name="redirects-to-https",
        help="a name that a TLS host has too leads to https",
        applies=pages.plain_beside_tls,
        run=pages.redirects_to_https,
    ),
    Check(
        name="hsts",
        help="Strict-Transport-Security is sent over TLS, long enough, and never by plain HTTP",
        applies=pages.any_host,
        run=pages.hsts,
    ),
)
