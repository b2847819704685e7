r"""A configuration text split into directives as httpd splits it; no meaning is given to any of them.

The rules are those of `ap_cfg_getline`, `ap_getword_conf` and `ap_build_config` (httpd 2.4, server/util.c, config.c):

- A line ends with LF or CR LF. A backslash before that continues it, in a comment too; at the end of a file none does.
- A comment is a line whose first character, white space apart, is `#`.
- A word ends with white space; one in quotes (`"` or `'`) with its quote, or with the line where there is none.
  In it `\\` stands for one backslash and, in quotes, a backslash and the quote for the quote; all others stay.
- A section's arguments end with the last `>` of the line.

Offsets count characters of the text that was given, so that words can be replaced in place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# As C's isspace() has it: httpd takes no other character of Unicode for white space.
_SPACE = " \t\n\v\f\r"
_WORD = re.compile(
    r"""([^"' \t\n\v\f\r][^ \t\n\v\f\r]*)|"([^"\\]*(?:\\.?[^"\\]*)*)"?|'([^'\\]*(?:\\.?[^'\\]*)*)'?""", re.DOTALL
)
# By the group of _WORD: what a backslash may stand before.
_ESCAPED = {1: re.compile(r"\\(\\)"), 2: re.compile(r'\\([\\"])'), 3: re.compile(r"\\([\\'])")}
_INDENT = re.compile(f"[{_SPACE}]*")


class Word(NamedTuple):
    """One word of a text.

    Attributes:
        text: what httpd takes it for: quotes and their escapes taken off, variables as written.
        start: offset of its first character, a quote where it has one.
        end: offset behind its last one.
    """

    text: str
    start: int
    end: int


class Directive(NamedTuple):
    """One directive as a file has it.

    Attributes:
        name: as written; a section's opening or closing tag keeps its `<` or `</`.
        words: its arguments.
        line: number of its first line, counted from 1.
        last: number of its last line, where httpd's own dump says that it stands.
        start: offset of its name, or of the `<` before that.
        end: offset behind its last character, white space apart.
    """

    name: str
    words: tuple[Word, ...]
    line: int
    last: int
    start: int
    end: int

    @property
    def arguments(self) -> tuple[str, ...]:
        """Its words as httpd takes them."""
        return tuple([word.text for word in self.words])


def directives_in(text: str) -> Iterator[Directive]:
    """The directives of a configuration text; never an error, since httpd itself is the judge of syntax.

    A byte order mark is left out, though only an httpd on Windows does so.
    """
    position, number = int(text.startswith("\ufeff")), 0
    while position < len(text):
        pieces: list[tuple[int, int]] = []
        first = number + 1
        continued = True
        while continued and position < len(text):
            number += 1
            end = text.find("\n", position)
            after = end + 1
            if end < 0:
                end = after = len(text)
                continued = False
            else:
                end -= text.startswith("\r", end - 1, end) and end > position
                continued = text.startswith("\\", end - 1, end) and end > position
            pieces.append((position, end - continued))
            position = after
        if len(pieces) == 1:
            found = _directive(text, *pieces[0], first, number)
        else:
            joined, place = _joined(text, pieces)
            found = _directive(joined, 0, len(joined), first, number)
            found = found and _moved(found, place)
        if found is not None:
            yield found


def split_words(text: str, start: int = 0, end: int | None = None) -> list[Word]:
    """The words of a part of a text, which may not hold continued lines."""
    words = []
    for found in _WORD.finditer(text, start, len(text) if end is None else end):
        kind = found.lastindex or 1
        word = found[kind]
        if "\\" in word:
            word = _ESCAPED[kind].sub(r"\1", word)
        words.append(Word(word, *found.span()))
    return words


def split_arguments(text: str) -> tuple[str, ...]:
    """The words of a directive's arguments as httpd takes them."""
    return tuple([word.text for word in split_words(text)])


def _directive(text: str, start: int, end: int, first: int, last: int) -> Directive | None:
    """The directive of one line that stands from `start` to `end`, if it has one."""
    start = _INDENT.match(text, start, end).end()  # type: ignore[union-attr]
    if start == end or text[start] == "#":
        return None
    while text[end - 1] in _SPACE:
        end -= 1
    name, *words = split_words(text, start, end)
    if name.text.startswith("<"):
        closing = text.rfind(">", start, end)
        if closing >= 0:
            words = split_words(text, min(name.end, closing), closing)
    return Directive(name.text.removesuffix(">"), tuple(words), first, last, start, end)


def _joined(text: str, pieces: list[tuple[int, int]]) -> tuple[str, Callable[[int], int]]:
    """Continued lines as one, and the way from an offset of a character in it to the one in the text."""
    starts = [0]
    for start, end in pieces:
        starts.append(starts[-1] + end - start)

    def place(offset: int) -> int:
        index = bisect_right(starts, offset, hi=len(pieces)) - 1
        return pieces[index][0] + offset - starts[index]

    return "".join([text[start:end] for start, end in pieces]), place


def _moved(directive: Directive, place: Callable[[int], int]) -> Directive:
    words = [Word(word.text, place(word.start), place(word.end - 1) + 1) for word in directive.words]
    return directive._replace(words=tuple(words), start=place(directive.start), end=place(directive.end - 1) + 1)
