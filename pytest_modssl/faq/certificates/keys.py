"""How a failure shows that a key, its pass phrase, or the kind of a file is what is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.pki.blob import Blob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence
    from pytest_modssl.httpd.errorlog import LogRecord

# X.690 section 8.9: certificates, requests and keys are SEQUENCEs, and PEM never begins so.
_SEQUENCE = b"\x30"
_FILE = r", check (?P<file>/.*)"
_ANYONE_MAY_RUN = 0o111


def _without_certificate(evidence: Evidence) -> Iterator[tuple[LogRecord, bytes | None]]:
    """The line about a file in which httpd found no certificate, and what is in the file where that is known."""
    if evidence.start.ready or not any(evidence.logged(match="no start line")):
        return
    for record, found in evidence.logged("AH02562", match=_FILE):
        written = evidence.written(found["file"])
        yield record, None if written is None else written[0]
        return


def _finding(evidence: Evidence, record: LogRecord, directive: str, cause: str) -> Finding:
    host = evidence.rendered.host_in(record.message) or evidence.troubled_host
    used = evidence.find(directive, host=host)
    return Finding(seen=(shown(record),), cause=cause, place=evidence.trouble if used is None else used.place)


def der_certificate(evidence: Evidence) -> Iterator[Finding]:
    """A certificate in DER where httpd reads PEM."""
    for record, content in _without_certificate(evidence):
        if content is not None and content.startswith(_SEQUENCE):
            yield _finding(evidence, record, "SSLCertificateFile", "SSLCertificateFile names a file in DER")


def no_certificate(evidence: Evidence) -> Iterator[Finding]:
    """A key or a request where the certificate belongs, or the certificate forgotten."""
    for record, content in _without_certificate(evidence):
        if content is None:
            cause = "SSLCertificateFile names a file that holds no certificate in PEM: a key, a request, or DER"
            yield _finding(evidence, record, "SSLCertificateFile", cause)
        elif not content.startswith(_SEQUENCE):
            kind = Blob(content).kind
            cause = f"SSLCertificateFile names a file that holds no certificate but {kind}"
            yield _finding(evidence, record, "SSLCertificateFile", cause)


def no_key(evidence: Evidence) -> Iterator[Finding]:
    """Anything else where the key belongs."""
    if evidence.start.ready or not any(evidence.logged("AH02579")):
        return
    for record, found in evidence.logged("AH02564", match=_FILE):
        written = evidence.written(found["file"])
        kind = "" if written is None else f" but {Blob(written[0]).kind}"
        cause = f"SSLCertificateKeyFile names a file that holds no private key{kind}"
        yield _finding(evidence, record, "SSLCertificateKeyFile", cause)
        return


def _asked(evidence: Evidence) -> Iterator[str]:
    """The program that httpd asked for a pass phrase last, before the start failed."""
    if not evidence.start.ready:
        programs = [
            found["program"] for _, found in evidence.logged("AH01969", match=r"filter program \((?P<program>.*)\)")
        ]
        yield from programs[-1:]


def _may_be_run(evidence: Evidence, program: str) -> bool:
    written = evidence.written(program.partition(" ")[0])
    return written is None or bool(written[1] & _ANYONE_MAY_RUN)


def program_not_executable(evidence: Evidence) -> Iterator[Finding]:
    """A program that nobody may run; httpd logs that like a wrong pass phrase."""
    for program in _asked(evidence):
        for record, _ in evidence.logged("AH02580") if not _may_be_run(evidence, program) else ():
            used = evidence.find("SSLPassPhraseDialog")
            yield Finding(
                seen=(shown(record),),
                cause=f"the program that should tell the pass phrase, {program}, may not be run: it is not executable",
                place=evidence.trouble if used is None else used.place,
                remedy="make the program executable (chmod +x; File(content, executable=True) among files=)",
            )
            return


def program_never_answers(evidence: Evidence) -> Iterator[Finding]:
    """A program that was asked, and that the start still waits for."""
    for program in _asked(evidence):
        last = evidence.start.lines[-1]
        if evidence.start.status is None and last.ah == "AH01969":
            used = evidence.find("SSLPassPhraseDialog")
            yield Finding(
                seen=(shown(last),),
                cause=f"the program that should tell the pass phrase, {program}, does not answer",
                place=evidence.trouble if used is None else used.place,
                remedy="let the program print the pass phrase and end; it is not given a terminal to ask somebody on",
                certainty="likely",
            )


def wrong_pass_phrase(evidence: Evidence) -> Iterator[Finding]:
    """A pass phrase that does not open the key."""
    for program in _asked(evidence):
        for record, _ in evidence.logged("AH02580") if _may_be_run(evidence, program) else ():
            host = evidence.rendered.host_in(record.message) or evidence.troubled_host
            used = evidence.find("SSLPassPhraseDialog")
            yield Finding(
                seen=(shown(record),),
                cause=f"what {program} tells does not open the private key of {host or 'a virtual host'}: its pass "
                "phrase is another one, or was changed, or the program fails",
                place=evidence.trouble if used is None else used.place,
            )
            return


def readable_by_others(evidence: Evidence) -> Iterator[Finding]:
    """A private key that others may read or write."""
    mismatch = evidence.mismatch(r"private key /.*")
    found = None if mismatch is None else re.fullmatch(r"private key (?P<file>/.*)", mismatch.what)
    if mismatch is not None and found is not None:
        used = evidence.find("SSLCertificateKeyFile", word=found["file"])
        yield Finding(
            seen=(str(mismatch),),
            cause=f"others than its owner may read or write {found['file']}, which holds a private key",
            place=None if used is None else used.place,
        )
