"""The FAQ's group Installation."""

from __future__ import annotations

from pytest_modssl.faq.entry import Entry

ENTRIES = (
    Entry(
        id="ssl-mutex-permissions",
        group="installation",
        question="Why do I get permission errors related to SSLMutex when I start Apache?",
        cause="the children's user cannot enter a folder above the mutex or the session cache",
        remedy="give every folder above the file in Mutex or SSLSessionCache the x bit for the account in User",
        anchor="mutex",
        directives=("Mutex", "SSLSessionCache", "User"),
        since="SSLMutex became Mutex ... ssl-cache in httpd 2.3.4.",
    ),
    Entry(
        id="prng-not-seeded",
        group="installation",
        question="Why does mod_ssl stop with the error that it failed to generate a temporary 512 bit RSA private key?",
        cause="the source of randomness in SSLRandomSeed is missing or gives nothing",
        remedy="name a source that is there: SSLRandomSeed startup builtin, or file:/dev/urandom",
        anchor="entropy",
        directives=("SSLRandomSeed",),
        since="mod_ssl makes no temporary RSA keys any more; a missing source is a syntax error today.",
    ),
)
