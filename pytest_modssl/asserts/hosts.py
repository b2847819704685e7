"""Which virtual host answers a request whose `Host` is not the name that its connection was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_modssl.asserts._ask import ask, expect_refusal, who
from pytest_modssl.asserts._collect import require
from pytest_modssl.asserts.handshake import repeat_command
from pytest_modssl.errors import Mismatch, WaitTimeoutError
from pytest_modssl.faq import sharing
from pytest_modssl.httpd.expectations import expectations
from pytest_modssl.wait import until

if TYPE_CHECKING:
    import requests

    from pytest_modssl.faq import Evidence
    from pytest_modssl.httpd.config import VirtualHost
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.targets.server import Server

# mod_ssl's line about a request that it lets through, with the virtual host (ssl_hook_ReadReq, at ssl:debug), and those
# about the ones that it refuses.
_LET_THROUGH = "AH02034"
_REFUSED = ("AH02032", "AH02033")
_SECONDS = 2.0


def assert_answered_by(
    server: Server,
    host: str,
    *,
    sni: str | None,
    by: str | int | None = None,
    port: int = 443,
    path: str = "/",
    **options: Any,
) -> requests.Response:
    """The answer to a request for `host` on a connection made with another name, from the host that must give it.

    So asks a client that reuses a connection for a second name of the same address (HTTP/2 does, RFC 9113 section
    9.1.1), a proxy that passes on another `Host`, or an attacker. Which virtual host answered is read from the server's
    log, so mod_ssl must log at debug, as it does unless the configuration says otherwise.

    Args:
        server: the server to look at.
        host: the name to send as `Host`.
        sni: the name to send in the ClientHello; `None` sends none.
        by: the ServerName of the virtual host that must answer, or the status that must refuse (421, or 403 for
            SSLStrictSNIVHostCheck). Left out, what this version of httpd does under the configuration's
            SSLVHostSNIPolicy and SSLStrictSNIVHostCheck, see `expectations`.
        port: port of the configuration.
        path: of the page; its own status does not matter.
        options: as for `Server.connect`. A host with SSLVerifyClient asks for the certificate on the open connection,
            by a renegotiation (`protocol="TLSv1.2"`) or of a client that allows it (`post_handshake_auth=True`).

    Raises:
        ModsslAssertionError: with what answered instead, the server's log and the command that repeats the handshake.
        LookupError: `by` was left out, and nobody has looked what this version does.
        ValueError: `by` was left out, and the configuration has no host on this port, or a policy without a row.
    """
    __tracebackhide__ = True
    source = ""
    if by is None:
        by, source = _expected(server, host, sni, port)
    expect_refusal(server, by)
    server.instance.settle()  # what is still to be logged of earlier connections is not about this one
    before = len(server.log.records)
    handshake, response, mismatches = ask(server, sni, host, port=port, path=path, **options)
    if response is None:
        if not handshake.ok:
            seen = f"failure ({handshake.failure}): {handshake.error}"
            mismatches.append(Mismatch(f"{who(sni)}: handshake", "success", seen))
    elif isinstance(by, int):
        if response.status_code != by:
            mismatches.append(Mismatch("status", f"{by}{source}", str(response.status_code)))
    else:
        mismatches += _mismatches(server, response, f"{by}:{port}", source, before)
    require(
        server,
        f"answer to a request for {host} on a connection made with {who(sni)}",
        mismatches,
        seen=[handshake] if response is None else [handshake, response],
        commands=[repeat_command(server, sni, port, options)],
    )
    assert response is not None
    return response


def _mismatches(server: Server, response: requests.Response, wanted: str, source: str, before: int) -> list[Mismatch]:
    def line() -> LogRecord | None:
        return next((one for one in server.log.records[before:] if one.ah in (_LET_THROUGH, *_REFUSED)), None)

    try:
        record = until(line, seconds=_SECONDS, what="")
    except WaitTimeoutError:
        return [Mismatch("virtual host", wanted, "no line about the request in the log: LogLevel ssl:debug tells it")]
    if record.ah != _LET_THROUGH:
        return [Mismatch("status", f"an answer of {wanted}{source}", str(response.status_code))]
    answered = server.instance.rendered.host_in(record.message) or record.message
    return [] if answered == wanted else [Mismatch("virtual host", f"{wanted}{source}", answered)]


def _expected(server: Server, host: str, sni: str | None, port: int) -> tuple[str | int, str]:
    """Who answers by the table of this version, and the same in words."""
    evidence = server.evidence()
    first = sharing.first_host(evidence, port)
    if first is None:
        raise ValueError(f"port {port} has no virtual host; ports with one: {', '.join(map(str, server.config.ports))}")
    connected = sharing.host_named(evidence, sni, port) or first
    asked = sharing.host_named(evidence, host, port) or first
    case = _case(evidence, connected, asked)
    strict = sni is None and sharing.refuses_clients_without_sni(evidence, asked)
    if not strict and not case:
        return asked.name, ""
    rule = "strict-check" if strict else sharing.policy(evidence)
    subject = f"sni {rule} {'none-' if sni is None else ''}{case or 'first-host'}"
    fact = expectations(server.installation).fact(subject)
    answer = asked.name if fact.value == "host" else int(fact.value)
    return answer, f" (httpd {server.installation.version}, {subject.removeprefix('sni ')}: {fact.source})"


def _case(evidence: Evidence, connected: VirtualHost, asked: VirtualHost) -> str:
    """How the two hosts differ, in the words of the table; empty where they are one."""
    if connected is asked:
        return ""
    kinds = {one.kind for one in sharing.differences(evidence, connected, asked)}
    if "client-authentication" in kinds:
        return "other-client-authentication"
    return "other-certificate" if kinds else "same-certificate"
