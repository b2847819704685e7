"""Directives as a user wrote them, which remember the user's own file and line."""

from __future__ import annotations

import ast
import functools
import linecache
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.errors import ConfigError

if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = __name__.partition(".")[0]
# The catalogue's demonstrations are written as a user writes, and explained at their own lines.
_LIKE_A_USER = f"{_PACKAGE}.faq.demos."
_RUNNERS = frozenset({"_pytest", "pluggy"})


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in a file of the user: what an editor jumps to."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Snippet:
    """Directives in httpd's own language, and where they came from.

    Two snippets with the same text are equal wherever they stand: the origin serves messages only.
    """

    text: str
    origin: Origin | None = field(default=None, compare=False)

    def locate(self, index: int) -> Origin | None:
        """Place of line `index` (counted from 0) of the text in the user's file, as exactly as it can be told.

        A continuation line belongs to the line on which its directive begins.
        """
        lines = self.text.splitlines()
        while index > 0 and index <= len(lines) and lines[index - 1].endswith("\\"):
            index -= 1
        if self.origin is None or self.origin.file.endswith(".py"):
            return self.origin and _locate_in_python(self.origin, self.text, index)
        return Origin(self.origin.file, self.origin.line + index)


def snippets(directives: str | Path, origin: Origin | None) -> tuple[Snippet, ...]:
    """What a user passed as directives, none when it is empty.

    Args:
        directives: text in httpd's language, or the path of a file that holds it.
        origin: the place of the call that brought the text; a file is its own origin.

    Raises:
        ConfigError: when the file cannot be read.
    """
    if isinstance(directives, Path):
        try:
            text = directives.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            raise ConfigError(
                f"{directives.absolute()}, given as directives, cannot be read: {error.strerror}. A relative path is "
                f"one from the current folder ({Path.cwd()}): write Path(__file__).parent / ... for one from the test"
            ) from None
        return (Snippet(text, Origin(str(directives), 1)),)
    return (Snippet(directives, origin),) if directives.strip() else ()


def caller() -> Origin | None:
    """The nearest call outside this package: where the user's own code stands; `None` where pytest itself called."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the only way to the caller that costs microseconds
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        package = module.partition(".")[0]
        if package in _RUNNERS:
            return None
        if package != _PACKAGE or module.startswith(_LIKE_A_USER):
            return Origin(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return None


def _locate_in_python(origin: Origin, text: str, index: int) -> Origin:
    """The line of the literal that is the text; else the nearest line that reads the same; else that of the call."""
    starts = _literals(origin.file).get(text, ())
    if starts:
        return Origin(origin.file, min(starts, key=lambda line: abs(line - origin.line)) + index)
    wanted = text.splitlines()[index].strip()
    alike = [number for number, line in enumerate(linecache.getlines(origin.file), 1) if wanted and wanted in line]
    return Origin(origin.file, min(alike, key=lambda line: abs(line - origin.line), default=origin.line))


@functools.lru_cache(maxsize=64)
def _literals(file: str) -> dict[str, tuple[int, ...]]:
    """Every string literal of a Python file whose lines are the file's lines, with the line that it starts on."""
    lines = linecache.getlines(file)
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, tuple[int, ...]] = {}
    for node in ast.walk(tree):
        # A literal with escapes or implicit joins does not spread over as many lines as its text: not exact.
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.end_lineno is not None
            and node.end_lineno - node.lineno == node.value.count("\n")
        ):
            found[node.value] = (*found.get(node.value, ()), node.lineno)
    return found
