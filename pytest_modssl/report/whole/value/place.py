"""Where something stands in the files of the user."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a file of the user.

    Attributes:
        file: relative to the folder that the run is of (`Report.root`) where it is below it, else absolute.
        line: counted from 1.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Some lines of a file of the user.

    Attributes:
        place: the line that they are around.
        first: number of the first of them.
        lines: their text.
    """

    place: Line
    first: int
    lines: tuple[str, ...]
