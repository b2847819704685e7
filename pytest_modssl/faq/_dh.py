"""What evidence tells of Diffie-Hellman parameters: those that a certificate's file has, and those that were served."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_modssl.errors import PkiError
from pytest_modssl.pki import Blob
from pytest_modssl.pki.dh import dh_bits
from pytest_modssl.tls.handshake import Handshake
from pytest_modssl.tls.probe import ProbeResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Place, Used

_BLOCK = re.compile(rb"-----BEGIN (?P<kind>DH|EC) PARAMETERS-----.*?-----END (?P=kind) PARAMETERS-----\s*", re.DOTALL)
_SUBJECT = re.compile(r"DH prime|dh_bits|handshake of Java")

Hello: TypeAlias = Handshake | ProbeResult


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """What a file of SSLCertificateFile has beside certificates.

    Attributes:
        used: the directive that names it.
        kinds: "DH" and "EC" for its blocks of parameters, in order.
        bits: size of the prime of the first "DH" block; `None` without one.
    """

    used: Used
    kinds: tuple[str, ...]
    bits: int | None


def about_primes(evidence: Evidence) -> bool:
    """Whether the failure is about primes, or about clients that mind them."""
    return _SUBJECT.search(evidence.subject) is not None


def hellos(evidence: Evidence) -> Iterator[Hello]:
    """Every client that got as far as to say hello, last first: an assertion that failed looked last."""
    yield from (one for one in reversed(evidence.observations) if isinstance(one, (Handshake, ProbeResult)))


def certificate_files(evidence: Evidence, seen: Hello) -> tuple[CertificateFile, ...]:
    """The certificate files of the host that a client reached, in httpd's order; those that we wrote ourselves."""
    host = evidence.asked(seen)
    if host is None:
        return ()
    named = evidence.settings("SSLCertificateFile", host=f"{host.name}:{host.port}", fits=lambda one: bool(one.words))
    written = [(one, evidence.written(one.words[0])) for one in named]
    return tuple(_read(used, file[0]) for used, file in written if file is not None)


def _read(used: Used, content: bytes) -> CertificateFile:
    blocks = list(_BLOCK.finditer(content))
    first = next((one[0] for one in blocks if one["kind"] == b"DH"), None)
    try:
        bits = None if first is None else dh_bits(Blob(first))
    except PkiError:
        bits = None
    return CertificateFile(used, tuple(one["kind"].decode() for one in blocks), bits)


def place_of(evidence: Evidence, seen: Hello, directive: str) -> Place | None:
    """Where a directive stands for a client's host, else the host."""
    used = evidence.served_by(seen, directive)
    return evidence.call(evidence.asked(seen)) if used is None or used.place is None else used.place
