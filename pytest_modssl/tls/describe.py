"""Handshake messages in one line each, with the fields that matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.errors import RecordError
from pytest_modssl.tls import names
from pytest_modssl.tls.messages import (
    parse_certificate,
    parse_certificate_request,
    parse_certificate_verify,
    parse_client_hello,
    parse_encrypted_extensions,
    parse_server_hello,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_modssl.tls.records import HandshakeMessage


def describe(message: HandshakeMessage, version: int) -> str:
    """The message by name, and what it says where that can be read; its layout is that of the protocol `version`."""
    name = names.handshake_name(message.type)
    tell = _TELLERS.get(name)
    if tell is None:
        return name
    try:
        return f"{name} {tell(message.body, version)}"
    except RecordError as error:
        return f"{name} that is malformed: {error}"


def _client_hello(body: bytes, _version: int) -> str:
    hello = parse_client_hello(body)
    parts = [
        _list("versions", map(names.protocol_name, hello.versions)),
        f"server_name {hello.server_name or 'none'}",
        _list("suites", map(names.cipher_suite_name, hello.cipher_suites)),
        _list("groups", map(names.group_name, hello.groups)),
        _list("signatures", map(names.signature_scheme_name, hello.signature_schemes)),
        _list("alpn", (protocol.decode("ascii", "replace") for protocol in hello.alpn)),
        _list("compressions", map(names.compression_name, hello.compressions)),
        _list("extensions", map(names.extension_name, hello.extensions)),
    ]
    return "; ".join(parts)


def _server_hello(body: bytes, _version: int) -> str:
    hello = parse_server_hello(body)
    parts = ["(HelloRetryRequest)"] if hello.is_retry else []
    parts += [names.protocol_name(hello.version), names.cipher_suite_name(hello.cipher_suite)]
    parts += [f"group {names.group_name(hello.group)}"] if hello.group is not None else []
    parts += [f"compression {names.compression_name(hello.compression)}"]
    parts += [_list("extensions", map(names.extension_name, hello.extensions))]
    return "; ".join(parts)


def _encrypted_extensions(body: bytes, _version: int) -> str:
    return _list("extensions", map(names.extension_name, parse_encrypted_extensions(body).extensions))


def _certificate(body: bytes, version: int) -> str:
    chain = parse_certificate(body, version=version).chain
    return _list("DER bytes", (str(len(der)) for der in chain))


def _certificate_request(body: bytes, version: int) -> str:
    request = parse_certificate_request(body, version=version)
    signatures = _list("signatures", map(names.signature_scheme_name, request.signature_schemes))
    return f"{signatures}; CA names {len(request.ca_names) or 'none'}"


def _certificate_verify(body: bytes, version: int) -> str:
    proof = parse_certificate_verify(body, version=version)
    scheme = "" if proof.scheme is None else f"{names.signature_scheme_name(proof.scheme)}; "
    return f"{scheme}signature of {proof.length} bytes"


def _list(what: str, items: Iterable[str]) -> str:
    return f"{what} {', '.join(items) or 'none'}"


_TELLERS: dict[str, Callable[[bytes, int], str]] = {
    "ClientHello": _client_hello,
    "ServerHello": _server_hello,
    "EncryptedExtensions": _encrypted_extensions,
    "Certificate": _certificate,
    "CertificateRequest": _certificate_request,
    "CertificateVerify": _certificate_verify,
}
"""The messages that are told in full, the others by name."""
