"""What httpd itself makes of a configuration file, asked without starting a server (`httpd -t`, 10-25 ms).

httpd is the only true parser of its language, and it evaluates what it reads: includes are expanded, variables
replaced, false conditions gone. Whoever asks names a file where the httpd is, and what its reading depends on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.httpd.problems import ConfigProblem, parse_config_error, resolve_macro
from pytest_modssl.httpd.syntax import split_arguments

if TYPE_CHECKING:
    import os
    import subprocess
    from collections.abc import Mapping, Sequence

    from pytest_modssl.httpd.installation import Installation

_TIMEOUT = 10.0
_NAMED = re.compile(r"(?P<address>\S+)\s+is a NameVirtualHost")
_DEFAULT = re.compile(r"\s+default server (?P<name>\S*) \((?P<file>.*):(?P<line>\d{1,9})\)")
_HOST = re.compile(r"(?:\s+port \S+ namevhost|(?P<address>\S+)\s) *(?P<name>\S*) \((?P<file>.*):(?P<line>\d{1,9})\)")
_ALIAS = re.compile(r"\s+(?:wild )?alias (?P<name>\S+)")
_MUTEX = re.compile(r'Mutex (?P<name>\S+): dir="(?P<folder>.*?)" mechanism=(?P<mechanism>\S+)')
_USING_DEFAULTS = re.compile(r"Mutex (?P<name>\S+): using_defaults")
_IN_FILE = re.compile(r"\s*# In file: (.*)")
_LINE = re.compile(r"\s*#\s*(\d{1,9}):")
_TEXT = re.compile(r"(?P<indent> *)(?P<section><?)(?P<name>[^\s<>/]+)(?P<arguments>.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpedHost:
    """A virtual host as `DUMP_VHOSTS` lists it, once for each of its addresses.

    Attributes:
        address: "*:443", "127.0.0.1:80", "[::1]:80".
        name: ServerName, or the name that httpd took in its place.
        aliases: ServerAlias names; httpd lists them only where several hosts share an address.
        file: where `<VirtualHost>` stands.
        line: counted from 1.
        default: whether it answers for unknown names at this address.
    """

    address: str
    name: str
    aliases: tuple[str, ...] = ()
    file: str
    line: int
    default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpedDirective:
    """A directive that is in effect, as `DUMP_CONFIG` prints it.

    Attributes:
        name: as written, without `<` for a section.
        arguments: text after the name, quoting kept, continuations joined, variables replaced.
        file: where it stands.
        line: counted from 1; of a continued directive the last line.
        via: who used the macro it stands in, or "".
        sections: the sections around it, outermost first.
        is_section: whether it opens a section.
    """

    name: str
    arguments: str
    file: str
    line: int
    via: str = ""
    sections: tuple[DumpedDirective, ...] = ()
    is_section: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The arguments one by one, quotes taken off."""
        return split_arguments(self.arguments)

    def __str__(self) -> str:
        text = (
            f"<{self.name}{self.arguments and ' '}{self.arguments}>"
            if self.is_section
            else f"{self.name} {self.arguments}"
        )
        return f"{self.file}:{self.line}: {text}"


@dataclass(frozen=True, slots=True)
class DumpedMutex:
    """A mutex that a loaded module may use, as `DUMP_RUN_CFG` lists it.

    Attributes:
        name: "ssl-cache".
        folder: where the file of a mechanism that has one is.
        mechanism: "flock", "pthread", or "default" for the platform's.
    """

    name: str
    folder: str
    mechanism: str


@dataclass(frozen=True, slots=True)
class SyntaxCheck:
    """The answer of `httpd -t`.

    Attributes:
        ok: whether httpd accepts the file. It reads certificates and keys only when it starts.
        problem: the reason where it does not, as far as it could be told.
        output: all that httpd printed, warnings too.
    """

    ok: bool
    problem: ConfigProblem | None
    output: str


