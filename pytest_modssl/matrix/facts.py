"""What of an observation can be compared between servers: facts as text, without all that differs at every look.

Every field of an observation stands in one of two tables: those that are compared, or, with the reason, those that are
not. A test holds the tables against the classes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import requests

from pytest_modssl.errors import EnvironmentPageError, PkiError
from pytest_modssl.http import FailedRequest, environment_of
from pytest_modssl.httpd.variables import HEADER
from pytest_modssl.tls import Handshake, JvmHandshake, ProbeResult, Scan, SrpLogin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_modssl.http import Via
    from pytest_modssl.targets.server import Server

    Facts = Mapping[str, str]

_NONE = "none"

COMPARED: Mapping[type, Mapping[str, Callable[[Any], object]]] = {
    Handshake: {
        "ok": lambda seen: seen.ok,
        "failure": lambda seen: seen.failure,
        "protocol": lambda seen: seen.protocol,
        "cipher_suite": lambda seen: seen.cipher_suite,
        "cipher_bits": lambda seen: seen.cipher_bits,
        "group": lambda seen: seen.group,
        "dh_prime": lambda seen: seen.dh_bits and f"{seen.dh_bits} bits",
        "signature": lambda seen: seen.signature,
        "alpn": lambda seen: seen.alpn,
        "resumed_by": lambda seen: seen.resumed_by,
        "compression": lambda seen: seen.compression,
        "secure_renegotiation": lambda seen: seen.secure_renegotiation,
        "renegotiations": lambda seen: seen.renegotiations,
        "certificates": lambda seen: f"{len(seen.certificates)} for {', '.join(_names(seen)) or _NONE}",
        "verification": lambda seen: seen.verification,
        "demands": lambda seen: "; ".join(map(str, seen.demands)),
        "client_ca_names": lambda seen: "; ".join(seen.client_ca_names),
        "alerts_received": lambda seen: ", ".join(one.name for one in seen.alerts_received if one.fatal),
        "plain_reply": lambda seen: seen.plain_reply is not None,
        "ocsp_response": lambda seen: "stapled" if seen.ocsp_response else _NONE,
    },
    Scan: {
        "suites": lambda seen: {protocol: " ".join(suites) for protocol, suites in seen.suites.items()},
        "server_order": lambda seen: seen.server_order,
        "groups": lambda seen: {protocol: " ".join(groups) for protocol, groups in seen.groups.items()},
        "dh_primes": lambda seen: ", ".join(f"{prime.bit_length()} bits" for prime in seen.dh_primes),
        "certificates": lambda seen: {kind: len(chain) for kind, chain in seen.certificates.items()},
        "client_certificate": lambda seen: seen.client_certificate,
        "compression": lambda seen: seen.compression,
    },
    ProbeResult: {
        "server_hello": lambda seen: f"{seen.protocol} {seen.cipher_suite}" if seen.server_hello else None,
        "key_exchange": lambda seen: f"DH {seen.dh_bits} bits" if seen.dh_bits else seen.group,
        "alerts": lambda seen: ", ".join(one.name for one in seen.alerts if one.fatal),
        "certificates": lambda seen: len(seen.certificates),
        "certificate_request": lambda seen: seen.certificate_request is not None,
        "failure": lambda seen: seen.failure,
        "reply_plain": lambda seen: seen.reply_plain is not None,
    },
    JvmHandshake: {
        "ok": lambda seen: seen.ok,
        "protocol": lambda seen: seen.protocol,
        "cipher_suite": lambda seen: seen.cipher_suite,
        "dh_bits": lambda seen: seen.dh_bits,
        "answer": lambda seen: seen.answer,
        "errors": lambda seen: "; ".join(seen.errors),
    },
    SrpLogin: {
        "ok": lambda seen: seen.ok,
        "protocol": lambda seen: seen.protocol,
        "cipher_suite": lambda seen: seen.cipher_suite,
        "certificates": lambda seen: seen.certificates,
        "alert": lambda seen: seen.alert and seen.alert.name,
        "failure": lambda seen: seen.failure,
    },
}
"""For each kind of observation: the facts that are compared, by the name of the field that they come from.

