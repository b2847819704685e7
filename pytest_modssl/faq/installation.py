"""The FAQ's group Installation."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import refused, shown
from pytest_modssl.httpd.paths import runtime_paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence, Used

_MUTEX = ("AH02024", "AH00023")
_DBM = ("AH00804", "AH00807", "AH00809", "AH00811")
_NO_CACHE = "AH01874"
# "(13)Permission denied: AH02024: ... with file `/run/x'", "(120013)APR does not understand this error code: AH00807:
# Cannot open socache DBM file `/run/x'": 120000 is APR_OS_START_USERERR (apr_errno.h), and EACCES is 13.
_DENIED = r"\((?:120013|13)\).*file [`']?(?P<path>/[^')]*)"


def _shut_file(evidence: Evidence) -> Iterator[Finding]:
    lines: dict[str, dict[str, None]] = {}
    for record, found in evidence.logged(*_MUTEX, *_DBM, match=_DENIED):
        lines.setdefault(found["path"], {})[shown(record)] = None
    for path, said in lines.items():
        yield _shut(evidence, path, *said)


def _shut_path(evidence: Evidence) -> Iterator[Finding]:
    for one in evidence.mismatches:
        directive, _, path = one.what.partition(" ")
        if directive in ("Mutex", "SSLSessionCache", "SSLStaplingCache") and path.startswith("/"):
            yield _shut(evidence, path, str(one))
            return


def _shut_cache(evidence: Evidence) -> Iterator[Finding]:
    """Sessions that are not resumed, and a start without a cache, where the log does not say why."""
    said = [shown(one) for one, _ in evidence.logged(_NO_CACHE)]
    resumed = evidence.mismatch("resumed")
    if not said and resumed is None:
        return
    directives = [(one.name, one.words) for one in evidence.directives]
    for path in runtime_paths(directives, (), root=str(PurePosixPath(evidence.rendered.main).parent)):
        if evidence.obstacle(path.path) is not None:
            yield _shut(evidence, path.path, *said, *([] if resumed is None else [str(resumed)]))
            return


def _shut(evidence: Evidence, path: str, *seen: str) -> Finding:
    obstacle = evidence.obstacle(path)
    shut = obstacle is not None and obstacle.kind == "shut"
    used = next(filter(None, (_names(one, path) for one in reversed(evidence.directives))), None)
    return Finding(
        seen=(*seen, *([str(obstacle)] if obstacle else [])),
        cause=f"httpd cannot get to {path}: {obstacle}" if obstacle else f"httpd may not open {path}",
        place=None if used is None else used.place,
        remedy=f"give {obstacle.folder} the x bit for {obstacle.account}" if obstacle and shut else "",
    )


def _names(used: Used, path: str) -> Used | None:
    """A directive of mutexes and caches that names a file, or the folder that it is in."""
    if used.name.lower() not in ("mutex", "sslsessioncache", "sslstaplingcache") or not used.words:
        return None
    _, _, named = used.words[0].partition(":")
    return used if named in (path, str(PurePosixPath(path).parent)) else None


def _silent_source(evidence: Evidence) -> Iterator[Finding]:
    """A source at startup that gives nothing, or has no end, by a check or by a start that did not come to its end."""
    stuck = not evidence.start.ready and evidence.start.status is None and bool(evidence.start.lines)
    if not stuck and evidence.mismatch(r"SSLRandomSeed startup .*") is None:
        return
    for used, found in evidence.faulty_sources("startup"):
        mismatch = evidence.mismatch(re.escape(f"SSLRandomSeed {' '.join(used.words)}"))
        if stuck or mismatch is not None:
            waited = ("httpd was not ready in time, and logged no reason",) if stuck else ()
            yield Finding(
                seen=(*waited, str(mismatch or f"{found.source}: {found.fault}")),
                cause=f"the source of randomness {found.source} gives {found.fault}",
                place=used.place,
            )
            return


ENTRIES = (
    Entry(
        id="ssl-mutex-permissions",
        group="installation",
        question="Why do I get permission errors related to SSLMutex when I start Apache?",
        cause="the children's user cannot enter a folder above the mutex or the session cache",
        remedy="give every folder above the file in Mutex or SSLSessionCache the x bit for the account in User",
        anchor="mutex",
        directives=("Mutex", "SSLSessionCache", "User"),
        numbers=(*_MUTEX, *_DBM, _NO_CACHE),
        since="SSLMutex became Mutex ... ssl-cache in httpd 2.3.4. Children open the file of a DBM cache, and that of "
        "a mutex of kind flock; the memory of shmcb and other mutexes they inherit.",
        recognisers=(_shut_file, _shut_path, _shut_cache),
    ),
    Entry(
        id="prng-not-seeded",
        group="installation",
        question="Why does mod_ssl stop with the error that it failed to generate a temporary 512 bit RSA private key?",
        cause="the source of randomness in SSLRandomSeed is missing, gives nothing, or has no end",
        remedy="name a source that is there, and how much to take: SSLRandomSeed startup file:/dev/urandom 512, or "
        "builtin",
        anchor="entropy",
        directives=("SSLRandomSeed",),
        numbers=("AH00526",),
        since="mod_ssl makes no temporary RSA keys any more, and OpenSSL 1.1.1 and later seed themselves. Today a "
        "missing source is a syntax error, and one that gives nothing goes unnoticed; one that blocks or has no end, "
        "as file:/dev/urandom without a number of bytes, keeps httpd from getting ready.",
        recognisers=(
            refused(
                r"SSLRandomSeed: source path '(?P<file>.*?)' does not exist",
                cause="SSLRandomSeed names {file}, which is not there, or not to be seen, where the server runs",
            ),
            refused(
                r"Invalid SSLRandomSeed entropy source `(?P<source>egd:.*?)'",
                cause="the source {source} is an entropy gathering daemon, which this OpenSSL does not know",
            ),
            _silent_source,
        ),
    ),
)
