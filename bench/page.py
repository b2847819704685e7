"""Tables in the documents that a run has measured: each stands between two comments, and a run replaces it whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BEGIN = "<!-- {} -->"
_END = "<!-- end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table side by side with peers.

    Args:
        title: names what was measured.
        how: it was measured, and what each side does: a paragraph.
        columns: heads of the table.
        rows: its cells, the first of which is text and the others figures.
    """

    title: str
    how: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"#### {self.title}\n\n{self.how}\n\n{markdown(self.columns, self.rows)}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int = 1) -> str:
    """A table; its first `texts` columns are text, the others are figures."""
    lines = [columns, ["---"] * texts + ["---:"] * (len(columns) - texts), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def replace(page: Path, name: str, text: str) -> None:
    """Puts `text` between `<!-- name -->` and `<!-- end -->` of a page.

    Raises:
        ValueError: where the page has no such place.
    """
    before, begin, rest = page.read_text().partition(_BEGIN.format(name))
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{page} has no {_BEGIN.format(name)} with {_END} after it")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
