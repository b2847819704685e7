"""Failures and warnings as GitHub Actions show them: at the lines to blame, and in the summary of the job.

Commands to the runner are lines `::error file=F,line=N,title=T::MESSAGE`; in data `%`, CR and LF are escaped, in
properties `:` and `,` too ("Workflow commands for GitHub Actions"; `escapeData` and `escapeProperty` of
actions/toolkit, packages/core/src/command.ts). Of a step GitHub shows ten errors and ten warnings.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pytest_modssl.report.terminal.summary import HOST_COLUMNS, configurations, counted, host_rows
from pytest_modssl.report.whole.sarif import places_of, told
from pytest_modssl.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_modssl.matrix.results import Results
    from pytest_modssl.report.terminal.figures import Figures
    from pytest_modssl.report.whole.value.failure import Failure
    from pytest_modssl.report.whole.value.place import Line

MOST: Final = 10
"""Annotations of a level that GitHub shows of a step."""

Level = Literal["error", "warning"]

# What cannot be seen on a page is left out by GitHub, or worse: a terminal's colours, other controls.
_CONTROLS: Final = re.compile(r"\x1b\[[0-9;]*m|[^\S\r\n ]|[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_TITLE: Final = 80
_TEXT: Final = 2_000
_SHORT: Final = 600
_ROWS: Final = 200
_RANKS: Final = {"certain": 0, "likely": 1, "possible": 2, "": 3}


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is told at one line.

    Attributes:
        level: "error" or "warning".
        file: relative to the folder that GitHub knows; empty where there is no line to blame.
        line: counted from 1.
        title: in a few words.
        message: all of it, in lines.
        certainty: of its diagnosis; empty without one.
        tests: that say so.
    """

    level: Level
    file: str
    line: int
    title: str
    message: str
    certainty: str = ""
    tests: tuple[str, ...] = field(default=())

    def pack(self) -> list[Any]:
        """Lists, texts and numbers."""
        return [self.level, self.file, self.line, self.title, self.message, self.certainty, list(self.tests)]

    @classmethod
    def unpack(cls, packed: Sequence[Any]) -> Annotation:
        """What was packed."""
        level, file, line, title, message, certainty, tests = packed
        return cls(level, file, line, title, message, certainty, tuple(tests))

    @property
    def command(self) -> str:
        """The line that tells it to GitHub's runner."""
        where = {"file": self.file, "line": str(self.line)} if self.file else {}
        properties = {**where, "title": self.title}
        named = ",".join(f"{name}={_property(_shown(text))}" for name, text in properties.items())
        return f"::{self.level} {named}::{_data(_shown(self.message))}"


def of_failure(test: str, failure: Failure, place: Line | None, *, root: Path, workspace: str) -> list[Annotation]:
    """An annotation for each diagnosis of a failure, or one for a failure without.

    Args:
        test: its node id.
        failure: what is known of it.
        place: of the test.
        root: folder that relative paths are of.
        workspace: folder that GitHub's paths are of (`GITHUB_WORKSPACE`); empty where it does not say.
    """
    found = []
    for problem in failure.problems or (None,):
        places = places_of(failure, problem, place)
        at = places[0] if places else None
        found.append(
            Annotation(
                level="error",
                file="" if at is None else _relative(root / at.file, workspace),
                line=0 if at is None else at.line,
                title=failure.headline if problem is None else problem.question,
                message=told(test, failure, problem),
                certainty="" if problem is None else problem.certainty,
                tests=(test,),
            )
        )
    return found


def of_warning(text: str, file: str, line: int, *, workspace: str) -> Annotation:
    """An annotation for a warning, at the line that it is about; see `of_failure`."""
    return Annotation("warning", _relative(Path(file), workspace), line, cut(text.partition("\n")[0], _TITLE), text)


def together(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Those that say the same of the same line as one, the most useful first: sure ones, then those of many tests."""
    found: dict[object, Annotation] = {}
    for one in annotations:
        # Without a diagnosis a line is told once, whatever the test found there.
        key = one.level, one.file, one.line, one.title if one.certainty or not one.file else ""
        known = found.get(key)
        if known is None:
            found[key] = one
            continue
        tests = tuple(dict.fromkeys((*known.tests, *one.tests)))
        further = one.title != known.title and one.message not in known.message and len(known.message) < _TEXT
        message = f"{known.message}\n\n{one.message}" if further else known.message
        found[key] = replace(known, tests=tests, message=message)
    return sorted(found.values(), key=lambda one: (not one.file, _RANKS.get(one.certainty, 3), -len(one.tests)))


def commands(annotations: Sequence[Annotation]) -> Iterator[str]:
    """Lines for the runner, as many of each level as GitHub shows, then a word about the others."""
    for level in ("error", "warning"):
        some = [one for one in annotations if one.level == level]
        for one in some[:MOST]:
            others = len(one.tests) - 1
            more = f"\n{others} more {'test says' if others == 1 else 'tests say'} so" if others > 0 else ""
            yield replace(one, message=f"{one.message[:_TEXT]}{more}").command
        if len(some) > MOST:
            yield f"modssl: {len(some) - MOST} more of level {level} are in the summary of the job"


def no_commands(text: str) -> str:
    """The same, in which the runner finds no command.

    It takes for one a line that begins with two colons, whatever white space is before, and the older `##[...]`
    anywhere (actions/runner, ActionCommand.cs).
    """
    return re.sub(r"(?<!\S)::", "|::", text.replace("##[", "## ["))


def job_summary(annotations: Sequence[Annotation], figures: Figures, results: Results) -> str:
    """Markdown: targets, virtual hosts, what is wrong; bounded, as GitHub takes 1 MiB of a step."""
    lines = ["## pytest-modssl", ""]
    lines += _table(
        ("target", "servers started", "tests"),
        [
            (
                target,
                str(sum(len(one.starts) for (where, _), one in figures.servers.items() if where == target)),
                counted(one for one in results if one.place.target == target) or "none",
            )
            for target in results.targets
        ],
    )
    for name in configurations(figures):
        rows = [one.cells for one in host_rows(name, figures, results)]
        lines += ["", f"### {_cell(f'{name[0]} on {name[1]}')}", "", *_table(HOST_COLUMNS, rows)]
    if annotations:
        lines += ["", "### What is wrong", ""]
        lines += _table(
            ("where", "what", "tests"),
            [
                (
                    f"{one.file}:{one.line}" if one.file else "",
                    cut(one.message, _SHORT),
                    str(len(one.tests)),
                )
                for one in annotations
            ],
        )
    return "\n".join([*lines, ""])


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{' --- |' * len(columns)}"
    yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows[:_ROWS])
    if len(rows) > _ROWS:
        yield f"\n{len(rows) - _ROWS} more are not shown."


def _cell(text: str) -> str:
    """A text in which neither Markdown nor HTML means anything, in one line."""
    plain = html.escape(_shown(text), quote=False).replace("\n", "\0")
    return re.sub(r"[\\`*_{}\[\]#|~:@]", lambda one: f"&#{ord(one[0])};", plain).replace("\0", "<br>")


def _shown(text: str) -> str:
    return _CONTROLS.sub(" ", text.replace("\r\n", "\n"))


def _relative(file: Path, workspace: str) -> str:
    return file.relative_to(workspace).as_posix() if workspace and file.is_relative_to(workspace) else str(file)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
