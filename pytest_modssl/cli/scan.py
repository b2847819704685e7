"""`pytest-modssl scan`: what a TLS port accepts and presents, and in what it deviates from a policy."""

from __future__ import annotations

import argparse
import contextlib
import re
import socket
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_modssl.cli.declare import add_command, add_json, complete
from pytest_modssl.cli.output import write, write_json
from pytest_modssl.errors import TlsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography import x509

    from pytest_modssl.policy import Deviation, Seen
    from pytest_modssl.tls import Handshake, Scan

_SECONDS = 10.0
_PEM = re.compile(b"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def declare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = add_command(
        commands,
        "scan",
        _scan,
        short="show what a TLS port accepts: protocols, cipher suites, groups, certificates",
        description="Looks at a TLS port from outside: certificate and chain, every protocol, cipher suite in the "
        "server's order, group and Diffie-Hellman prime that it accepts, and, with --policy, what is to be changed.",
        examples={
            "scan www.example.com": "",
            "scan 127.0.0.1:8443 --name www.example.com --trust ca.pem": "a name that DNS does not have",
            "scan www.example.com --policy intermediate --json": "for a script",
        },
        note="A port that somebody else answers for is looked at by some hundred connections: ask first.",
    )
    place = parser.add_argument(
        "place", metavar="HOST[:PORT]", help="where it is; IPv6 in brackets (default port: 443)"
    )
    parser.add_argument("--name", metavar="NAME", help="server name to send, SNI (default: HOST; for none: '')")
    complete(place, tuple)
    guideline = parser.add_argument(
        "--policy",
        metavar="NAME",
        help="hold it against Mozilla's guideline: modern, intermediate, old; see docs/ciphers.md (default: none)",
    )
    complete(guideline, _policies)
    parser.add_argument(
        "--trust", metavar="FILE", help="roots to verify the chain by, PEM (default: those of this system)"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, default=_SECONDS, help="for each part (default: 10)"
    )
    add_json(parser)


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < threading.TIMEOUT_MAX:
            return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds to wait")


def _policies() -> Iterable[str]:
    from pytest_modssl.policy.guideline import policies

    return sorted({one.name for one in policies()})


def _scan(arguments: argparse.Namespace) -> int:
    from pytest_modssl.policy import Seen, deviations, policy, presented
    from pytest_modssl.tls import handshake, scan

    guideline = None if arguments.policy is None else policy(arguments.policy)
    host, address = _place(arguments.place)
    name = host if arguments.name is None else arguments.name or None
    shake = partial(handshake, address, name, trust=_trust(arguments.trust), timeout=arguments.timeout)
    first = shake()
    if first.stage == "connect":
        raise TlsError(f"nothing answers at {arguments.place}: {first.error}. Is it running, and is this its port?")
    if first.failure == "not_tls":
        raise TlsError(f"{arguments.place} does not speak TLS: {first.error}")
    found = scan(address, name, timeout=arguments.timeout)
    if not found.protocols:
        raise TlsError(f"{arguments.place} accepts no protocol of TLS: {first.error}")
    seen = Seen(scan=found, presented=tuple(presented(shake)), hsts=_hsts(arguments, address, host, name))
    against = () if guideline is None else deviations(guideline, seen)
    if arguments.json:
        write_json(_data(first, seen, arguments.policy, against))
    else:
        write(str(first), "", str(found))
        if guideline is not None:
            told = "nothing deviates" if not against else f"{len(against)} deviations"
            write("", f"{guideline} ({guideline.source}): {told}", *(f"  {one}" for one in against))
    return 1 if against else 0


def _place(text: str) -> tuple[str, tuple[str, int]]:
    """The host as it was named, and its first address with the port."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, 443 if parts.port is None else parts.port
    except ValueError:
        host, port = None, 0
    if not host or not port or parts.username is not None or parts.path or parts.query or parts.fragment:
        raise TlsError(f"{text!r} is no HOST[:PORT], such as www.example.com or [::1]:8443")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the latter: DNS can have no such name
        raise TlsError(f"{host} has no address: {error}") from None
    return host, (str(found[0][4][0]), port)


def _trust(file: str | None) -> list[bytes]:
    """The roots of a file, each as PEM; those of the system where none is named, if it has any."""
    import ssl
    from pathlib import Path

    path = file or ssl.get_default_verify_paths().cafile or ssl.get_default_verify_paths().openssl_cafile
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        if file is None:
            return []
        raise TlsError(f"cannot read roots from {file}: {error.strerror}") from None
    roots = list(filter(None, map(_root, _PEM.findall(text))))
    if file is not None and not roots:
        raise TlsError(f"{file} holds no certificate as PEM")
    return roots


def _root(pem: bytes) -> bytes | None:
    """The same where it is a certificate that the library takes, now and later; it warns of others."""
    import warnings

    from cryptography import x509

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            x509.load_pem_x509_certificate(pem)
        except (ValueError, Warning):
            return None
    return pem


def _hsts(arguments: argparse.Namespace, address: tuple[str, int], host: str, name: str | None) -> str | None:
    """Strict-Transport-Security of its first page, "" without one, `None` without an answer."""
    import requests

    from pytest_modssl.http import open_session

    url = f"https://{name or host}:{address[1]}/"
    with open_session(lambda *_: address, timeout=arguments.timeout) as session:
        try:
            answer = session.get(url, verify=False, allow_redirects=False)
        except requests.RequestException:
            return None
    return answer.headers.get("Strict-Transport-Security", "")


def _data(first: Handshake, seen: Seen, policy: str | None, against: Sequence[Deviation]) -> dict[str, Any]:
    found = seen.scan
    return {
        "address": list(found.address),
        "server_name": found.server_name,
        "handshake": {
            "ok": first.ok,
            "error": first.error,
            "protocol": first.protocol,
            "cipher_suite": first.cipher_suite,
            "group": first.group,
            "verification": str(first.verification),
            "hostname_ok": first.hostname_ok,
        },
        "protocols": _protocols(found),
        "dh_bits": [prime.bit_length() for prime in found.dh_primes],
        "certificates": [{**_certificate(one.certificate), "stapled": one.stapled} for one in seen.presented],
        "client_certificate": found.client_certificate,
        "compression": found.compression,
        "hsts": seen.hsts,
        "policy": policy,
        "deviations": [
            {
                "what": one.subject,
                "allowed": one.allowed,
                "seen": one.seen,
                "change": one.change,
                "directive": one.directive,
                "lacks": one.lacks,
            }
            for one in against
        ],
        "connections": found.connections,
    }


def _protocols(found: Scan) -> dict[str, Any]:
    return {
        protocol: {
            "cipher_suites": list(suites),
            "server_order": found.server_order[protocol],
            "groups": list(found.groups[protocol]),
        }
        for protocol, suites in found.suites.items()
    }


def _certificate(certificate: x509.Certificate) -> dict[str, Any]:
    from cryptography.hazmat.primitives.hashes import SHA256

    from pytest_modssl.tls.hostname import certificate_names

    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "names": list(certificate_names(certificate)),
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "sha256": certificate.fingerprint(SHA256()).hex(),
    }
