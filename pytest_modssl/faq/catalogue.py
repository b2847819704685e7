"""All entries in order, and the way from evidence to those that fit."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING

from pytest_modssl.errors import UnknownEntryError
from pytest_modssl.faq.entry import CERTAINTIES, Diagnosis, Entry, Finding

if TYPE_CHECKING:
    from pytest_modssl.faq.entry import Recogniser
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


# Not one of the catalogue: nobody asks it.
_FAILED = Entry(
    id="recogniser-failed",
    group="beyond",
    question="Why does a diagnosis say that a recogniser failed?",
    cause="a recogniser of the catalogue failed",
    remedy="report it to the authors of pytest-modssl, with this message; it is no fault of the server",
)


def diagnose(evidence: Evidence) -> tuple[Diagnosis, ...]:
    """Every entry that fits, the surest first and then in the catalogue's order; none where none fits.

    An entry that is found several times is told once, by its surest finding. A recogniser that raises is told as well,
    last, and keeps nothing else from being told.
    """
    found, failed = [], []
    for one in entries():
        findings: list[Finding] = []
        for recognise in one.recognisers:
            try:
                findings += recognise(evidence)
            except Exception as error:  # noqa: BLE001 - what is to be explained must not be hidden by it
                failed.append(Diagnosis(_FAILED, _failure(one, recognise, error)))
        if findings:
            found.append(Diagnosis(one, min(findings, key=lambda finding: CERTAINTIES.index(finding.certainty))))
    return (*sorted(found, key=lambda one: CERTAINTIES.index(one.finding.certainty)), *failed)


def _failure(one: Entry, recognise: Recogniser, error: Exception) -> Finding:
    name = getattr(recognise, "__qualname__", repr(recognise)).partition(".<locals>")[0]
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return Finding(seen=(), cause=f"recogniser {name} of entry {one.id} failed: {said}", certainty="possible")


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
