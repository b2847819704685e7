"""Failures that keep httpd from starting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.protocol.ciphers import refused_lists
from pytest_modssl.faq.recognise import ends_start, numbered, refused, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

_EVERY_ADDRESS = ("", "*", "0.0.0.0", "[::]")  # noqa: S104 - compared, not bound


def _address_in_use(evidence: Evidence) -> Iterator[Finding]:
    pattern = r"Address already in use.*could not bind to address (?P<address>\S+)"
    for record, found in evidence.logged("AH00072", match=pattern) if not evidence.start.ready else ():
        address = found["address"]
        same = [one for one in evidence.directives if one.name == "Listen" and _overlap(one.words[0], address)]
        both = " and ".join(one.words[0] for one in same)
        yield Finding(
            seen=(shown(record),),
            cause=f"two Listen directives take the same port: {both}"
            if len(same) > 1
            else f"{address} is taken already",
            place=same[-1].place if same else evidence.trouble,
            remedy="leave one of the Listen directives out" if len(same) > 1 else "",
        )
        return


def _overlap(one: str, other: str) -> bool:
    """Whether two addresses of Listen cannot both be bound: one port, and one address or that of all."""
    (here, port), (there, same_port) = _address(one), _address(other)
    return port == same_port and (here == there or here in _EVERY_ADDRESS or there in _EVERY_ADDRESS)


def _address(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host.removeprefix("[::ffff:").removesuffix("]") if host.startswith("[::ffff:") else host, port


def _empty_cipher_list(evidence: Evidence) -> Iterator[Finding]:
    for record, used in refused_lists(evidence, anonymous=False):
        yield Finding(seen=(shown(record),), place=evidence.trouble if used is None else used.place)


def _no_suite_of_tls13(evidence: Evidence) -> Iterator[Finding]:
    for record, _ in evidence.logged("AH10127") if not evidence.start.ready else ():
        used = evidence.find("SSLCipherSuite", word="TLSv1.3")
        yield Finding(seen=(shown(record),), place=evidence.trouble if used is None else used.place)
        return


def _unknown_directive(evidence: Evidence) -> Iterator[Finding]:
    problem = evidence.problem
    if problem is not None and problem.hint is not None:
        yield Finding(seen=(numbered(problem.ah, problem.message),), cause=problem.hint, place=evidence.trouble)


ENTRIES = (
    Entry(
        id="address-in-use",
        group="beyond",
        question="Why does httpd say that it could not bind to an address?",
        cause="another process, or another Listen, has that address and port",
        remedy="end what listens on that address and port, or name another in Listen",
        directives=("Listen",),
        numbers=("AH00072",),
        recognisers=(_address_in_use,),
    ),
    Entry(
        id="certificate-file-missing",
        group="beyond",
        question="Why does httpd say that a certificate or key file does not exist or is empty?",
        cause="the file that the directive names is not there, or cannot be read",
        remedy="let the directive name the file where the server sees it; give the files of a test as tls= or pki=",
        directives=("SSLCertificateFile", "SSLCertificateKeyFile", "SSLCACertificateFile"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"(?P<directive>SSL\w+): file '(?P<file>.*?)' does not exist or is empty",
                cause="{directive} names {file}, which is not there or is empty where the server runs",
            ),
        ),
    ),
    Entry(
        id="unknown-directive",
        group="beyond",
        question="Why does httpd call a directive an invalid command?",
        cause="the directive is misspelled, or its module is not loaded",
        remedy="spell it as the manual does, or load its module: ServerConfig(modules=[...]), LoadModule",
        directives=("LoadModule",),
        numbers=("AH00526",),
        recognisers=(_unknown_directive,),
    ),
    Entry(
        id="key-too-small",
        group="beyond",
        question="Why does httpd call a key or a signature too small or too weak?",
        cause="the certificate's key or signature is too weak for OpenSSL's security level",
        remedy="give a stronger one (key_type=), or lower the level in the global directives: "
        "SSLCipherSuite DEFAULT:@SECLEVEL=0",
        directives=("SSLCertificateFile", "SSLCipherSuite"),
        numbers=("AH02562",),
        recognisers=(
            ends_start(
                "AH02562",
                cause="the certificate of {host} is too weak for OpenSSL's security level",
                library=r"(?:ee|ca) key too small|(?:ee|ca) md too weak",
                directive="SSLCertificateFile",
            ),
        ),
    ),
    Entry(
        id="cipher-list-empty",
        group="beyond",
        question="Why does httpd say that it cannot configure the permitted ciphers?",
        cause="the list of cipher suites names none that this OpenSSL has and mod_ssl allows",
        remedy="name a suite in SSLCipherSuite that this OpenSSL has (openssl ciphers -v) and mod_ssl allows",
        directives=("SSLCipherSuite", "SSLOpenSSLConfCmd"),
        numbers=("AH01898", "AH02407", "AH10127"),
        recognisers=(_empty_cipher_list, _no_suite_of_tls13),
    ),
    Entry(
        id="certificate-not-configured",
        group="beyond",
        question="Why does httpd fail to configure at least one certificate and key?",
        cause="SSLEngine is on in a virtual host that has no certificate",
        remedy="give the virtual host tls=, or SSLCertificateFile in its directives, or leave out SSLEngine on",
        directives=("SSLEngine", "SSLCertificateFile"),
        numbers=("AH02572",),
        recognisers=(ends_start("AH02572", directive="SSLEngine"),),
    ),
)
