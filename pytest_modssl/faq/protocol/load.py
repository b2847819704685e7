"""Load, and how long a handshake takes."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import shown
from pytest_modssl.httpd.paths import runtime_paths
from pytest_modssl.tls.handshake import Handshake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.errors import Mismatch
    from pytest_modssl.faq.evidence import Evidence

_DROPPED = "AH00806"
_NO_CACHE = "AH01873"


def _not_resumed(evidence: Evidence) -> tuple[Mismatch, Handshake] | None:
    """The mismatch of a failure that is about sessions not taken up, and a handshake in which one was not."""
    mismatch = evidence.mismatch("resumed")
    full = [one for one in evidence.seen(Handshake) if one.ok and not one.resumed]
    if mismatch is None or mismatch.expected == repr(False) or not full:
        return None
    return mismatch, full[-1]


def _dropped_sessions(evidence: Evidence) -> Iterator[Finding]:
    """Sessions that are too large for a DBM, as the log tells, or as it can hardly be otherwise."""
    found = _not_resumed(evidence)
    cache = evidence.find("SSLSessionCache")
    if found is None or cache is None or not cache.words[0].lower().startswith("dbm:"):
        return
    mismatch, shaken = found
    for record, said in evidence.logged(_DROPPED, match=r"(?P<size>\d+) >= (?P<most>\d+)"):
        yield Finding(
            seen=(shown(record), str(mismatch)),
            cause=f"the DBM session cache drops sessions of {said['most']} bytes and more, and one here has "
            f"{said['size']}{' with the certificate of the client' if shaken.client_certificate_sent else ''}",
            place=cache.place,
        )
        return
    if shaken.client_certificate_sent and not any(map(evidence.obstacle, _files_of_caches(evidence))):
        yield Finding(
            seen=(str(mismatch), "the client sent a certificate, which is part of its session"),
            cause="the DBM session cache drops large sessions, as those with the certificate of a client are",
            place=cache.place,
            certainty="likely",
        )


def _files_of_caches(evidence: Evidence) -> Iterator[str]:
    directives = [(one.name, one.words) for one in evidence.directives]
    root = str(PurePosixPath(evidence.rendered.main).parent)
    return (one.path for one in runtime_paths(directives, (), root=root))


def _nothing_to_resume(evidence: Evidence) -> Iterator[Finding]:
    """Full handshakes alone, as the server keeps no sessions and gives no tickets, or the client takes none."""
    found = _not_resumed(evidence)
    if found is None:
        return
    mismatch, shaken = found
    tickets = evidence.served_by(shaken, "SSLSessionTickets")
    cache = evidence.find("SSLSessionCache")
    off = tickets is not None and tickets.words[0].lower() == "off"
    if (cache is not None and not cache.words[0].lower().startswith("none")) or (shaken.tickets_taken and not off):
        return
    host = evidence.asked(shaken)
    used = tickets if off else cache
    yield Finding(
        seen=(str(mismatch), *(shown(record) for record, _ in list(evidence.logged(_NO_CACHE))[:1])),
        cause="every handshake is a full one: the server has no session cache, and "
        + ("SSLSessionTickets is off" if off else "this client takes no session tickets"),
        place=evidence.call(host) if used is None or used.place is None else used.place,
        remedy='SSLSessionCache "shmcb:/path/to/cache(512000)"' + (", or SSLSessionTickets on" if off else ""),
    )


def _no_tickets(evidence: Evidence) -> Iterator[Finding]:
    """Sessions that were to be resumed by ticket, and were by the server's cache."""
    mismatch = evidence.mismatch("resumed by")
    for shaken in evidence.seen(Handshake)[-1:] if mismatch is not None else ():
        used = evidence.served_by(shaken, "SSLSessionTickets")
        if mismatch is not None and mismatch.expected == repr("ticket") and used is not None and used.words[0] == "off":
            yield Finding(
                seen=(str(mismatch),),
                cause="the server gives no tickets: SSLSessionTickets is off, and its session cache does the work",
                place=used.place,
                remedy="SSLSessionTickets on, with an SSLSessionTicketKeyFile where several servers share it",
            )


def _blocked_source(evidence: Evidence) -> Iterator[Finding]:
    """A handshake that the server does not begin, as it waits for its source of randomness."""
    waited = [one for one in evidence.seen(Handshake) if one.failure == "timeout" and one.stage == "hello"]
    for used, source in evidence.faulty_sources("connect") if waited else ():
        if source.blocks:
            yield Finding(
                seen=(f"TLS handshake: {waited[0].error}", f"{source.source}: {source.fault}"),
                cause=f"each connection waits for the source of randomness {source.source}, which gives {source.fault}",
                place=used.place,
            )
            return


ENTRIES = (
    Entry(
        id="errors-under-load",
        group="protocol",
        question="Why do I get lots of random SSL protocol errors under heavy server load?",
        cause="the session cache loses or breaks sessions, most often a DBM cache",
        remedy="use SSLSessionCache shmcb: instead of dbm:, or none and SSLSessionTickets on",
        anchor="random",
        directives=("SSLSessionCache", "SSLSessionTickets"),
        numbers=(_DROPPED,),
        since="Today concurrent clients do not break a DBM cache: Mutex none is refused for ssl-cache. But it drops "
        "every session of 950 bytes or more, as those with an RSA certificate of a client are; under TLS 1.3 it costs "
        "the server more CPU than full handshakes do; and after a graceful restart under load its file can be closed "
        "to the children for a while (AH00807, AH00809, AH00811). Measured on httpd 2.4.71.",
        recognisers=(_dropped_sessions,),
    ),
    Entry(
        id="load-of-tls",
        group="protocol",
        question="Why does my webserver have a higher load, now that it serves SSL encrypted traffic?",
        cause="each full handshake costs a private-key operation",
        remedy="let sessions be resumed (SSLSessionCache, SSLSessionTickets), keep connections alive, use EC keys",
        anchor="load",
        directives=("SSLSessionCache", "SSLSessionTickets"),
        numbers=(_NO_CACHE,),
        recognisers=(_nothing_to_resume, _no_tickets),
    ),
    Entry(
        id="slow-handshake",
        group="protocol",
        question="Why do HTTPS connections to my server sometimes take up to 30 seconds to establish a connection?",
        cause="SSLRandomSeed connect reads a source that blocks",
        remedy="name one that does not: SSLRandomSeed connect builtin, or file:/dev/urandom 512",
        anchor="establishing",
        directives=("SSLRandomSeed",),
        since="/dev/random, of which the FAQ speaks, no longer blocks on Linux 5.6 and later; pipes, devices and "
        "programs can. OpenSSL 1.1.1 and later seed themselves.",
        recognisers=(_blocked_source,),
    ),
)
