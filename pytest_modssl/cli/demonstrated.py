"""What came of showing an entry of the catalogue on a real server, as text and as data."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq import Entry
    from pytest_modssl.faq.demos import Demonstration, Played
    from pytest_modssl.targets.base import Target


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """One demonstration that was played.

    Attributes:
        demonstration: which one.
        halves: its problem and its remedy; `None` where this httpd cannot show it.
    """

    demonstration: Demonstration
    halves: tuple[Played, Played] | None

    @property
    def ok(self) -> bool:
        """Whether it came out as it should, or cannot be seen here."""
        if self.halves is None:
            return True
        problem, remedy = self.halves
        told = [one.entry.id for one in problem.diagnoses]
        return told[:1] == [self.demonstration.entry] and remedy.error is None and not remedy.diagnoses

    @property
    def data(self) -> dict[str, Any]:
        """The same for a machine."""
        problem, remedy = (None, None) if self.halves is None else map(_half, self.halves)
        return {"demonstration": str(self.demonstration), "ok": self.ok, "problem": problem, "remedy": remedy}

    def lines(self) -> Iterator[str]:
        """The same for people."""
        if self.halves is None:
            yield from ("", f"{self.demonstration}: not to be seen on this httpd")
            return
        problem, remedy = self.halves
        yield from ("", f"The problem ({self.demonstration}):", "")
        yield textwrap.indent(str(problem.error or "nothing failed"), "    ")
        yield from _transcript(problem)
        outcome = "the check passes" if remedy.error is None else f"still fails: {remedy.error}"
        yield from ("", f"With the remedy: {outcome}")
        yield from _transcript(remedy)


def demonstrate(entry: Entry, target: Target) -> Iterator[Demonstrated]:
    """Plays every demonstration of an entry, one after the other."""
    from pytest_modssl.faq.demos import DEMONSTRATIONS, Scene, play
    from pytest_modssl.pki import CA

    scene = Scene(ca=CA(), installation=target.installation)
    for one in DEMONSTRATIONS:
        if one.entry != entry.id:
            continue
        if not one.available(target.installation):
            yield Demonstrated(one, None)
            continue
        problem = play(target, one.problem(scene), one.check)
        remedy = play(target, one.remedy(scene), one.cure or one.check)
        yield Demonstrated(one, (problem, remedy))


def _half(played: Played) -> dict[str, Any]:
    return {
        "error": None if played.error is None else str(played.error),
        "diagnoses": [one.entry.id for one in played.diagnoses],
    }


def _transcript(played: Played) -> Iterator[str]:
    from pytest_modssl.load import LoadReport
    from pytest_modssl.tls import Handshake

    for one in played.seen:
        if isinstance(one, LoadReport):
            yield from ("", textwrap.indent(str(one), "    "))
        if isinstance(one, Handshake):
            yield from ("", textwrap.indent(f"{one}\n{one.transcript}", "    "))
