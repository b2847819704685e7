"""Which programs a configuration has run on the machine of its httpd, and what of it leads out of the copy that runs.

Both are told by what httpd itself says is in effect: variables are replaced, false conditions gone. What was made for a
run is ours and counts for nothing.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.repo.references import paths_in
from pytest_modssl.repo.rewrite import EVERYWHERE
from pytest_modssl.repo.secluded import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.syntax import Word

# Kinds of paths (`references`) that are run, at the start or when a client asks.
_RUN: Final = frozenset(
    {"map program", "pass phrase program", "entropy program", "passphrase program", "program", "Lua script"}
)
_SCRIPTS: Final = frozenset({"script target", "script template", "script root template"})
# Modules that are no part of httpd, and run what is theirs within it or as a process (their manuals).
_INTERPRETER: Final = re.compile(r"(?:wsgi|perl|python|passenger|fcgid|ruby)", re.IGNORECASE)
_INTERPRETED: Final = re.compile(r"(?:application/x-httpd-php.*|php-script|proxy:.*php.*|perl-script)", re.IGNORECASE)
# Manual, Options: `All` has both.
_RUNNING_OPTIONS: Final = {"execcgi": "ExecCGI", "includes": "Includes"}
_SSI_PROGRAM: Final = re.compile(rb"<!--#\s*exec\b", re.IGNORECASE)
_PIPED: Final = frozenset({"customlog", "transferlog", "globallog", "forensiclog", "errorlog"})
_EXECUTABLE: Final = 0o111
# What is a condition or a pattern leads nowhere by itself; a module is this httpd's own.
_NO_FILES: Final = frozenset({"maybe", "module", "file asked for", "directory section", "path pattern"})


@dataclass(frozen=True, slots=True)
class Named:
    """A directive that names a program.

    Attributes:
        file: deployment path of the file that it stands in.
        line: counted from 1.
        text: the directive.
        directive: as httpd tells it; `None` for one of an .htaccess file, which it reads when a client asks.
    """

    file: str
    line: int
    text: str
    directive: DumpedDirective | None = None


def programs_in(
    directives: Sequence[DumpedDirective], content: Mapping[str, tuple[bytes, int]], made: Collection[str]
) -> tuple[Named, ...]:
    """The directives that have a program run which is not ours, each once, in order.

    Args:
        directives: those in effect, with deployment paths.
        content: files of the repository, with permission bits, by deployment path.
        made: deployment paths of what was made for the run.
    """
    files = _Files(content, made)
    found = [
        Named(one.file, one.line, f"{one.name} {one.arguments}", one)
        for one in directives
        if files.are_run_by(one.name, one.words)
    ]
    called = {word for one in directives if one.name.lower() == "accessfilename" for word in one.words} or {".htaccess"}
    if any(one.name.lower() == "allowoverride" and [*map(str.lower, one.words)] != ["none"] for one in directives):
        for path in content:
            if posixpath.basename(path) in called:
                text = content[path][0].decode("utf-8", "surrogateescape")
                found += [
                    Named(path, one.line, text[one.start : one.end])
                    for one in directives_in(text)
                    if files.are_run_by(one.name, one.arguments)
                ]
    return tuple(dict.fromkeys(found))


class _Files:
    """What a repository holds that could be run."""

    def __init__(self, content: Mapping[str, tuple[bytes, int]], made: Collection[str]) -> None:
        self._content = content
        self._made = made
        self._there = {
            "ExecCGI": any(mode & _EXECUTABLE for _, mode in content.values()),
            "Includes": any(_SSI_PROGRAM.search(data) for data, _ in content.values()),
        }

    def are_run_by(self, name: str, words: Sequence[str]) -> bool:
        """Whether a directive has one of them run, or a program of the machine."""
        low = name.lower()
        if _INTERPRETER.match(low):
            return True
        if low == "options":
            return any(self._there[one] for one in _running_options(words))
        if low in {"sethandler", "addhandler"} and words:
            return _INTERPRETED.fullmatch(words[0]) is not None
        for path in paths_in(name, words):
            if path.kind in _RUN and (path.path not in self._made or path.path.startswith(EVERYWHERE)):
                return True
            if path.kind in _SCRIPTS and any(self._below(path.path)):
                return True
        return False

    def _below(self, path: str) -> Iterator[bool]:
        # Of a pattern, the folder before what differs.
        fixed = re.split(r"[$%]", path, maxsplit=1)[0].rstrip("/")
        return (one == fixed or one.startswith(f"{fixed}/") for one in self._content)


def _running_options(words: Sequence[str]) -> Iterable[str]:
    given = {word.lower().removeprefix("+") for word in words}
    return (
        _RUNNING_OPTIONS.values() if "all" in given else [_RUNNING_OPTIONS[one] for one in given & {*_RUNNING_OPTIONS}]
    )


def hides(name: str, words: Sequence[Word]) -> bool:
    """Whether httpd may take a statement otherwise when it runs than when it is asked.

    Its name is a variable, or a condition asks for what only one of the two has: `FOREGROUND`, `DUMP_CONFIG`.

    Args:
        name: as written.
        words: its arguments, as written.
    """
    asked = words[0].text.lstrip("!") if name.lower() == "ifdefine" and words else ""
    return "$" in name or "$" in asked or asked.startswith(("DUMP_", "FOREGROUND"))


def escapes_in(
    directives: Iterable[DumpedDirective], folder: str, others: Sequence[str]
) -> Iterator[tuple[str, int, str]]:
    """File, line and text of what is in effect though it was to be left out, or to lead into the copy.

    It comes of a variable that is worth something else for httpd than the reading took it for.

    Args:
        directives: those in effect, as they are there.
        folder: the server's, in which all of its configuration is.
        others: folders that it may name besides.
    """
    for one in directives:
        words, low = one.words, one.name.lower()
        outside = [
            path.path
            for path in paths_in(one.name, words)
            if path.kind not in _NO_FILES
            and path.path.startswith("/")
            and not posixpath.normpath(path.path).startswith((folder, *others))
        ]
        piped = low in _PIPED and words[:1] and words[0].startswith("|")
        if outside or piped or low in LEFT_OUT or not one.file.startswith(folder):
            yield one.file, one.line, f"{one.name} {one.arguments}"
