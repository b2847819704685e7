"""What an httpd can do beyond its version: distributions change both, so where a directive tells, httpd is asked.

Asking is `httpd -t` with that directive and nothing else, 10 to 25 ms on this machine (measured on httpd 2.4.71); in a
container it is a command there, whose answer is remembered for the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.httpd.specifiers import specifier, within

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

    from pytest_modssl.httpd.installation import Installation

# Every message about a directive that httpd cannot read begins with this number (server/config.c).
_SYNTAX_ERROR = "AH00526"
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Feature:
    """How to know whether an httpd has a feature: all that is named must hold.

    Attributes:
        about: what it is.
        source: how this is known.
        modules: modules that it must have.
        directive: a line that it must be able to read.
        openssl: versions of OpenSSL that have it.
    """

    about: str
    source: str
    modules: tuple[str, ...] = ("ssl",)
    directive: str = ""
    openssl: str = ""


FEATURES: dict[str, Feature] = {
    "ssl": Feature("mod_ssl", "manual, mod_ssl"),
    "http2": Feature("HTTP/2", "manual, mod_http2", modules=("http2",)),
    "config-dump": Feature("`httpd -t -D DUMP_CONFIG`", "manual, mod_info", modules=("info",)),
    "TLSv1.3": Feature(
        "TLS 1.3, and with it post-handshake authentication",
        "ssl_engine_config.c, ssl_cmd_protocol_parse: `Illegal protocol` where OpenSSL had none at build time",
        directive="SSLProtocol TLSv1.3",
    ),
    "SSLv3": Feature(
        "SSL 3.0",
        "measured on httpd 2.4.71, OpenSSL 3.0.19: `SSLv3 not supported by this version of OpenSSL`",
        directive="SSLProtocol SSLv3",
    ),
    "compression": Feature(
        "TLS compression: OpenSSL has a method (its use also needs security level 0 or 1, and not TLS 1.3)",
        "measured: refused by OpenSSL 1.1.1w and 3.0.19, taken by 3.5.9 of Debian",
        directive="SSLCompression on",
    ),
    "srp": Feature(
        "Secure Remote Password (RFC 5054)",
        "mod_ssl.c: its directives exist only where OpenSSL has it",
        directive="SSLSRPUnknownUserSeed x",
    ),
    "sni-policy": Feature(
        "SSLVHostSNIPolicy",
        "manual: httpd 2.4.66. Fedora had it in 2.4.65-2 (its changelog), so the version does not tell",
        directive="SSLVHostSNIPolicy secure",
    ),
    "stapling": Feature(
        "OCSP stapling",
        "mod_ssl.c: its directives exist only where OpenSSL has OCSP",
        directive="SSLUseStapling off",
    ),
    "hybrid-groups": Feature(
        "the key exchange X25519MLKEM768",
        "OpenSSL 3.5, NEWS.md; on earlier ones its name stops the start (AH02407, measured on 3.0.22)",
        openssl=">=3.5",
    ),
}


def has_feature(installation: Installation, name: str) -> bool:
    """Whether an httpd has a feature.

    Args:
        installation: the httpd.
        name: one of `FEATURES`.

    Raises:
        ValueError: for another name.
        StartError: when httpd cannot be asked.
    """
    if name not in FEATURES:
        raise ValueError(f"unknown feature {name!r}: one of {', '.join(FEATURES)}")
    feature = FEATURES[name]
    if not all(map(installation.has, feature.modules)):
        return False
    if feature.openssl and not has_openssl(installation, specifier(feature.openssl)):
        return False
    return not feature.directive or _reads(installation, feature.directive)


def has_openssl(installation: Installation, versions: SpecifierSet) -> bool:
    """Whether mod_ssl runs on one of these versions of OpenSSL, which LibreSSL with its own numbers is not."""
    version = installation.openssl
    return version is not None and installation.tls_library == "OpenSSL" and within(version, versions)


def _reads(installation: Installation, directive: str) -> bool:
    lines = [
        f'LoadModule {name}_module "{installation.loadable[name]}"'
        for name in (f"mpm_{installation.mpms[0]}", "ssl")
        if name in installation.loadable
    ]
    # The folder of the compiled-in ErrorLog need not exist, which -t minds (AH02291).
    lines += ['ErrorLog "/dev/null"', "ServerName localhost"]
    before = [argument for line in lines for argument in ("-C", line)]
    answer = installation.ask(["-t", "-f", "/dev/null", *before, "-c", directive], timeout=_SECONDS)
    if answer.returncode != 0 and _SYNTAX_ERROR not in answer.stderr:
        raise StartError(
            f"cannot ask {installation.binary} whether it reads `{directive}`: exit status {answer.returncode}, "
            f"{(answer.stderr or answer.stdout).strip() or 'and no word'}"
        )
    return answer.returncode == 0
