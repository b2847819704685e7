"""Load, and how long a handshake takes."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry

ENTRIES = (
    Entry(
        id="errors-under-load",
        group="protocol",
        question="Why do I get lots of random SSL protocol errors under heavy server load?",
        cause="the session cache loses or breaks sessions, most often a DBM cache",
        remedy="use SSLSessionCache shmcb: instead of dbm:, or none",
        anchor="random",
        directives=("SSLSessionCache",),
    ),
    Entry(
        id="load-of-tls",
        group="protocol",
        question="Why does my webserver have a higher load, now that it serves SSL encrypted traffic?",
        cause="each full handshake costs a private-key operation",
        remedy="let sessions be resumed (SSLSessionCache, SSLSessionTickets), keep connections alive, use EC keys",
        anchor="load",
        directives=("SSLSessionCache", "SSLSessionTickets"),
    ),
    Entry(
        id="slow-handshake",
        group="protocol",
        question="Why do HTTPS connections to my server sometimes take up to 30 seconds to establish a connection?",
        cause="SSLRandomSeed connect reads a source that blocks",
        remedy="name one that does not: SSLRandomSeed connect builtin, or file:/dev/urandom",
        anchor="establishing",
        directives=("SSLRandomSeed",),
    ),
)
