"""Names as people write them, turned into what certificates carry (RFC 5280 sections 4.1.2.4 and 4.2.1.6)."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import idna
from cryptography import x509
from cryptography.x509.oid import NameOID

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import _der

if TYPE_CHECKING:
    from collections.abc import Iterable

# Attribute -> value or values, as in {"O": "Example", "OU": ["Shop", "Web"]}.
Subject = Mapping[str, "str | Sequence[str]"]

# mod_ssl's names of the attributes in SSL_CLIENT_S_DN_x (manual page mod_ssl, "Environment Variables"), and DC.
DN_ATTRIBUTES: Final = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "T": NameOID.TITLE,
    "I": NameOID.INITIALS,
    "G": NameOID.GIVEN_NAME,
    "S": NameOID.SURNAME,
    "D": x509.ObjectIdentifier("2.5.4.13"),
    "UID": NameOID.USER_ID,
    "Email": NameOID.EMAIL_ADDRESS,
    "SerialNumber": NameOID.SERIAL_NUMBER,
    "DC": NameOID.DOMAIN_COMPONENT,
}
# X.520 ub-common-name, RFC 5280 appendix A.1: characters there, of which cryptography counts the bytes in UTF-8.
COMMON_NAME_LIMIT: Final = 64
# Microsoft's user principal name as an otherName; mod_ssl exports it as SSL_CLIENT_SAN_OTHER_msUPN_n.
_MS_UPN: Final = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")

# Letters, digits and hyphens (RFC 1034 section 3.5); the underscore that real hosts use; the wildcard anywhere, because
# what it means there is for the client to judge (RFC 9525 section 6.3), and tests want to see that judgement.
_LABEL: Final = re.compile(r"[A-Za-z0-9_*-]{1,63}")
# RFC 1035 section 2.3.4: 255 octets on the wire are 253 characters.
_NAME_LIMIT: Final = 253


@functools.lru_cache(maxsize=4096)
def server_name(name: str) -> x509.GeneralName:
    """The subject alternative name for a server's DNS name, wildcard, IP literal (also in brackets) or IDN.

    Raises:
        PkiError: when the name is none of these; e-mail addresses and URLs are told apart in the message.
    """
    address = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    try:
        return x509.IPAddress(ipaddress.ip_address(address))
    except ValueError:
        return x509.DNSName(_a_labels(name))


def email_name(address: str) -> x509.RFC822Name:
    """The subject alternative name for an e-mail address; a domain in Unicode becomes A-labels (RFC 5280 section 7.5).

    Raises:
        PkiError: when the text is no address of the form `local@domain`, or its local part is not ASCII.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or not local.isascii():
        raise PkiError(
            f"{address!r} is no e-mail address that a certificate can carry: write local@domain, local in ASCII."
        )
    return x509.RFC822Name(f"{local}@{_a_labels(domain)}")


def upn_name(principal: str) -> x509.OtherName:
    """The subject alternative name for a user principal name such as `"alice@corp.example.test"`.

    Raises:
        PkiError: when the name is empty.
    """
    if not principal:
        raise PkiError("A user principal name cannot be empty: write user@domain.")
    return x509.OtherName(_MS_UPN, _der.encode(_der.UTF8_STRING, principal.encode()))


def distinguished_name(subject: Subject | None, common_name: str | None) -> x509.Name:
    """The distinguished name of these attributes in the given order, the common name last.

    Args:
        subject: attributes by the keys of `DN_ATTRIBUTES`; a sequence gives an attribute several times.
        common_name: at most 64 bytes of UTF-8, which is what cryptography allows; `None` for none.

    Raises:
        PkiError: for an unknown attribute, or a value that its attribute does not allow.
    """
    pairs = [*_pairs(subject or {}), *([("CN", common_name)] if common_name is not None else [])]
    return x509.Name([_attribute(key, value) for key, value in pairs])


def alternative_names(extensions: x509.Extensions) -> tuple[str, ...]:
    """The DNS names and IP addresses of a certificate's or request's extensions, as text, in their order."""
    shown = (x509.DNSName, x509.IPAddress)
    return tuple(str(name.value) for name in general_names(extensions) if isinstance(name, shown))


def general_names(extensions: x509.Extensions) -> tuple[x509.GeneralName, ...]:
    """All subject alternative names of a certificate's or request's extensions, of whatever form."""
    try:
        return tuple(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()


def _a_labels(name: str) -> str:
    if "@" in name:
        raise PkiError(
            f"{name!r} is an e-mail address, not a server's name; issue_client(..., emails=[...]) takes those."
        )
    if "://" in name or "/" in name:
        raise PkiError(f"{name!r} is a URL or a network, not a server's name; give the host name or address alone.")
    ascii_name = name
    if not name.isascii():
        wildcard, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
        try:
            ascii_name = wildcard + idna.encode(rest, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise PkiError(f"{name!r} is no valid internationalised name (IDNA 2008): {error}.") from None
    if len(ascii_name) > _NAME_LIMIT or not all(_LABEL.fullmatch(label) for label in ascii_name.split(".")):
        raise PkiError(f"{name!r} is no DNS name or IP address: labels of 1-63 letters, digits, hyphens, 253 in all.")
    return ascii_name


def _pairs(subject: Subject) -> Iterable[tuple[str, str]]:
    for key, values in subject.items():
        for value in (values,) if isinstance(values, str) else values:
            yield key, value


def _attribute(key: str, value: str) -> x509.NameAttribute[str]:
    try:
        oid = DN_ATTRIBUTES[key]
    except KeyError:
        raise PkiError(f"There is no subject attribute {key!r}; use one of {', '.join(DN_ATTRIBUTES)}.") from None
    try:
        return x509.NameAttribute(oid, value)
    except ValueError as error:
        raise PkiError(f"The subject attribute {key} cannot be {value!r}: {error}.") from None
