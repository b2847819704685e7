"""Texts of others, made fit to be told in a line of a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def printable(text: str) -> str:
    """A line with control characters as Python writes them: a name of a file, or what a server says, may have any."""
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def cut(text: str, width: int) -> str:
    """A text of so many columns at the most, cut at its end."""
    return text if len(text) <= width else f"{text[: max(0, width - 3)]}..."


def in_columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows of equal length, the first of them titles, as lines in which each column is as wide as it has to be."""
    every = list(rows)
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for row in every:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def listed(names: Iterable[str], most: int) -> str:
    """The first few of some names, and how many there are beside them, if more than one."""
    known = list(dict.fromkeys(names))
    more = f" and {len(known) - most} more" if len(known) > most + 1 else ""
    return ", ".join(known[:most] if more else known) + more
