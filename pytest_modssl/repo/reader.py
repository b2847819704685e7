"""A configuration as its files have it, read before httpd can: what it includes, names and loads.

httpd is the judge of a configuration, and what it makes of one is asked of httpd. It can be asked only once every file
is there that the configuration names; this reading finds those. So nothing is refused here, and of a condition
(`<IfModule>`, `<IfDefine>`, ...) both branches are read.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.httpd.syntax import Directive, Word, directives_in
from pytest_modssl.repo import bounds
from pytest_modssl.repo.deployment import Deployment, read_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_modssl.repo.found import Found

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_CONTINUED = re.compile(r"\\\r?\n")
# Nested includes that httpd allows (httpd 2.4, server/config.c: AP_MAX_INCLUDE_DEPTH); at one more it stops.
_DEEPEST = 128


class Statement(NamedTuple):
    """A directive, or a section with all that stands in it, as a file has it.

    Attributes:
        directive: its name as written, without the `<` of a section.
        args: its arguments.
        line: number of its first line, counted from 1.
        last: number of the last line of the directive, of a section's opening tag.
        start: offset of its name, or of the `<` before that, in the file's text.
        end: offset behind its last character; of a section, that of the opening tag.
        block: what stands in a section; `None` for a directive.
    """

    directive: str
    args: tuple[Word, ...]
    line: int
    last: int
    start: int
    end: int
    block: tuple[Statement, ...] | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of a configuration.

    Attributes:
        deployed: its deployment path.
        path: the file in the repository; `None` for one that the layout brings.
        text: line ends as they are, bytes that are not UTF-8 kept (`surrogateescape`).
    """

    deployed: str
    path: Path | None
    text: str = field(repr=False)

    def at(self, line: int) -> Origin:
        """A line of it, counted from 1, in the repository where it has one."""
        return Origin(str(self.path or self.deployed), line)


class Placed(NamedTuple):
    """A statement where a configuration has it, once for each time that its file is included or its macro used.

    Attributes:
        directive: its name as written, without the `<` of a section, parameters of a macro replaced.
        arguments: words as httpd takes them, variables and parameters of a macro replaced as far as they are known.
        statement: as its file has it: `statement.args` are the words with their offsets in `file.text`.
        file: where it stands.
        section: the one around it, in whatever file; `None` where it stands in none.
        via: the `Use` that brought it; `None` outside of macros.
    """

    directive: str
    arguments: tuple[str, ...]
    statement: Statement
    file: SourceFile
    section: Placed | None = None
    via: Placed | None = None

    @property
    def sections(self) -> tuple[Placed, ...]:
        """All sections around it, outermost first."""
        around = []
        section = self.section
        while section is not None:
            around.append(section)
            section = section.section
        return tuple(reversed(around))

    @property
    def origin(self) -> Origin:
        """Its file and line, in the repository where it has one."""
        return self.file.at(self.statement.line)


