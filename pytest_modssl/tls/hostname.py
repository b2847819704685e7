"""Which names a certificate is for, and whether one of them is the name that was asked for (RFC 9525)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import idna
from cryptography import x509

from pytest_modssl.errors import TlsError

if TYPE_CHECKING:
    from collections.abc import Iterable


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and IP addresses of subjectAltName, in order; empty where it has none.

    The common name does not count (RFC 9525 section 2: it is not used for matching any more).
    """
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in extension.value if isinstance(name, (x509.DNSName, x509.IPAddress)))


def matches(names: Iterable[str], wanted: str) -> bool:
    """Whether one of a certificate's names stands for `wanted`, a DNS name or an IP address.

    Names compare without regard to case; `*` stands for exactly one whole left-most label (RFC 9525 section 6.3), and
    never for an IP address (section 6.4).
    """
    if is_address(wanted):
        address = ipaddress.ip_address(wanted)
        return any(is_address(name) and ipaddress.ip_address(name) == address for name in names)
    asked = to_ascii(wanted).lower().rstrip(".")
    _, _, parent = asked.partition(".")
    patterns = {name.lower().rstrip(".") for name in names if not is_address(name)}
    return asked in patterns or f"*.{parent}" in patterns


def is_address(name: str) -> bool:
    """Whether the name is an IP address literal, which is never sent as SNI (RFC 6066 section 3)."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def to_ascii(name: str) -> str:
    """The name as it stands in a certificate and on the wire: A-labels where it is international (RFC 5891).

    Raises:
        TlsError: It is no valid international name.
    """
    if name.isascii():
        return name
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise TlsError(
            f"{name!r} is no valid international domain name ({error}). Give the name in A-labels."
        ) from error
