"""What a mod_ssl of some version does, where versions differ: the rows of `expectations.json`, each with its source.

A row says when it holds (in the words of `requirement`), and what is to be seen then. Of the rows of a subject the
first that holds counts. `seen` names the servers on which the row was measured; without one it was only read.
Distributions carry newer behaviour back to older versions: where a feature tells, rows go by that and not by the
version.
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.httpd.requirements import Requirement, requirement, unmet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_modssl.httpd.installation import Installation

_INDEX = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is to be seen, and how that is known.

    Attributes:
        subject: what it is about: `"sni other-certificate"`, `"variable SSL_CLIENT_SAN_DNS"`.
        value: what is to be seen; the subject's meaning says in which words (see `SUBJECTS`).
        when: the servers for which it holds; `None` for all that no earlier row is about.
        source: where it is written, or how it was found.
        seen: the servers on which it was measured; empty where it was only read.
    """

    subject: str
    value: str | int | bool
    when: Requirement | None
    source: str
    seen: tuple[str, ...] = ()


SUBJECTS: Mapping[str, str] = {
    "sni": "who answers a request whose Host is not the SNI: 'host' (the host that Host names), 'default' (the first "
    "host), or the status of the refusal",
    "dh": "bits of the DHE prime; 0 where there is no DHE, 'refused' where httpd does not start",
    "variable": "whether mod_ssl knows the SSL_* variable",
    "directive": "whether httpd serves with the directive in the way that its name says",
    "alert": "name of the fatal alert that the server sends",
    "level": "the highest of OpenSSL's security levels up to 2 at which a server still does it",
    "group": "name of the group that the server takes of a client that offers all it knows",
}
"""What the first word of a subject is about, and what the values mean."""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What to expect of one httpd; see `expectations`."""

    installation: Installation

    def fact(self, subject: str) -> Fact:
        """The row that holds for this httpd.

        Args:
            subject: as `subjects()` lists them.

        Raises:
            ValueError: for an unknown subject, with the nearest ones.
            LookupError: when no row is about this httpd, since nobody has looked.
        """
        rows = _table().get(subject)
        if rows is None:
            near = difflib.get_close_matches(subject, _table(), n=5, cutoff=0.3)
            raise ValueError(f"no expectations about {subject!r}: the nearest are: {', '.join(near)}")
        for row in rows:
            if row.when is None or not unmet(row.when, self.installation):
                return row
        raise LookupError(f"{subject!r}: nothing is known about {self.installation.id}")

    def value(self, subject: str) -> str | int | bool:
        """The value of the row that holds; arguments and errors as for `fact`."""
        return self.fact(subject).value

    def variable(self, name: str) -> Fact | None:
        """What is known about a variable's being there; `None` where every httpd 2.4 knows it, or nothing is known.

        Args:
            name: as a request sees it: `"SSL_CLIENT_SAN_DNS_0"`, `"SSL_CLIENT_S_DN_SerialNumber"`.
        """
        subject = f"variable {_INDEX.sub('', name)}"
        return self.fact(subject) if subject in _table() else None


def expectations(installation: Installation) -> Expectations:
    """What to expect of an httpd, as far as it depends on versions."""
    return Expectations(installation)


def subjects() -> tuple[str, ...]:
    """Every subject that there are rows about."""
    return tuple(_table())


def rows(subject: str) -> tuple[Fact, ...]:
    """Every row about a subject, in their order."""
    return _table()[subject]


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[Fact, ...]]:
    text = Path(__file__).with_name("expectations.json").read_text(encoding="utf-8")
    return {
        subject: tuple(
            Fact(
                subject=subject,
                value=row["value"],
                when=requirement(**row["when"]) if "when" in row else None,
                source=row["source"],
                seen=tuple(row.get("seen", ())),
            )
            for row in found
        )
        for subject, found in json.loads(text).items()
    }
