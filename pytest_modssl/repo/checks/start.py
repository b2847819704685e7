"""That httpd starts with a configuration and has nothing to say against it."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from pytest_modssl.asserts.message import failure
from pytest_modssl.errors import Mismatch
from pytest_modssl.faq import Place, diagnose
from pytest_modssl.faq.recognise import numbered
from pytest_modssl.httpd.errorlog import SEVERITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq import Evidence
    from pytest_modssl.httpd.errorlog import LogRecord
    from pytest_modssl.repo.checks.observed import Observed
    from pytest_modssl.repo.checks.options import Options

# They are about the httpd and the machine that a test runs on, not about the configuration.
_OF_THE_RUN = frozenset(
    {
        "AH01882",  # OpenSSL is another than the one that mod_ssl was built with
        "AH00558",  # the machine has no full name, which httpd asks for where no global ServerName says it
        # OCSP stapling, which certificates that were made for a run cannot have: no responder answers for them.
        "AH02217",
        "AH02218",
        "AH02604",
    }
)
# What a warning is about that names neither file nor host.
_ABOUT = {"AH01897": "sslverifyclient"}
# Both ways in which httpd names a line: as in its syntax errors (AH00526), and as in DUMP_VHOSTS.
_LINE = re.compile(r"\bline (?P<line>\d+) of (?P<file>/[^:\s]+)|(?P<file2>/[^:()\s]+):(?P<line2>\d+)\b")
_VARIABLE = re.compile(r"Config variable (?P<variable>\$\{(?P<name>\w+)\}) is not defined")
_PATH = re.compile(r"/[^\s\[\]'\",;()]+")


def starts(observed: Observed, options: Options) -> None:
    """Returns if httpd gave no warning when it started, but for those that the user allows.

    Raises:
        ModsslAssertionError: with each warning, and the user's line that it is about as far as it tells.
    """
    __tracebackhide__ = True
    evidence = observed.evidence
    given = [one for one in evidence.start.lines if _warns(one) and not _is_allowed(one, options)]
    unknown = [one for one in observed.assumed if not any(each in str(one) for each in options.allowed_warnings)]
    if not given and not unknown:
        return
    mismatches = [Mismatch(one.what, "a value", f"none: here it is {one.instead}") for one in unknown]
    places = [Place(one.origin, one.what) for one in unknown if one.origin is not None]
    # httpd reads its configuration twice, and warns twice.
    for one in {(one.ah, one.message): one for one in given}.values():
        told = one.raw if one.level is None else f"{one.module}:{one.level} {numbered(one.ah, one.message)}"
        variable = _VARIABLE.search(one.message)
        advice = f". Change: give it a value by --modssl-env {variable['name']}=..., or modssl_env" if variable else ""
        machine = evidence.rendered.machine
        told = told.replace(f"{machine}/", "/") if machine else told  # as deployed, not in the copy
        mismatches.append(Mismatch("warning at the start", "none", told + advice))
        places += list(_places(evidence, one))
    raise failure("start of httpd", mismatches, diagnose(evidence), places=places)


def _warns(record: LogRecord) -> bool:
    # What httpd says before it has a log has no level: "AH00558: apache2: Could not reliably determine ...".
    if record.ah in _OF_THE_RUN:
        return False
    if record.level is None:
        return record.ah is not None
    return SEVERITY[record.level] <= SEVERITY["warn"]


def _is_allowed(record: LogRecord, options: Options) -> bool:
    return any(one in record.raw for one in options.allowed_warnings)


def _places(evidence: Evidence, record: LogRecord) -> Iterator[Place]:
    """The user's line that a warning is about: the one it names, that of a file it names, or the virtual host's."""
    if found := _LINE.search(record.message):
        file, line = found["file"] or found["file2"], int(found["line"] or found["line2"])
        place = evidence.place(file, line)
        if place is not None:
            yield place
            return
    if (found := _VARIABLE.search(record.message)) is not None:
        variable = found["variable"]
        used = (one.place for one in evidence.directives if one.place and any(variable in it for it in one.words))
        yield from (Place(one.origin, variable) for one in islice(used, 1))
        return
    paths = {one.rstrip("/") for one in _PATH.findall(record.message)}
    named = [
        one.place for one in evidence.directives if one.place and any(word.rstrip("/") in paths for word in one.words)
    ]
    if named:
        yield from named
        return
    host = evidence.rendered.host_in(record.message)
    origin = None if host is None else evidence.rendered.hosts[host]
    if origin is not None:
        yield Place(origin, f"the virtual host {host}")
        return
    yield from (
        one.place for one in evidence.directives if one.place and one.name.lower() == _ABOUT.get(record.ah or "")
    )
