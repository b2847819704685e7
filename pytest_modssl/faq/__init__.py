"""The FAQ of mod_ssl as executable knowledge: its questions, how a failure shows that one is asked, and the answers."""

from __future__ import annotations

from pytest_modssl.faq.catalogue import diagnose, entries, entry
from pytest_modssl.faq.entry import GROUPS, Diagnosis, Entry, Finding
from pytest_modssl.faq.evidence import Evidence, Place, Start, Used

__all__ = [
    "GROUPS",
    "Diagnosis",
    "Entry",
    "Evidence",
    "Finding",
    "Place",
    "Start",
    "Used",
    "diagnose",
    "entries",
    "entry",
]