def check_syntax(
    installation: Installation,
    file: str | os.PathLike[str],
    *,
    server_root: str | None = None,
    defines: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> SyntaxCheck:
    """What `httpd -t -f FILE` says.

    Args:
        installation: the httpd to ask.
        file: absolute path of the configuration, where that httpd is.
        server_root: what relative paths are relative to; None leaves it to the file.
        defines: names for `<IfDefine>` (`-D`).
        env: variables that the file uses as `${NAME}` beyond its own `Define`s (Debian's envvars).
    """
    answer = _ask(installation, file, (), server_root=server_root, defines=defines, env=env)
    output = answer.stdout + answer.stderr
    ok = answer.returncode == 0
    return SyntaxCheck(ok, None if ok else parse_config_error(answer.stderr), output)


def virtual_hosts(
    installation: Installation,
    file: str | os.PathLike[str],
    *,
    server_root: str | None = None,
    defines: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> tuple[DumpedHost, ...]:
    """The virtual hosts of a configuration (`-D DUMP_VHOSTS`), in the order in which httpd lists them.

    Args are those of `check_syntax`.

    Raises:
        StartError: when httpd refuses the configuration.
    """
    what = ("-D", "DUMP_VHOSTS")
    dump = _accepted(installation, file, what, server_root=server_root, defines=defines, env=env)
    hosts: list[DumpedHost] = []
    address = ""
    defaults: set[tuple[str, str]] = set()
    for line in dump.splitlines():
        if (match := _NAMED.fullmatch(line)) is not None:
            address = match["address"]
        elif (match := _DEFAULT.fullmatch(line)) is not None:
            defaults.add((address, f"{match['file']}:{match['line']}"))
        elif (match := _HOST.fullmatch(line)) is not None:
            alone = match["address"] is not None
            address = match["address"] or address
            default = alone or (address, f"{match['file']}:{match['line']}") in defaults
            path, number, _ = resolve_macro(match["file"], int(match["line"]))
            hosts.append(DumpedHost(address=address, name=match["name"], file=path, line=number, default=default))
        elif hosts and (match := _ALIAS.fullmatch(line)) is not None:
            hosts[-1] = replace(hosts[-1], aliases=(*hosts[-1].aliases, match["name"]))
    return tuple(hosts)


def mutexes(
    installation: Installation,
    file: str | os.PathLike[str],
    *,
    server_root: str | None = None,
    defines: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> tuple[DumpedMutex, ...]:
    """The mutexes of a configuration (`-D DUMP_RUN_CFG`), by name; those that use the defaults with these.

    Args are those of `check_syntax`.

    Raises:
        StartError: when httpd refuses the configuration.
    """
    what = ("-D", "DUMP_RUN_CFG")
    lines = _accepted(installation, file, what, server_root=server_root, defines=defines, env=env).splitlines()
    told = {match["name"]: DumpedMutex(**match.groupdict()) for match in map(_MUTEX.match, lines) if match}
    default = told.pop("default", None)
    if default is not None:
        names = [match["name"] for match in map(_USING_DEFAULTS.match, lines) if match]
        told |= {name: replace(default, name=name) for name in names}
    return tuple(told[name] for name in sorted(told))


def effective_config(
    installation: Installation,
    file: str | os.PathLike[str],
    *,
    server_root: str | None = None,
    defines: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> tuple[DumpedDirective, ...]:
    """Every directive that is in effect (`-D DUMP_CONFIG`), in order, each with the file and line it stands on.

    `ServerRoot`, `LoadModule`, `Define` and the conditions are not among them: httpd has done what they say (measured
    on httpd 2.4.71). mod_info, which prints this, is loaded for the purpose where the file does not load it.

    Args are those of `check_syntax`.

    Raises:
        MissingModuleError: when the httpd has no mod_info.
        StartError: when httpd refuses the configuration.
    """
    installation.require(["info"])
    what: tuple[str, ...] = ("-D", "DUMP_CONFIG")
    if "info" in installation.loadable:
        what += ("-c", f'LoadModule info_module "{installation.loadable["info"]}"')
    dump = _accepted(installation, file, what, server_root=server_root, defines=defines, env=env)
    found: list[DumpedDirective] = []
    around: list[DumpedDirective] = []
    path, number = "", 0
    # Not splitlines() nor strip(): what Unicode takes for a line's end or white space, httpd does not.
    for text in dump.split("\n"):
        if (match := _IN_FILE.fullmatch(text)) is not None:
            path = match[1]
        elif (match := _LINE.fullmatch(text)) is not None:
            number = int(match[1])
        elif (match := _TEXT.fullmatch(text)) is not None:
            # By indentation, not by closing tags: mod_info prints none for an empty section (measured on 2.4.71).
            del around[len(match["indent"]) // 2 :]
            real_path, real_number, via = resolve_macro(path, number)
            is_section = bool(match["section"])
            arguments = match["arguments"].strip(" ")
            directive = DumpedDirective(
                name=match["name"],
                arguments=arguments.removesuffix(">") if is_section else arguments,
                file=real_path,
                line=real_number,
                via=via,
                sections=tuple(around),
                is_section=is_section,
            )
            found.append(directive)
            if is_section:
                around.append(directive)
    return tuple(found)


def _ask(
    installation: Installation,
    file: str | os.PathLike[str],
    what: Sequence[str],
    *,
    server_root: str | None,
    defines: Sequence[str],
    env: Mapping[str, str] | None,
) -> subprocess.CompletedProcess[str]:
    # -t always: the dumps alone would start a server.
    argv = ["-t", "-f", str(file), *what]
    argv += ["-d", server_root] if server_root is not None else []
    for name in defines:
        argv += ["-D", name]
    return installation.ask(argv, env=env, timeout=_TIMEOUT)


def _accepted(
    installation: Installation,
    file: str | os.PathLike[str],
    what: Sequence[str],
    *,
    server_root: str | None,
    defines: Sequence[str],
    env: Mapping[str, str] | None,
) -> str:
    answer = _ask(installation, file, what, server_root=server_root, defines=defines, env=env)
    if answer.returncode != 0:
        problem = parse_config_error(answer.stderr)
        said = (
            str(problem) if problem else f"exit status {answer.returncode}: {(answer.stderr or answer.stdout).strip()}"
        )
        raise StartError(f"httpd {installation.version} refuses the configuration {file}:\n{said}")
    return answer.stdout
