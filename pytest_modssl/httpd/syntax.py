"""A configuration text split into directives as httpd splits it; no meaning is given to any of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?|(\S+))""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive as a file has it.

    Attributes:
        name: as written; a section's opening or closing tag keeps its `<` or `</`.
        arguments: words, quotes taken off.
        line: number of its first line, counted from 1.
    """

    name: str
    arguments: tuple[str, ...]
    line: int


def directives_in(text: str) -> Iterator[Directive]:
    """The directives of a configuration text, split as httpd splits it: continuations joined, comments left out.

    Unbalanced quotes end with the line; nothing is refused, since httpd itself is the judge of syntax.
    """
    pending: list[str] = []
    first = 0
    for number, physical in enumerate([*text.splitlines(), ""], 1):
        first = first if pending else number
        if physical.endswith("\\"):
            pending.append(physical[:-1])
            continue
        line = "".join([*pending, physical]).strip()
        pending = []
        if not line or line.startswith("#"):
            continue
        body = line[:-1] if line.startswith("<") and line.endswith(">") else line
        name, rest = (*body.split(maxsplit=1), "")[:2]
        yield Directive(name, split_arguments(rest), first)


def split_arguments(text: str) -> tuple[str, ...]:
    """The words of a directive's arguments, quotes taken off; a quote that is not closed ends with the text."""
    return tuple(next((group for group in found.groups() if group is not None), "") for found in _WORD.finditer(text))
