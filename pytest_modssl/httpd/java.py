"""A configuration for clients that are as old as Java 7, on the httpd at hand, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_modssl.errors import ConfigError
from pytest_modssl.httpd.expectations import expectations
from pytest_modssl.pki import dh_parameters

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.pki import Blob

# RFC 2409 section 6.2, the group that the FAQ names; Java 7 takes no larger one.
_GROUP: Final = "rfc2409-1024"
# Newer clients find theirs first. Java 7 with curves gets ECDHE and so no prime; without curves (many an OpenJDK 7,
# Java 6) DHE; and RSA stands last for those that have neither.
_SUITES: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE-RSA-AES128-SHA:AES128-SHA"
_PROTOCOLS: Final = {
    "TLSv1": ("SSLProtocol all", "TLS 1.0 and 1.1 are spoken, which RFC 8996 forbids"),
    "TLSv1.1": ("SSLProtocol all -TLSv1", "TLS 1.1 is spoken, which RFC 8996 forbids"),
    "TLSv1.2": ("SSLProtocol all -TLSv1 -TLSv1.1", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Java7Settings:
    """What lets Java 7 in.

    Attributes:
        directives: for the virtual host, whose certificate has to have an RSA key.
        dh_parameters: for the end of the first SSLCertificateFile: `leaf.with_dh_parameters(...)`.
        security_level: OpenSSL's level that the directives set, the highest that suffices.
        cost: what it costs, one thing each.
    """

    directives: str
    dh_parameters: Blob
    security_level: int
    cost: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.directives, *(f"# cost: {one}" for one in self.cost)])


def java7_settings(installation: Installation, *, protocol: str = "TLSv1") -> Java7Settings:
    """What lets clients with the limits of Java 7 in on an httpd, with and without elliptic curves, and what it costs.

    The security level is the highest that OpenSSL's version allows for it (`expectations`, "level ..."): at a higher
    one httpd ignores the parameters without a word, or refuses the protocol.

    Args:
        installation: the httpd that will serve.
        protocol: the newest that these clients speak: "TLSv1" as Java 7 does by itself, "TLSv1.1" or "TLSv1.2" where
            the program asks for it.

    Raises:
        ConfigError: for another protocol.
        LookupError: where nothing is known of this httpd.
    """
    if protocol not in _PROTOCOLS:
        raise ConfigError(f"Java 7 does not speak {protocol!r}: one of {', '.join(_PROTOCOLS)}")
    known = expectations(installation)
    level = min(int(known.value(f"level {subject}")) for subject in (protocol, "dh-1024"))
    spoken, forbidden = _PROTOCOLS[protocol]
    strength = "keys, hashes and suites of any weakness" if level == 0 else "what 80 bits of strength protect"
    cost = (
        f"OpenSSL's security level is {level} for this host: from all clients it takes {strength}",
        forbidden,
        "clients that come to DHE get a prime of 1024 bits that all the world shares (Logjam, CVE-2015-4000)",
        "clients that come to AES128-SHA have no forward secrecy: who gets the key reads what was recorded",
    )
    return Java7Settings(
        directives=f"{spoken}\nSSLHonorCipherOrder on\nSSLCipherSuite {_SUITES}:@SECLEVEL={level}\n",
        dh_parameters=dh_parameters(_GROUP),
        security_level=level,
        cost=tuple(filter(None, cost)),
    )
