"""That the server staples an OCSP response that a client can believe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography import x509

from pytest_modssl.asserts._collect import Expected, compare, require
from pytest_modssl.asserts.handshake import repeat_command
from pytest_modssl.errors import Mismatch, PkiError
from pytest_modssl.tls.stapling import faults_of_stapled, read_stapled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.targets.server import Server
    from pytest_modssl.tls.handshake import Handshake


def assert_stapled(
    server: Server, name: str | None = None, *, port: int = 443, status: Expected = "good", **options: Any
) -> Handshake:
    """The handshake with `name`, with which the server sent an OCSP response about its certificate, as expected.

    The response is about that certificate, valid now, and signed by its issuer or whom that let sign (RFC 6960 section
    3.2). httpd fetches it from the responder while the first such client waits.

    Args:
        server: the server to look at; the roots of its CAs may be the issuer, or those given as `trust=`.
        name: the name to send as SNI.
        port: port of the configuration.
        status: what it must say of the certificate: "good", "revoked", "unknown".
        options: as for `Server.handshake`.

    Raises:
        ModsslAssertionError: with every mismatch, the server's log and the commands that repeat the handshake.
    """
    __tracebackhide__ = True
    options["status_request"] = True
    seen = server.handshake(name, port=port, **options)
    roots = [one for pem in options.get("trust", server.trust) for one in x509.load_pem_x509_certificates(pem)]
    require(
        server,
        f"stapled OCSP response for {name or 'no name'} on port {port}",
        list(_faults(seen, status, [*seen.chain[1:], *roots])),
        seen=(seen,),
        commands=[repeat_command(server, name, port, options)],
    )
    return seen


def _faults(seen: Handshake, status: Expected, issuers: list[x509.Certificate]) -> Iterator[Mismatch]:
    if seen.leaf is None:
        yield Mismatch("handshake", "a certificate", f"none ({seen.failure}): {seen.error}")
        return
    if not seen.ocsp_response:
        yield Mismatch("stapled response", "one", "none")
        return
    try:
        said = read_stapled(seen.ocsp_response)
    except PkiError as error:
        yield Mismatch("stapled response", "one of OCSP", f"none: {error}")
        return
    if said.certificate is None:
        yield Mismatch("stapled response", "a successful one", f"the error {said.response}")
        return
    yield from compare("stapled response: status of the certificate", status, said.certificate)
    for fault in faults_of_stapled(seen.ocsp_response, seen.leaf, issuers):
        yield Mismatch("stapled response", "one to be believed", fault)
