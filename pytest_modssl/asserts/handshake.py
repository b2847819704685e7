"""What a TLS handshake must show, or how it must fail."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.errors import Mismatch, WaitTimeoutError
from pytest_modssl.tls.commands import sayable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.pki import LeafCert
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Failure, Handshake


def assert_handshake(
    server: Server,
    name: str | None = None,
    *,
    port: int = 443,
    protocol: str | tuple[str, str] | None = None,
    cipher_suite: Expected | None = None,
    group: Expected | None = None,
    dh_bits: Expected | None = None,
    signature: Expected | None = None,
    alpn: str | Sequence[str] | None = None,
    resumed: bool | None = None,
    verified: bool | None = None,
    certificate: LeafCert | None = None,
    client_certificate_requested: bool | None = None,
    **options: Any,
) -> Handshake:
    """The handshake with `name`, which succeeded and was as expected in all that was named.

    Expectations are exact values, patterns (searched), or functions of the value.

    Args:
        server: the server to look at.
        name: the name to send as SNI and to verify; none is sent without.
        port: port of the configuration.
        protocol: what the client speaks, and so what must be negotiated: "TLSv1.2". A pair (lowest, highest) is offered
            and leaves the choice to the server. Without one the client offers all that its library allows.
        cipher_suite: OpenSSL's name of the suite.
        group: registry name of the group of the key exchange.
        dh_bits: size of the finite-field prime in bits, as the server sent it.
        signature: registry name of the scheme of the server's signature, TLS 1.2 and 1.3.
        alpn: the application protocol to offer, or several in order; the first must be selected.
        resumed: whether the session passed as `session=` must have been resumed.
        verified: whether the chain must be trusted and fit the name; by default it must where the server's CAs are
            known. A resumed session has no chain to judge.
        certificate: the certificate that must be presented.
        client_certificate_requested: whether the server must ask for a client certificate.
        options: as for `Server.handshake`: `client=`, `ciphers=`, `groups=`, `session=`, `security_level=`, ...

    Raises:
        ModsslAssertionError: with every mismatch, the server's log and the commands that repeat the handshake.
    """
    __tracebackhide__ = True
    if protocol is not None:
        options["protocol"] = protocol
    if alpn is not None:
        options["alpn"] = (alpn,) if isinstance(alpn, str) else tuple(alpn)
    seen = server.handshake(name, port=port, **options)
    mismatches = []
    if not seen.ok:
        mismatches.append(Mismatch("handshake", "success", f"failure ({seen.failure}): {seen.error}"))
    facts: list[tuple[str, Expected | None, object]] = [
        ("protocol", protocol if isinstance(protocol, str) else None, seen.protocol),
        ("cipher_suite", cipher_suite, seen.cipher_suite),
        ("group", group, seen.group),
        ("dh_bits", dh_bits, seen.dh_bits),
        ("signature", signature, seen.signature),
        ("alpn", options["alpn"][0] if alpn else None, seen.alpn),
        ("resumed", resumed, seen.resumed),
        ("client_certificate_requested", client_certificate_requested, seen.client_certificate_requested),
    ]
    for what, expected, value in facts:
        # A handshake that failed did not come to what is missing: its failure says so already.
        if seen.ok or value:
            mismatches += compare(what, expected, value)
    mismatches += _verification(seen, server, verified=verified)
    mismatches += certificate_mismatch("certificate", certificate, seen)
    require(
        server,
        f"TLS handshake with {name or 'no name'} on port {port}",
        mismatches,
        seen=(seen, seen.transcript),
        commands=[repeat_command(server, name, port, options)],
    )
    return seen


def assert_handshake_fails(
    server: Server,
    name: str | None = None,
    *,
    port: int = 443,
    alert: Expected | None = None,
    failure: Failure | None = None,
    log: str | re.Pattern[str] | Sequence[str | re.Pattern[str]] = (),
    **options: Any,
) -> Handshake:
    """The handshake with `name`, which failed, and in the way that was named.

    Args:
        server: the server to look at.
        name: the name to send as SNI.
        port: port of the configuration.
        alert: the fatal alert that the server must send, by its RFC 8446 name: "handshake_failure".
        failure: the kind of failure: "alert", "closed", "not_tls", "refused", "timeout", ...
        log: what the server must log about it, awaited for two seconds: AH numbers, pieces of text, patterns. These
            count as expected, and so do not fail the test as errors in the log.
        options: as for `Server.handshake`.

    Raises:
        ModsslAssertionError: with every mismatch, the server's log and the commands that repeat the handshake.
    """
    __tracebackhide__ = True
    wanted = [log] if isinstance(log, (str, re.Pattern)) else list(log)
    server.log.expect(*wanted)
    seen = server.handshake(name, port=port, **options)
    mismatches = []
    if seen.ok:
        mismatches.append(Mismatch("handshake", "failure", f"success with {seen.protocol} {seen.cipher_suite}"))
    if failure is not None and not (seen.ok and seen.failure is None):
        mismatches += compare("failure", failure, seen.failure)
    received = [one.name for one in seen.alerts_received if one.fatal]
    if alert is not None and not any(not compare("alert", alert, one) for one in received):
        mismatches += compare("alert from the server", alert, ", ".join(received) or None)
    for one in wanted:
        mismatches += _not_logged(server, one)
    require(
        server,
        f"TLS handshake with {name or 'no name'} on port {port}, which must fail",
        mismatches,
        seen=(seen, seen.transcript),
        commands=[repeat_command(server, name, port, options)],
    )
    return seen


def certificate_mismatch(what: str, expected: LeafCert | None, seen: Handshake) -> list[Mismatch]:
    """The mismatch where another certificate (or none) was presented; none without an expectation."""
    if expected is None or seen.certificates[:1] == (expected.der,):
        return []
    shown = f"that for {', '.join(seen.names) or 'no names'}" if seen.certificates else "none"
    return [Mismatch(what, f"that for {', '.join(expected.names)} (sha256 {expected.fingerprint[:16]})", shown)]


def repeat_command(server: Server, name: str | None, port: int, options: dict[str, Any]) -> list[str]:
    """The s_client call for the same handshake, as far as a command line can say it."""
    return server.s_client_command(name, port=port, **sayable(options))


def _not_logged(server: Server, wanted: str | re.Pattern[str]) -> list[Mismatch]:
    try:
        server.log.wait_for(wanted)
    except WaitTimeoutError:
        return [Mismatch("log", repr(wanted.pattern if isinstance(wanted, re.Pattern) else wanted), "no such line")]
    return []


def _verification(seen: Handshake, server: Server, *, verified: bool | None) -> list[Mismatch]:
    if verified is None and not server.trust:
        return []
    judged = seen.verification.ok
    if judged is None:
        missing = verified is not None and seen.ok and not seen.resumed
        return [Mismatch("chain", "one to judge", "none")] if missing else []
    trusted = judged and seen.hostname_ok is not False
    if trusted is (verified is not False):
        return []
    if verified is False:
        return [Mismatch("chain", "not trusted", "trusted")]
    wrong_name = f" but for {', '.join(seen.names) or 'no name'}, not {seen.server_name}"
    return [Mismatch("chain", "trusted", f"{seen.verification}{wrong_name if seen.hostname_ok is False else ''}")]
