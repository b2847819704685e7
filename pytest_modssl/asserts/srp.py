"""That users log in by TLS-SRP (RFC 5054), and that others do not."""

from __future__ import annotations

import http.client
import io
from typing import TYPE_CHECKING, Final

import requests

from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.errors import EnvironmentPageError, Mismatch
from pytest_modssl.http import ASK, environment_of
from pytest_modssl.tls import names
from pytest_modssl.tls.srp import SRP_PROTOCOLS

if TYPE_CHECKING:
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls import ProbeResult
    from pytest_modssl.tls.srp import SrpLogin

SUITE: Final = "cipher suite for SRP"
"""What a mismatch is about where a client that can do SRP gets something else."""


def assert_srp(
    server: Server,
    name: str,
    user: str,
    password: str,
    *,
    port: int = 443,
    newest: str = "TLSv1.3",
    info: Expected | None = None,
) -> SrpLogin:
    """The login of a user by TLS-SRP, which succeeded; pages see the user as `SSL_SRP_USER`.

    Before the login the server is asked what it selects of all that a client offers which speaks `newest`: curl, for
    one, offers TLS 1.3 beside the suites of SRP, and then nobody is logged in.

    Args:
        server: the server to look at.
        name: the name to send as SNI and `Host`.
        user: the user's name.
        password: the password.
        port: port of the configuration.
        newest: the newest protocol that the clients speak: "TLSv1.2" for those that are told so
            (`curl --tls-max 1.2`).
        info: `SSL_SRP_USERINFO` as pages see it; without an expectation it may be anything.

    Raises:
        ModsslAssertionError: with every mismatch, the server's log and the command that repeats the login.
        TlsError: when tlslite-ng, which speaks SRP, is not there: `pip install 'pytest-modssl[srp]'`.
    """
    __tracebackhide__ = True
    protocol = min(newest, SRP_PROTOCOLS[-1])
    headline = f"TLS-SRP login of {user!r} to {name} on port {port}"
    command = server.srp_command(name, user, port=port)
    if newest not in SRP_PROTOCOLS:
        selected = _selected(server, name, user, port, newest)
        require(server, headline, _not_srp(selected), seen=[selected], commands=[command])
    request = "\r\n".join([f"GET / HTTP/1.0\r\nHost: {name}", *(f"{key}: {value}" for key, value in ASK.items())])
    seen = server.srp_login(name, user, password, port=port, protocol=protocol, request=f"{request}\r\n\r\n".encode())
    if not seen.ok:
        mismatches = [Mismatch("login", "success", f"failure: {seen.error}")]
    else:
        mismatches = _variables(seen, f"https://{name}:{port}/", SSL_SRP_USER=user, SSL_SRP_USERINFO=info)
    require(server, headline, mismatches, seen=[seen], commands=[command])
    return seen


def assert_srp_refused(
    server: Server, name: str, user: str, password: str, *, port: int = 443, alert: Expected | None = None
) -> SrpLogin:
    """The login of a user by TLS-SRP, which the server refused.

    Args:
        server: the server to look at.
        name: the name to send as SNI.
        user: the user's name.
        password: the password.
        port: port of the configuration.
        alert: what it refused it with: "bad_record_mac" for a wrong password; "unknown_psk_identity" for an unknown
            user, and "bad_record_mac" for that as well with `SSLSRPUnknownUserSeed`, which hides who is known (measured
            on httpd 2.4.71 / OpenSSL 3.0.22; RFC 5054 section 2.5.1.3).

    Raises:
        ModsslAssertionError: where it succeeded, or failed in another way.
        TlsError: as for `assert_srp`.
    """
    __tracebackhide__ = True
    seen = server.srp_login(name, user, password, port=port)
    mismatches = []
    if seen.ok:
        mismatches.append(Mismatch("login", "a refusal", f"success with {seen.protocol} {seen.cipher_suite}"))
    elif seen.alert is None:
        mismatches.append(Mismatch("alert from the server", "one", f"none: {seen.error}"))
    else:
        mismatches += compare("alert from the server", alert, seen.alert.name)
    headline = f"TLS-SRP login of {user!r} to {name} on port {port}, which must be refused"
    require(server, headline, mismatches, seen=[seen], commands=[server.srp_command(name, user, port=port)])
    return seen


def _selected(server: Server, name: str, user: str, port: int, newest: str) -> ProbeResult:
    srp = [one.code for one in names.cipher_suites(SRP_PROTOCOLS[-1]) if one.key_exchange == "SRP"]
    suites = [*(one.code for one in names.cipher_suites(newest)), *srp]
    return server.probe(name, port=port, versions=(SRP_PROTOCOLS[-1], newest), suites=suites, srp_user=user)


def _not_srp(seen: ProbeResult) -> list[Mismatch]:
    # Who refuses the hello refuses the login too, which then tells more of it.
    if seen.server_hello is None or seen.protocol in SRP_PROTOCOLS:
        return []
    return [Mismatch(SUITE, "one with SRP", f"{seen.protocol} with {seen.cipher_suite}, which logs nobody in")]


def _variables(seen: SrpLogin, url: str, **expected: Expected | None) -> list[Mismatch]:
    head, _, _ = seen.reply.partition(b"\r\n\r\n")
    answer = requests.Response()
    answer.url = url
    lines = io.BytesIO(head.partition(b"\r\n")[2] + b"\r\n\r\n")
    answer.headers.update(http.client.parse_headers(lines))
    try:
        variables = environment_of(answer, "header")
    except EnvironmentPageError as error:
        return [Mismatch("variables", "SSL_SRP_USER", str(error))]
    return [one for name, value in expected.items() for one in compare(name, value, variables.get(name))]
