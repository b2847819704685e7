"""What httpd says of a configuration that it refuses, as a place and a message."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from pytest_modssl.httpd.modules import directive_names, module_of_directive

_SYNTAX = re.compile(
    r"(?:.*?\b(?P<ah>AH\d{5,6}): |[^:\n]*: |)Syntax error on line (?P<line>\d{1,9}) of (?P<file>.*?):(?: (?P<rest>.+))?"
)
# "FILE:34: <VirtualHost> was not closed.": the line that opened it.
_OPENED = re.compile(r"(?P<file>.+?):(?P<line>\d{1,9}): (?P<rest>.+)")
_MACRO = re.compile(r"(macro '.*?') \(defined on line (\d{1,9}) of \"(.*?)\"\) (used on line \d+ of \".*)")
_NUMBERED = re.compile(r"(?:\[.*\] )?(?:\([^)]*\)[^:]*: )?(?P<ah>AH\d{5,6}): (?P<rest>.+)")
_NO_FILE = re.compile(r"[^:\n]*: (?P<rest>Could not open configuration file (?P<file>.*?): .*)")
_INVALID = re.compile(r"Invalid command '(.*?)', perhaps misspelled or defined by a module not included")
# Places that are told one inside the other: an error stops at some 20 includes (AP_MAX_INCLUDE_DEPTH).
_DEEPEST = 50
# Said of every refused configuration, or of none in particular: the reason stands in another line.
_NO_REASON = frozenset({"AH00014", "AH00016", "AH00111", "AH00558", "AH01574"})


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """Why httpd refused a configuration.

    Attributes:
        file: as httpd names it; None where it names none.
        line: counted from 1; of a directive that is continued over several lines the last one, as httpd counts.
        message: httpd's own words, without the place.
        ah: the number of the message ("AH00526"); some have none.
        via: for a line of a macro (mod_macro) who used it: "macro 'vh' used on line 27 of ...", else "".
    """

    file: str | None
    line: int | None
    message: str
    ah: str | None = None
    via: str = ""

    def __str__(self) -> str:
        place = (
            f"{self.file}:{self.line}: " if self.line is not None else f"{self.file}: " if self.file is not None else ""
        )
        number = f"{self.ah}: " if self.ah else ""
        parts = (f"{place}{number}{self.message}", self.via, self.hint or "")
        return "\n".join(part for part in parts if part)

    @property
    def hint(self) -> str | None:
        """What is behind an "Invalid command": the module that has the directive, or directives spelled alike."""
        match = _INVALID.match(self.message)
        if match is None:
            return None
        directive = match[1]
        module = module_of_directive(directive)
        if module is not None:
            return f"{directive} comes from mod_{module}, which is not loaded, or is not built into this version of it"
        spelled = {name.lower(): name for name in directive_names()}
        alike = [spelled[name] for name in difflib.get_close_matches(directive.lower(), spelled, n=3, cutoff=0.8)]
        what = f"; alike are {', '.join(alike)}" if alike else ""
        return f"none of httpd's own modules has a directive {directive}{what}"


def parse_config_error(stderr: str) -> ConfigProblem | None:
    """The problem that httpd tells on standard error when it refuses a configuration; None when it tells none.

    An error inside included files is told at the innermost place, a line inside a macro at the macro's definition.

    Args:
        stderr: of `httpd -t` or of a start that failed.
    """
    lines = stderr.splitlines()
    for number, line in enumerate(lines):
        match = _SYNTAX.fullmatch(line)
        if match is not None:
            return _syntax_problem(match, lines[number + 1] if number + 1 < len(lines) else "")
    for line in lines:
        match = _NO_FILE.fullmatch(line)
        if match is not None:
            return ConfigProblem(match["file"], None, match["rest"])
        match = _NUMBERED.fullmatch(line)
        if match is not None and match["ah"] not in _NO_REASON:
            return ConfigProblem(None, None, match["rest"], match["ah"])
    return None


def resolve_macro(file: str, line: int) -> tuple[str, int, str]:
    """File and line where a line really stands, and who used it, when httpd names a macro as its file.

    mod_macro counts lines from the one after `<Macro>` (measured on httpd 2.4.71). Other files come back as they are.
    """
    match = _MACRO.fullmatch(file)
    if match is None:
        return file, line, ""
    return match[3], int(match[2]) + line, f"{match[1]} {match[4]}"


def _syntax_problem(match: re.Match[str], following: str) -> ConfigProblem:
    ah = match["ah"]
    file, line, message = match["file"], int(match["line"]), match["rest"] or following
    for _ in range(_DEEPEST):
        inner = _SYNTAX.fullmatch(message) or _OPENED.fullmatch(message)
        if inner is None:
            break
        file, line, message = inner["file"], int(inner["line"]), inner["rest"] or following
    file, line, via = resolve_macro(file, line)
    return ConfigProblem(file, line, message, ah, via)
