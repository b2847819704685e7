"""The command lines that repeat a connection by hand, with `openssl s_client` and curl."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_modssl.errors import TlsError
from pytest_modssl.tls import hostname

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ORDER = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""The protocols by age; s_client(1) calls them ssl3, tls1, tls1_1, tls1_2, tls1_3."""
_SAYABLE = frozenset(
    {
        *("protocol", "ciphers", "ciphersuites", "groups", "signature_schemes", "alpn"),
        *("post_handshake_auth", "status_request", "security_level", "compression", "tickets"),
    }
)


def sayable(options: Mapping[str, Any]) -> dict[str, Any]:
    """Of the options of a server's `handshake()`, those that its `s_client_command()` takes over as they are."""
    return {name: value for name, value in options.items() if name in {*_SAYABLE, "client", "trust", "verify"}}


def s_client_command(
    address: tuple[str, int],
    server_name: str | None = None,
    *,
    protocol: str | tuple[str, str] | None = None,
    ciphers: str | None = None,
    ciphersuites: str | None = None,
    groups: Sequence[str] = (),
    signature_schemes: Sequence[str] = (),
    alpn: Sequence[str] = (),
    ca_file: Path | None = None,
    verify_abort: bool = False,
    certificate_file: Path | None = None,
    key_file: Path | None = None,
    post_handshake_auth: bool = False,
    status_request: bool = False,
    security_level: int | None = None,
    compression: bool = False,
    tickets: bool = True,
) -> list[str]:
    """The `openssl s_client` call that makes the same connection as `connect()` with these options (s_client(1)).

    Args:
        address: Host and port to connect to.
        server_name: The name for SNI; without one none is sent, as by `connect()`.
        protocol: One protocol, or the (lowest, highest).
        ciphers: Suites of TLS 1.2 and older.
        ciphersuites: Suites of TLS 1.3.
        groups: Groups in order.
        signature_schemes: Signature schemes in order.
        alpn: Application protocols in order.
        ca_file: Roots in a PEM file.
        verify_abort: End the handshake where the chain is not trusted.
        certificate_file: Client certificate and chain, PEM.
        key_file: Its key, PEM.
        post_handshake_auth: Offer post-handshake authentication.
        status_request: Ask for a stapled OCSP response, and print it.
        security_level: OpenSSL's level; 0 where `protocol` starts below TLS 1.2, as in `connect()`.
        compression: Offer TLS compression, where that openssl is built with it.
        tickets: Take session tickets up to TLS 1.2.

    Returns:
        The program and its arguments; `shell_line()` quotes them for a shell. It ends at the end of its input.
    """
    argv = ["openssl", "s_client", "-connect", _host_port(*address)]
    if server_name is None or hostname.is_address(server_name):
        argv += ["-noservername"]
    else:
        argv += ["-servername", hostname.to_ascii(server_name)]
    low, high = _range(protocol)
    if low is not None and low == high:
        argv += [_flag(low)]
    else:
        argv += ["-min_protocol", low] if low is not None else []
        argv += ["-max_protocol", high] if high is not None else []
    level = 0 if security_level is None and low in ORDER[:3] else security_level
    if level is not None:
        ciphers = f"{ciphers or 'DEFAULT'}:@SECLEVEL={level}"
    for option, value in (
        ("-cipher", ciphers),
        ("-ciphersuites", ciphersuites),
        ("-groups", ":".join(groups)),
        ("-sigalgs", ":".join(signature_schemes)),
        ("-alpn", ",".join(alpn)),
        ("-CAfile", ca_file),
        ("-cert", certificate_file),
        ("-cert_chain", certificate_file),
        ("-key", key_file),
    ):
        if value:
            argv += [option, str(value)]
    for option, wanted in (
        ("-verify_return_error", verify_abort),
        ("-enable_pha", post_handshake_auth),
        ("-status", status_request),
        ("-comp", compression),
        ("-no_ticket", not tickets),
    ):
        if wanted:
            argv += [option]
    return [*argv, "-state"]


def curl_command(
    url: str,
    address: tuple[str, int],
    *,
    ca_file: Path | None = None,
    certificate_file: Path | None = None,
    key_file: Path | None = None,
    protocol: str | tuple[str, str] | None = None,
    ciphers: str | None = None,
    srp_user: str | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    follow: Mapping[int, tuple[str, int]] | None = None,
) -> list[str]:
    """The curl call that fetches a URL from the server at `address`, without asking DNS for its host (curl(1)).

    Args:
        url: The URL as it goes over the wire.
        address: The (host, port) where the server really listens.
        ca_file: Roots in a PEM file; nothing else is trusted then.
        certificate_file: Client certificate and chain, PEM.
        key_file: Its key, PEM.
        protocol: One protocol, or the (lowest, highest); curl cannot go below TLS 1.0.
        ciphers: Suites of TLS 1.2 and older.
        srp_user: Who logs in by TLS-SRP, with the word PASSWORD where the password belongs.
        method: HTTP method.
        headers: Request headers.
        follow: Redirects are followed, to whatever name: where the server really listens, by the ports that URLs have.

    Returns:
        The program and its arguments; `shell_line()` quotes them for a shell.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    ways = {_host_port(parts.hostname or "", port): address}
    ways |= {f":{one}": real for one, real in (follow or {}).items()}
    argv = ["curl", "--verbose", "--globoff", "--noproxy", "*", "--max-time", "10"]
    for way, real in ways.items():
        argv += ["--connect-to", f"{way}:{_host_port(*real)}"]
    argv += ["--location"] if follow else []
    low, high = _range(protocol)
    argv += [f"--{_curl_version(low)}"] if low is not None else []
    argv += ["--tls-max", _curl_version(high).removeprefix("tlsv")] if high is not None else []
    for option, value in (
        ("--ciphers", ciphers),
        ("--tlsuser", srp_user),
        ("--cacert", ca_file),
        ("--cert", certificate_file),
        ("--key", key_file),
    ):
        if value:
            argv += [option, str(value)]
    # Suites of SRP alone come without a certificate, on which curl insists otherwise.
    argv += ["--tlspassword", "PASSWORD", "--tlsauthtype", "SRP", "--insecure"] if srp_user is not None else []
    if method == "HEAD":
        argv += ["--head"]
    elif method != "GET":
        argv += ["--request", method]
    for header, content in (headers or {}).items():
        argv += ["--header", f"{header}: {content}" if content else f"{header};"]
    return [*argv, url]


def shell_line(argv: Sequence[str]) -> str:
    """The command quoted for a POSIX shell; `openssl s_client` gets an empty input, so that it ends.

    A program for the shell itself (`sh -c ...`) is what stands in it.
    """
    if list(argv[:2]) == ["sh", "-c"]:
        return argv[2]
    line = shlex.join(argv)
    return f"{line} </dev/null" if list(argv[:2]) == ["openssl", "s_client"] else line


def _range(protocol: str | tuple[str, str] | None) -> tuple[str | None, str | None]:
    if protocol is None:
        return None, None
    low, high = (protocol, protocol) if isinstance(protocol, str) else protocol
    for name in (low, high):
        if name not in ORDER:
            raise TlsError(f"protocol={protocol!r}: {name!r} is none of {', '.join(ORDER)}.")
    return low, high


def _flag(protocol: str) -> str:
    return "-" + protocol.lower().replace("v1", "1").replace("v3", "3").replace(".", "_")


def _curl_version(protocol: str) -> str:
    """The protocol as curl calls it: "tlsv1.0" for "TLSv1"."""
    return "tlsv1.0" if protocol == "TLSv1" else protocol.lower()


def _host_port(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
