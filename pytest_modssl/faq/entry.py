"""What an entry of the catalogue is, and what a diagnosis says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_modssl.httpd.modules import module_of_directive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_modssl.faq.evidence import Evidence, Place

Group: TypeAlias = Literal["installation", "configuration", "certificates", "protocol", "support", "beyond"]
Certainty: TypeAlias = Literal["certain", "likely", "possible"]

GROUPS: dict[Group, str] = {
    "installation": "Installation",
    "configuration": "Configuration",
    "certificates": "Certificates",
    "protocol": "The SSL protocol",
    "support": "Support",
    "beyond": "Beyond the FAQ",
}
"""The groups in the order of the FAQ, with their titles."""

CERTAINTIES: tuple[Certainty, ...] = ("certain", "likely", "possible")
"""How sure a diagnosis is, the surest first.

certain: the server or the peer says so itself. likely: what was seen has hardly another cause. possible: it has others.
"""

_MANUAL = "https://httpd.apache.org/docs/2.4"
_FAQ_PAGE = f"{_MANUAL}/ssl/ssl_faq.html"
# In the code they are core's, in the manual they are on the page of what MPMs have in common.
_OF_EVERY_MPM = frozenset(
    {
        "coredumpdirectory",
        "enableexceptionhook",
        "gracefulshutdowntimeout",
        "maxconnectionsperchild",
        "maxmemfree",
        "pidfile",
        "receivebuffersize",
        "scoreboardfile",
        "sendbuffersize",
        "threadstacksize",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a recogniser found in the evidence.

    Args:
        seen: the lines and facts that show it, at least one, each as one line.
        cause: in one line, with the names of the case at hand; empty for that of the entry.
        place: the directive, or the call, in the user's own files; `None` where there is none.
        remedy: what to do in the case at hand; empty for that of the entry.
        certainty: one of `CERTAINTIES`.
    """

    seen: tuple[str, ...]
    cause: str = ""
    place: Place | None = None
    remedy: str = ""
    certainty: Certainty = "certain"


Recogniser: TypeAlias = "Callable[[Evidence], Iterable[Finding]]"
"""A pure function from what is known to what it shows, often nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One question that people have about an httpd with mod_ssl, and its answer.

    Args:
        id: short name, of lower-case words joined by hyphens.
        group: one of `GROUPS`.
        question: as the FAQ asks it.
        cause: in one line.
        remedy: what to do, with the directive.
        anchor: of the question in httpd's own FAQ page; empty where that does not have it.
        directives: those that it is about, as the manual writes them; each is linked to its manual page.
        numbers: of log lines that tell of it ("AH02565").
        since: what changed in which version, where that matters.
        recognisers: how it is told from evidence; none for a question that no failure asks.
    """

    id: str
    group: Group
    question: str
    cause: str
    remedy: str
    anchor: str = ""
    directives: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    since: str = ""
    recognisers: tuple[Recogniser, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        """The question in httpd's FAQ, then the manual's page of each directive."""
        faq = (f"{_FAQ_PAGE}#{self.anchor}",) if self.anchor else ()
        return (*faq, *map(manual_page, self.directives))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """An entry of the catalogue that fits what was seen, filled in with the case at hand."""

    entry: Entry
    finding: Finding

    @property
    def cause(self) -> str:
        """In one line."""
        return self.finding.cause or self.entry.cause

    @property
    def remedy(self) -> str:
        """What to do."""
        return self.finding.remedy or self.entry.remedy

    @property
    def place(self) -> Place | None:
        """The directive, or the call, in the user's own files."""
        return self.finding.place

    @property
    def links(self) -> tuple[str, ...]:
        """Where to read on: httpd's FAQ where it has the question, and the manual's page of the directive."""
        named = "" if self.place is None else self.place.text.partition(" ")[0].strip("<>").lower()
        directives = sorted(self.entry.directives, key=lambda one: one.strip("<>").lower() != named)
        return (*self.entry.links[: bool(self.entry.anchor)], *map(manual_page, directives[:1]))

    def __str__(self) -> str:
        """Several lines for a person, as they stand in the message of a failure."""
        sure = "" if self.finding.certainty == "certain" else f", {self.finding.certainty}"
        lines = [f"diagnosis: {self.cause} ({self.entry.id}{sure})"]
        lines += [f"  {self.place}"] if self.place is not None else []
        lines += [f"  seen: {line}" for line in self.finding.seen]
        lines += [f"  to do: {self.remedy}"]
        lines += [f"  see: {' '.join(self.links)}"] if self.links else []
        return "\n".join(lines)


def manual_page(directive: str) -> str:
    """Address of a directive's entry in the manual of httpd 2.4.

    Args:
        directive: as the manual writes it; a section with its `<`.
    """
    name = directive.strip("<>").lower()
    module = module_of_directive(directive) or "core"
    if module.startswith("mpm_") or name in _OF_EVERY_MPM:
        page = "mpm_common"
    else:
        page = module if module == "core" else f"mod_{module}"
    return f"{_MANUAL}/mod/{page}.html#{name}"
