"""Which words of a configuration are paths, and of what: a table of httpd's directives, read by rules of its own.

Nothing here looks at a disk or asks a server. `references.json` has the table in three parts:

- `directives`: name, or name and first word (`SSLOpenSSLConfCmd DHParameters`), to arguments. An argument is a position
  (none is the first; `1` the second, `-1` the last, `*` each, `1*` each from the second on) and a kind or a form.
- `forms`: how a word says what it holds (`shmcb:/run/ssl_scache(512000)`), as patterns tried one after the other; the
  group is the path. A third part is the kind of the absolute paths that follow in a command line.
- `kinds`: what a path is, and what of it has to be there before httpd starts.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Need = Literal["file", "folder", "writable folder", "either", "parent", "writable parent", "nothing"]
"""What has to be there: the file; the folder; a folder that httpd's children write into; a file or a folder; the folder
above, in which httpd makes the file, or its children do; nothing, as for patterns."""

_TABLE: Final = Path(__file__).with_name("references.json")
_POSITION: Final = re.compile(r"(?:(?P<position>-?\d+|\*|\d+\*) )?(?P<what>.+)")
# In a command line, what begins like an absolute path, also behind the = of an option.
_ARGUMENT: Final = re.compile(r"(?<=[\s='\"])((?:/|[A-Za-z]:[/\\]|\$\{\w+\}[/\\])[^\s'\"|;&<>]+)")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a path is.

    Attributes:
        name: "certificate", "log file", ...; "maybe" is a word that looks like an absolute path and need not be one
            (the substitution of a RewriteRule, a Define, an argument of a macro).
        needs: what has to be there before httpd starts.
        base: the directive from whose folder a relative path counts: "ServerRoot" or "DefaultRuntimeDir".
    """

    name: str
    needs: Need
    base: str = "ServerRoot"


@dataclass(frozen=True, slots=True)
class PathWord:
    """A path in the arguments of a directive.

    Attributes:
        index: of the word, counted from 0.
        start: where in the word the path begins.
        end: where it ends: `words[index][start:end]` is the path as written, variables and patterns in it too.
        kind: the name of its `Kind`.
        path: the path as written.
    """

    index: int
    start: int
    end: int
    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    kind: str
    arguments: str | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    kinds: dict[str, Kind]
    # Lower-case directive, or directive and first word -> (slice of the words, rules for each).
    directives: dict[str, tuple[tuple[slice, tuple[_Rule, ...]], ...]]


def paths_in(name: str, words: Sequence[str]) -> tuple[PathWord, ...]:
    """The paths among the arguments of a directive, in order; none for a directive that names no file.

    Args:
        name: as written, in any case; a section with or without its `<`.
        words: its arguments, quotes taken off.
    """
    table = _table().directives
    low = name.lstrip("<").lower()
    arguments = (table.get(f"{low} {words[0].lower()}") if words else None) or table.get(low, ())
    found: dict[tuple[int, int], PathWord] = {}
    for positions, rules in arguments:
        for index in range(*positions.indices(len(words))):
            for one in _paths_in_word(index, words[index], rules):
                found.setdefault((one.index, one.start), one)
    return tuple(found[key] for key in sorted(found))


def kind(name: str) -> Kind:
    """The kind of that name, as `PathWord.kind` has it."""
    return _table().kinds[name]


def kinds() -> tuple[Kind, ...]:
    """Every kind of path that a directive may have."""
    return tuple(_table().kinds.values())


def directive_names() -> tuple[str, ...]:
    """The directives that name files, lower-case; some with the first word that makes them do so."""
    return tuple(_table().directives)


def _paths_in_word(index: int, word: str, rules: tuple[_Rule, ...]) -> Iterator[PathWord]:
    for rule in rules:
        matches = list(rule.pattern.finditer(word))
        for match in matches:
            yield PathWord(index, match.start(1), match.end(1), rule.kind, match[1])
        if matches and rule.arguments is not None:
            for match in _ARGUMENT.finditer(word, matches[-1].end(1)):
                yield PathWord(index, match.start(1), match.end(1), rule.arguments, match[1])
        if matches:
            return


@functools.cache
def _table() -> _Table:
    data = json.loads(_TABLE.read_text(encoding="utf-8"))
    kinds = {
        name: Kind(name, cast("Need", row["needs"]), row.get("base", "ServerRoot"))
        for name, row in data["kinds"].items()
    }
    whole = re.compile(r"(.+)", re.DOTALL)
    forms: dict[str, tuple[_Rule, ...]] = {name: (_Rule(whole, name),) for name in kinds}
    forms |= {name: tuple(_Rule(re.compile(one), *rest) for one, *rest in rows) for name, rows in data["forms"].items()}
    directives = {
        name.lower(): tuple(_argument(text, forms) for text in arguments.split(", "))
        for name, arguments in data["directives"].items()
    }
    return _Table(kinds, directives)


def _argument(text: str, forms: dict[str, tuple[_Rule, ...]]) -> tuple[slice, tuple[_Rule, ...]]:
    match = _POSITION.fullmatch(text)
    position = (match and match["position"]) or "0"
    what = match["what"] if match else text
    if position.endswith("*"):
        return slice(int(position[:-1] or 0), None), forms[what]
    first = int(position)
    return slice(first, first + 1 or None), forms[what]
