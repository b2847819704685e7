"""All entries in order, and the way from evidence to those that fit."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING

from pytest_modssl.errors import UnknownEntryError
from pytest_modssl.faq.entry import CERTAINTIES, Diagnosis

if TYPE_CHECKING:
    from pytest_modssl.faq.entry import Entry
    from pytest_modssl.faq.evidence import Evidence


@cache
def entries() -> tuple[Entry, ...]:
    """Every entry: those of the FAQ in its own order, then the others. Loaded with the first failure."""
    from pytest_modssl.faq import beyond, certificates, configuration, installation, protocol, support

    return (
        *installation.ENTRIES,
        *configuration.ENTRIES,
        *certificates.ENTRIES,
        *protocol.ENTRIES,
        *support.ENTRIES,
        *beyond.ENTRIES,
    )


def diagnose(evidence: Evidence) -> tuple[Diagnosis, ...]:
    """Every entry that fits, the surest first and then in the catalogue's order; none where none fits.

    An entry that is found several times is told once, by its surest finding.
    """
    found = []
    for one in entries():
        findings = [finding for recognise in one.recognisers for finding in recognise(evidence)]
        if findings:
            found.append(Diagnosis(one, min(findings, key=lambda finding: CERTAINTIES.index(finding.certainty))))
    return tuple(sorted(found, key=lambda one: CERTAINTIES.index(one.finding.certainty)))


def entry(name: str) -> Entry:
    """The entry of an id.

    Raises:
        UnknownEntryError: with the ids that are spelled alike.
    """
    for one in entries():
        if one.id == name:
            return one
    alike = difflib.get_close_matches(name, [one.id for one in entries()], n=3, cutoff=0.4)
    hint = f"; alike are {', '.join(alike)}" if alike else ""
    raise UnknownEntryError(f"the catalogue has no entry {name!r}{hint}. All of them: python -m pytest_modssl faq")
