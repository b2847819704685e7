"""What each name of a server must get: certificate, content, and the name that the application sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_modssl.asserts._ask import ask, expect_refusal, who
from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.asserts.handshake import certificate_mismatch, repeat_command
from pytest_modssl.errors import EnvironmentPageError, Mismatch
from pytest_modssl.http import ASK, environment_of, page_url
from pytest_modssl.pki import LeafCert
from pytest_modssl.tls import hostname

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from pytest_modssl.http import Via
    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake

# RFC 6761 6.4: no name under .invalid exists.
UNKNOWN_NAME = "unknown.invalid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What a name must get.

    Attributes:
        certificate: the certificate itself, or a name that it must be for.
        content: of the page: exact, a pattern (searched), or a function of its text.
        status: of the page.
    """

    certificate: LeafCert | str | None = None
    content: Expected | None = None
    status: Expected | None = None


ExpectedServed: TypeAlias = str | LeafCert | Served


def assert_sni(
    server: Server,
    served: Mapping[str, ExpectedServed],
    *,
    no_sni: ExpectedServed | None = None,
    unknown: ExpectedServed | None = None,
    port: int = 443,
    path: str = "/",
    via: Via | None = None,
) -> dict[str | None, Handshake]:
    """The handshakes by name (None: without SNI), each of which got the certificate and content of its own host.

    Every name is asked on a connection of its own, with SNI and `Host` alike.

    Args:
        server: the server to look at.
        served: for each name what it must get: a `Served`, or its certificate alone (the certificate itself, or a name
            that it must be for).
        no_sni: what a client must get that sends no SNI, with the first name of `served` as `Host`.
        unknown: what a client must get that sends a name which no host has, as SNI and `Host`.
        port: port of the configuration.
        path: of the page, where content or status are expected.
        via: if given, the variable SSL_TLS_SNI must be the name that was sent, as a page at `path` shows it in that
            way ("cgi", "ssi": the folder or page; "header").

    Raises:
        ModsslAssertionError: with the mismatches of all names.
        ValueError: no name at all.
    """
    __tracebackhide__ = True
    if not served:
        raise ValueError("assert_sni needs at least one name")
    first = next(iter(served))
    cases: list[tuple[str | None, str, ExpectedServed | None]] = [(name, name, value) for name, value in served.items()]
    cases += [(None, first, no_sni), (UNKNOWN_NAME, UNKNOWN_NAME, unknown)]
    mismatches: list[Mismatch] = []
    seen: list[object] = []
    handshakes: dict[str | None, Handshake] = {}
    for name, host, value in cases:
        if value is not None:
            wanted = value if isinstance(value, Served) else Served(certificate=value)
            handshakes[name], answers, found = _check(server, name, host, wanted, port=port, path=path, via=via)
            mismatches += found
            seen += [handshakes[name], *answers]
    wrong = [name for name in handshakes if any(one.what.startswith(f"{who(name)}:") for one in mismatches)]
    require(
        server,
        f"what each name gets on port {port}",
        mismatches,
        seen=[handshakes[name] for name in wrong] if wrong else seen,
        commands=[repeat_command(server, name, port, {}) for name in wrong],
    )
    return handshakes


def _check(
    server: Server, name: str | None, host: str, wanted: Served, *, port: int, path: str, via: Via | None
) -> tuple[Handshake, list[requests.Response], list[Mismatch]]:
    asked = who(name)
    answers = []
    if wanted.content is None and wanted.status is None:
        handshake = server.handshake(name, port=port)
        found = _certificate(asked, wanted.certificate, handshake)
    else:
        expect_refusal(server, wanted.status)
        handshake, response, found = ask(server, name, host, port=port, path=path)
        found += _certificate(asked, wanted.certificate, handshake)
        if response is not None:
            answers.append(response)
            found += compare(f"{asked}: status", wanted.status, response.status_code)
            found += compare(f"{asked}: content", wanted.content, response.text)
    if not handshake.ok:
        found.insert(0, Mismatch(f"{asked}: handshake", "success", f"failure ({handshake.failure}): {handshake.error}"))
    elif via is not None:
        found += _variable(server, name, host, port=port, path=path, via=via)
    return handshake, answers, found


def _certificate(asked: str, wanted: LeafCert | str | None, seen: Handshake) -> list[Mismatch]:
    if not isinstance(wanted, str):
        return certificate_mismatch(f"{asked}: certificate", wanted, seen)
    if hostname.matches(seen.names, wanted):
        return []
    return [Mismatch(f"{asked}: certificate", f"one for {wanted}", f"one for {', '.join(seen.names) or 'no names'}")]


def _variable(server: Server, name: str | None, host: str, *, port: int, path: str, via: Via) -> list[Mismatch]:
    what = f"{who(name)}: SSL_TLS_SNI"
    page = page_url(f"https://{host}{path}", via).removeprefix(f"https://{host}")
    _, response, found = ask(server, name, host, port=port, path=page, headers=ASK if via == "header" else None)
    if response is None:
        return found
    try:
        seen = environment_of(response, via)
    except EnvironmentPageError as error:
        return [Mismatch(what, repr(name), str(error))]
    value = seen.get("SSL_TLS_SNI")
    if name is None or hostname.is_address(name):  # which is never sent (RFC 6066 section 3)
        return [] if value in {None, "(null)"} else [Mismatch(what, "it to be absent", repr(value))]
    return compare(what, hostname.to_ascii(name), value)