class Missed(NamedTuple):
    """An `Include` or `Use` that could not be followed, with the reason in words."""

    statement: Placed
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole configuration.

    Attributes:
        statements: all of them, in httpd's order; `Include`, `Use` and conditions are among them, `<Macro>` is not.
        files: each once, in the order in which they are read first.
        missed: what could not be followed.
        stopped: where there was too much to read on (`bounds`), which is among `missed`; `None` for all others.
        server_root: the last `ServerRoot`, the layout's where there is none.
        defined: what `Define` gave, by name.
    """

    statements: tuple[Placed, ...]
    files: tuple[SourceFile, ...]
    missed: tuple[Missed, ...]
    stopped: Missed | None
    server_root: str
    defined: Mapping[str, str]


def parse(text: str) -> tuple[Statement, ...]:
    """The statements of one text; never an error.

    A closing tag closes what was opened since its opening one too, and is left out where there is no such one.
    """
    blocks: list[list[Statement]] = [[]]
    opened: list[Directive] = []
    # How often each name is open: a search for each of a million stray closing tags would not end.
    names: Counter[str] = Counter()

    def close() -> str:
        section, block = opened.pop(), blocks.pop()
        blocks[-1].append(Statement(section.name[1:], *section[1:], tuple(block)))
        name = section.name[1:].lower()
        names[name] -= 1
        return name

    for directive in directives_in(text):
        name = directive.name
        if not name.startswith("<"):
            blocks[-1].append(Statement(*directive))
        elif not name.startswith("</"):
            opened.append(directive)
            blocks.append([])
            names[name[1:].lower()] += 1
        elif names[wanted := name[2:].lower()] > 0:
            while close() != wanted:
                pass
    while opened:
        close()
    return tuple(blocks[0])


def read_configuration(found: Found) -> Reading:
    """A whole configuration of a repository: its main file or fragments, and all that they include.

    Args:
        found: what is read. `defines` and `variables` count for `${NAME}`; `trees` and the layout say which file of
            the repository stands where.

    Raises:
        OSError: when the main file or a fragment cannot be read.
    """
    deployment = Deployment(found)
    reader = _Reader(deployment)
    base = [SourceFile(found.layout.main, None, found.layout.base)] if found.main is None else []
    own = [path for path in (found.main, *found.fragments) if path is not None]
    reader.run([*base, *(SourceFile(deployment.of(path), path, read_text(path)) for path in own)])
    return Reading(
        tuple(reader.statements),
        tuple(file for file, _ in reader.files.values()),
        tuple(reader.missed),
        reader.stopped,
        reader.server_root,
        reader.defined,
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """Statements that are yet to be read, and where they stand."""

    rest: Iterator[Statement]
    file: SourceFile
    section: Placed | None = None
    via: Placed | None = None
    # Names of the macros that are being used: httpd refuses one that uses itself.
    using: frozenset[str] = frozenset()
    # Replaced in the text one after the other, those of an outer macro first.
    parameters: tuple[Mapping[str, str], ...] = ()
    depth: int = 0
    nesting: int = 0
    # Whether this is the branch of an <IfDefine> that httpd leaves out.
    unlikely: bool = False


@dataclass(frozen=True, slots=True)
class _Macro:
    parameters: tuple[str, ...]
    frame: _Frame
    block: tuple[Statement, ...]


class _Reader:
    """Reads statements in httpd's order and does what those do that httpd obeys while it reads."""

    def __init__(self, deployment: Deployment) -> None:
        found = deployment.found
        self.deployment = deployment
        self.server_root = found.layout.server_root
        self.defined = {name: value for name, _, value in (one.partition("=") for one in found.defines)}
        self.variables = {**found.layout.variables, **found.variables}
        self.statements: list[Placed] = []
        self.files: dict[str, tuple[SourceFile, tuple[Statement, ...]]] = {}
        self.missed: list[Missed] = []
        self.stopped: Missed | None = None
        self._included: dict[str, tuple[list[SourceFile], list[str]]] = {}
        self._most_files = bounds.MOST_FILES
        self._most_listens = bounds.MOST_LISTENS
        self._most_replaced = bounds.MOST_REPLACED
        self._macros: dict[str, _Macro] = {}
        self._frames: list[_Frame] = []
        self._obeyed = {
            "define": self._define,
            "undefine": self._undefine,
            "include": self._include,
            "includeoptional": self._include,
            "use": self._use,
        }

    def run(self, starts: list[SourceFile]) -> None:
        """Read these files one after the other, with all that they include."""
        self._frames += [_Frame(self._parsed(file), file) for file in reversed(starts)]
        while self._frames:
            frame = self._frames[-1]
            statement = next(frame.rest, None)
            if statement is None:
                self._frames.pop()
            elif statement.block is not None and statement.directive.lower() == "macro":
                self._define_macro(statement, frame)
            else:
                self._place(statement, frame)

    def _parsed(self, file: SourceFile) -> Iterator[Statement]:
        if file.deployed not in self.files:
            self.files[file.deployed] = (file, parse(file.text))
        yield from self.files[file.deployed][1]

    def _place(self, statement: Statement, frame: _Frame) -> None:
        name, arguments = self._words(statement, frame)
        placed = Placed(name, arguments, statement, frame.file, frame.section, frame.via)
        self.statements.append(placed)
        if len(self.statements) > bounds.MOST_STATEMENTS:
            self._give_up(placed, f"more than {bounds.MOST_STATEMENTS} statements, includes and macros among them")
        elif self._most_replaced < 0:
            self._give_up(placed, "variables or parameters of macros make this line, or all such lines, too long")
        elif statement.block is not None:
            unlikely = frame.unlikely or (name.lower() == "ifdefine" and not self._holds(arguments))
            if frame.nesting == bounds.DEEPEST_SECTION:
                self._give_up(placed, f"sections nested deeper than {bounds.DEEPEST_SECTION}")
                return
            self._frames.append(
                replace(frame, rest=iter(statement.block), section=placed, unlikely=unlikely, nesting=frame.nesting + 1)
            )
        elif name.lower() == "listen":
            self._most_listens -= 1
            if self._most_listens < 0:
                self._give_up(placed, f"more than {bounds.MOST_LISTENS} times Listen")
        elif arguments and name.lower() == "serverroot":
            self.server_root = self.deployment.absolute(arguments[0], self.server_root)
        elif arguments and (obey := self._obeyed.get(name.lower())) is not None:
            obey(placed, frame)

    def _holds(self, arguments: tuple[str, ...]) -> bool:
        name = arguments[0] if arguments else ""
        return (name.lstrip("!") in self.defined) != name.startswith("!")

    def _words(self, statement: Statement, frame: _Frame) -> tuple[str, tuple[str, ...]]:
        """Name and arguments of a statement.

        Parameters of a macro, then variables are replaced in the text of the line before that is split, variables once
        and where they are known (measured on httpd 2.4.71).
        """
        line = frame.file.text[statement.start : statement.end]
        if "${" not in line and not frame.parameters:
            return statement.directive, tuple([word.text for word in statement.args])
        line = _CONTINUED.sub("", line)
        for parameters in frame.parameters:
            line = self._replaced(_any_of(parameters), line, partial(_given, parameters))
        line = self._replaced(_VARIABLE, line, self._value)
        directive = next(directives_in(line), None)
        return (directive.name.removeprefix("<"), directive.arguments) if directive else (statement.directive, ())

    def _value(self, variable: re.Match[str]) -> str:
        return self.defined.get(variable[1], self.variables.get(variable[1], variable[0]))

    def _replaced(self, pattern: re.Pattern[str], line: str, value: Callable[[re.Match[str]], str]) -> str:
        """A line with all that fits a pattern replaced; as it is, and the end of reading, where that is too long."""
        longer = bounds.replaced(pattern, line, value) if self._most_replaced >= 0 else None
        self._most_replaced -= bounds.MOST_REPLACED + 1 if longer is None else len(longer)
        return line if longer is None else longer

    def _define(self, placed: Placed, frame: _Frame) -> None:
        name, value = (*placed.arguments, "")[:2]
        if not frame.unlikely or name not in self.defined:
            self.defined[name] = value

    def _undefine(self, placed: Placed, frame: _Frame) -> None:
        if not frame.unlikely:
            self.defined.pop(placed.arguments[0], None)

    def _include(self, placed: Placed, frame: _Frame) -> None:
        if frame.depth == _DEEPEST:
            self._stop(placed, f"nested deeper than {_DEEPEST} includes, a file that includes itself: httpd stops here")
            return
        pattern = self.deployment.absolute(placed.arguments[0], self.server_root)
        try:
            read, lost = self._files(pattern)
        except OSError as error:
            self._give_up(placed, f"{error.filename} is {error.strerror}, so no configuration")
            return
        self._most_files -= len(read)
        if self._most_files < 0:
            self._give_up(placed, f"more than {bounds.MOST_FILES} files, each as often as it is included")
            return
        for one in lost:
            self.missed.append(Missed(placed, f"{one} is a symbolic link to what the repository does not hold"))
        if not read and not lost and placed.directive.lower() == "include":
            self.missed.append(Missed(placed, f"the repository has no {pattern}"))
        inside = replace(frame, via=None, parameters=(), depth=frame.depth + 1)
        self._frames += [replace(inside, rest=self._parsed(file), file=file) for file in reversed(read)]

    def _files(self, pattern: str) -> tuple[list[SourceFile], list[str]]:
        """The files that a pattern names, in httpd's order, and links that lead to none; no more than may be read."""
        if pattern not in self._included:
            names = (one for path in self.deployment.matches(pattern) for one in self.deployment.files_in(path))
            found = [(one, self._file(one)) for one in islice(names, bounds.MOST_FILES + 1)]
            lost = [one for one, file in found if file is None and self.deployment.is_lost_link(one)]
            self._included[pattern] = [file for _, file in found if file is not None], lost
        return self._included[pattern]

    def _file(self, deployed: str) -> SourceFile | None:
        if deployed in self.files:
            return self.files[deployed][0]
        text = self.deployment.text(deployed)
        return None if text is None else SourceFile(deployed, self.deployment.path_of(deployed), text)

    def _define_macro(self, statement: Statement, frame: _Frame) -> None:
        _, arguments = self._words(statement, frame)
        if arguments:
            self._macros[arguments[0].lower()] = _Macro(arguments[1:], frame, statement.block or ())

    def _use(self, placed: Placed, frame: _Frame) -> None:
        name, *values = placed.arguments
        macro = self._macros.get(name.lower())
        if macro is None:
            self.missed.append(Missed(placed, f"no macro {name} is defined before it"))
        elif name.lower() in frame.using:
            self.missed.append(Missed(placed, f"the macro {name} uses itself"))
        else:
            given = dict(zip(macro.parameters, values, strict=False))
            self._frames.append(
                replace(
                    frame,
                    rest=iter(macro.block),
                    file=macro.frame.file,
                    via=placed,
                    using=frame.using | {name.lower()},
                    parameters=(*macro.frame.parameters, *([given] if given else [])),
                )
            )

    def _stop(self, placed: Placed, reason: str) -> None:
        self.missed.append(Missed(placed, reason))
        self._frames.clear()

    def _give_up(self, placed: Placed, reason: str) -> None:
        self._stop(placed, reason)
        self.stopped = self.missed[-1]


def _given(parameters: Mapping[str, str], found: re.Match[str]) -> str:
    return parameters[found[0]]


def _any_of(parameters: Mapping[str, str]) -> re.Pattern[str]:
    """The parameters of a macro in a line: the leftmost comes first, the longest of several that start there."""
    names = sorted(filter(None, parameters), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)) or "(?!)")