A fact that is itself a mapping, such as the suites by protocol, is compared entry by entry.
"""

NOT_COMPARED: Mapping[type, Mapping[str, str]] = {
    Handshake: {
        "address": "where the target happened to listen",
        "server_name": "what the test asked for; it names the observation",
        "error": "words of the client's library, with addresses in them; `failure` is the kind",
        "stage": "follows from `ok`, `failure` and when the client looked",
        "session": "secrets of this connection",
        "session_id": "random",
        "tickets": "they arrive after the handshake, whenever the client happens to read",
        "alerts_sent": "the client's own doing",
        "peer_closed": "depends on when the client looked",
        "timings": "time",
        "bytes_in": "length of random and variable parts",
        "bytes_out": "length of random and variable parts",
        "transcript": "every byte of it, the random ones too",
    },
    Scan: {
        "address": "where the target happened to listen",
        "server_name": "what the test asked for; it names the observation",
        "connections": "follows from the number of suites",
        "elapsed": "time",
    },
    ProbeResult: {
        "address": "where the target happened to listen",
        "server_name": "what the test asked for; it names the observation",
        "offered_protocols": "the client's own doing",
        "closed": "depends on when the client looked",
        "error": "words, with times in them; `failure` is the kind",
        "elapsed": "time",
        "records": "every byte, the random ones too",
    },
    JvmHandshake: {
        "address": "where the target happened to listen",
        "server_name": "what the test asked for; it names the observation",
        "java": "of the machine that runs the tests",
        "java7": "what the test asked for",
        "elapsed": "time",
    },
    SrpLogin: {
        "address": "where the target happened to listen",
        "server_name": "what the test asked for; it names the observation",
        "user": "what the test asked for",
        "error": "words, with times in them; `failure` is the kind",
        "request": "the client's own doing",
        "reply": "every byte, the time too",
        "elapsed": "time",
    },
}
"""For each kind of observation: the fields that are not compared, and why."""

HEADERS_NOT_COMPARED: Mapping[str, str] = {
    "Date": "time",
    "Age": "time",
    "Expires": "time",
    "Last-Modified": "when the files were written for this target",
    "ETag": "made of the file's time and inode (manual, FileETag)",
    "Content-Length": "pages of httpd's own name its version and port; of other pages the test sees the content",
    "Transfer-Encoding": "whether the end of a program's output was there when the answer began; seen both ways of one "
    "program on httpd 2.4.67",
    "Keep-Alive": "counts the requests left on the connection",
    "Server": "the versions, which the name of the target tells",
}
"""Response headers that are not compared, and why. Of Set-Cookie the names are, the values mostly being random."""

VARIABLES_NOT_COMPARED: Mapping[str, str] = {
    r"SSL_SESSION_ID": "random",
    r"SSL_VERSION_(INTERFACE|LIBRARY)": "the versions, which the name of the target tells",
    r"SSL_(CLIENT|SERVER)_M_SERIAL": "random, and each worker has a CA of its own",
    r"SSL_(CLIENT|SERVER)_V_(START|END|REMAIN)": "time",
    r"SSL_(CLIENT|SERVER)_(CERT|CERT_CHAIN_\d+|CERT_RFC4523_CEA)": "keys, and each worker has a CA of its own",
}
"""Patterns of names of SSL_* variables that are not compared, and why."""

_SKIPPED_VARIABLES = re.compile("|".join(VARIABLES_NOT_COMPARED))
_SKIPPED_HEADERS = frozenset(name.lower() for name in HEADERS_NOT_COMPARED)
_KINDS: Mapping[type, str] = {
    Handshake: "TLS handshake",
    Scan: "scan",
    ProbeResult: "probe",
    JvmHandshake: "handshake of a JVM",
    SrpLogin: "TLS-SRP login",
}
_ENVIRONMENT_PAGE = b"modssl-environment/1\n"


def facts_of(server: Server) -> list[tuple[str, str, str]]:
    """What the current test has seen of a server: (what was looked at, which fact, value).

    What was seen twice alike is told once; what was looked at several times with other results gets a number.
    """
    ports = {server.instance.address(port): port for port in server.config.listen}
    seen: dict[str, list[Facts]] = {}
    for observation in server.observations:
        subject, found = _facts(observation, ports)
        alike = seen.setdefault(subject, [])
        if found not in alike:
            alike.append(found)
    return [
        (subject if number == 1 else f"{subject} ({number})", what, value)
        for subject, several in seen.items()
        for number, found in enumerate(several, 1)
        for what, value in found.items()
    ]


def _facts(observation: object, ports: Mapping[tuple[str, int] | None, int]) -> tuple[str, Facts]:
    if isinstance(observation, requests.Response):
        return f"{observation.request.method} {observation.request.url}", dict(_of_response(observation))
    if isinstance(observation, FailedRequest):
        return observation.url, {"answer": f"none: {type(observation.error).__name__}"}
    kind = type(observation)
    if kind not in COMPARED:
        return kind.__name__, {}
    name = getattr(observation, "server_name", "")
    asked = [_KINDS[kind], "without SNI" if name is None else name]
    port = ports.get(getattr(observation, "address", None), 0)
    told: dict[str, str] = {}
    for what, read in COMPARED[kind].items():
        value = read(observation)
        entries = {f"{what} {key}": one for key, one in value.items()} if isinstance(value, Mapping) else {what: value}
        told.update({entry: _told(one) for entry, one in entries.items()})
    return " ".join([*filter(None, asked), f"port {port}"]), told


def _of_response(response: requests.Response) -> Iterator[tuple[str, str]]:
    yield "status", str(response.status_code)
    for name, value in sorted(response.headers.items()):
        if name.lower() == "set-cookie":
            yield "names of cookies", ", ".join(sorted(cookie.name for cookie in response.cookies)) or _NONE
        elif name.lower() not in _SKIPPED_HEADERS and not name.startswith(HEADER):
            yield f"header {name}", value
    for way in _shown_ways(response):
        try:
            variables = environment_of(response, way)
        except EnvironmentPageError:
            continue  # the test says what it expects of the page
        for name in sorted(variables):
            if (name == "HTTPS" or name.startswith("SSL_")) and not _SKIPPED_VARIABLES.fullmatch(name):
                yield f"variable {name}", variables[name]


def _shown_ways(response: requests.Response) -> Sequence[Via]:
    """In which ways an answer shows variables."""
    if HEADER in response.request.headers:
        return ("header",)
    try:
        content = response.content
    except (RuntimeError, requests.RequestException):  # the test has read it as a stream
        return ()
    if not content.startswith(_ENVIRONMENT_PAGE):
        return ()
    return ("cgi",) if content.startswith(_ENVIRONMENT_PAGE + b"=") else ("ssi",)


def _names(seen: Handshake) -> tuple[str, ...]:
    try:
        return seen.names
    except PkiError:  # a certificate that cannot be read
        return ("?",)


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value not in {None, ""} else _NONE
