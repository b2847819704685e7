"""A file of a repository as it runs in one place: the same lines, with words replaced that mean another machine.

Every line stays the line it is, so that what httpd says of a line is said of the user's. A directive that this run
cannot have is left out, its lines staying empty.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.repo.foreign import is_foreign_login
from pytest_modssl.repo.made import Substitution
from pytest_modssl.repo.proxied import backend_urls, redirected
from pytest_modssl.repo.references import paths_in
from pytest_modssl.repo.secluded import LEFT_OUT, secluded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pytest_modssl.backends import BackendAddress
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Place
    from pytest_modssl.repo.listening import Ports
    from pytest_modssl.repo.proxied import ProxiedWord
    from pytest_modssl.repo.reader import Placed, SourceFile, Statement
    from pytest_modssl.repo.references import PathWord

# What is said of a run is read from logs of ours, in the form that they have by default (manual, ErrorLogFormat).
_OURS = frozenset({"errorlog", "errorlogformat", "loglevel"})
# Each would ask the name servers about clients (manual, HostnameLookups).
_ASKING = frozenset({"hostnamelookups", "identitycheck"})
_PIPED = frozenset({"customlog", "transferlog", "globallog", "forensiclog"})
EVERYWHERE = ("/dev/", "/proc/", "/bin/", "/usr/bin/")
"""Folders of the machine itself, the same everywhere."""

# Of what the kernel shows, what processes write to is meant; the rest tells of this machine, environments among it.
_PROCESSES = "/proc/"
_WRITTEN = frozenset({"log file", "log argument"})

_EVERYTHING = ("/",)
# A module is named by its identifier; what a variable is worth is moved where a path is made of it.
_UNMOVED = frozenset({"module"})
_ON_WINDOWS = re.compile(r"[A-Za-z]:[/\\]")
_SUBSTITUTING = frozenset({"rewriterule", "rewritecond"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What words of a configuration are replaced by.

    Attributes:
        installation: the httpd that runs it.
        place: where it runs.
        ports: the ports of its server.
        sockets: where a stand-in listens for a back end.
        loaded: names of modules that our own main file loads.
        folders: deployment paths of document roots and `<Directory>`s: what mod_rewrite puts below one is a file.
        server_root: from which relative paths count, as a deployment path.
        refused: names of directives, in small letters, that this httpd does not know and whose module it has not; with
            the first word where it is that which it does not know ("require shibboleth").
        others: whether modules beside httpd's own are loaded.
    """

    installation: Installation
    place: Place
    ports: Ports
    sockets: Mapping[BackendAddress, str] = field(default_factory=dict)
    loaded: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()
    server_root: str = "/"
    refused: frozenset[str] = frozenset()
    others: bool = False

    @property
    def moved(self) -> bool:
        """Whether a port of the server is another than that of the configuration."""
        return any(port != actual for port, actual in self.place.ports.items())


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file's text for one place, and what differs in it from the user's."""

    text: str
    substitutions: tuple[Substitution, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    start: int
    end: int
    text: str
    told: Substitution | None = None

    def holds(self, other: _Change) -> bool:
        return self.start <= other.start and other.end <= self.end


def rewrite(file: SourceFile, placed: Sequence[Placed], terms: Terms) -> Rewritten:
    """A file for one place.

    Args:
        file: the user's.
        placed: its statements, each as often as it is read.
        terms: what is replaced by what.
    """
    changes = [change for same in by_statement(placed) for change in _changes(same, terms)]
    told = tuple(dict.fromkeys(one.told for one in changes if one.told is not None))
    pieces: list[str] = []
    position = 0
    for change in sorted(changes, key=lambda one: (one.start, one.end)):
        pieces += [file.text[position : change.start], change.text]
        position = max(position, change.end)
    return Rewritten("".join([*pieces, file.text[position:]]), told)


def by_statement(placed: Iterable[Placed]) -> Iterable[list[Placed]]:
    """The statements of one file, all readings of one together."""
    uses: dict[int, list[Placed]] = {}
    for one in placed:
        uses.setdefault(one.statement.start, []).append(one)
    return uses.values()


def left_out(statement: Statement, text: str) -> str:
    """What stands for a directive that is left out: as many line ends as it has."""
    return "\n" * text.count("\n", statement.start, statement.end)


def _changes(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    first = same[0]
    name = first.directive.lower()
    if name in terms.refused:
        why = "left out, as this httpd has not the module that it comes from"
        yield _without(first, Substitution(first.directive, why, first.origin))
    elif first.arguments and (what := f"{name} {first.arguments[0].lower()}") in terms.refused:
        yield from _refused(first, what)
    elif name in _OURS or name in _ASKING:
        yield _without(first, None)
    elif name in LEFT_OUT:
        yield _without(first, Substitution(first.directive, LEFT_OUT[name], first.origin))
    elif name in _PIPED and first.arguments and first.arguments[0].startswith("|"):
        yield _without(
            first, Substitution(f"{first.directive} {first.arguments[0]}", "no program is run", first.origin)
        )
    elif name in _BY_NAME:
        yield from _BY_NAME[name](same, terms)
    else:
        words = [*_secluded(same), *_backends(same, terms)]
        yield from words
        # The socket that a back end's URL may begin with is not one of this machine.
        yield from (one for one in _paths(same, terms) if not any(other.holds(one) for other in words))


def _without(placed: Placed, told: Substitution | None) -> _Change:
    statement = placed.statement
    return _Change(statement.start, statement.end, left_out(statement, placed.file.text), told)


def _word(placed: Placed, index: int, text: str, told: Substitution | None = None) -> _Change:
    word = placed.statement.args[index]
    return _Change(word.start, word.end, text, told)


def _paths(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    """Absolute paths of the machine that the configuration is for, moved below `Place.machine`."""
    machine = terms.place.machine
    first = same[0]
    for path in paths_in(first.directive, [word.text for word in first.statement.args]):
        if path.kind in _UNMOVED or (path.kind == "maybe" and first.directive.lower() not in _SUBSTITUTING):
            continue
        meant = {found for one in same for found in _resolved(one, path.index)}
        inside = _EVERYTHING if path.kind != "maybe" else terms.folders
        if path.kind != "maybe" and meant and all(map(_ON_WINDOWS.match, meant)):
            yield _unlike_windows(first, path.index, path.start, machine)
        elif machine and len(meant) == 1 and path.kind != "maybe" and ".." in PurePosixPath(*meant).parts:
            yield _kept_inside(first, path, posixpath.normpath(posixpath.join("/", terms.server_root, *meant)), machine)
        elif machine and meant and all(one.startswith(inside) and not _is_everywhere(one, path.kind) for one in meant):
            prefix = re.escape(machine) if path.kind == "path pattern" else machine
            yield _prefixed(first, path.index, path.start, prefix)


def _is_everywhere(path: str, kind: str) -> bool:
    if kind == "include" or (path.startswith(_PROCESSES) and kind not in _WRITTEN):
        return False
    return path.startswith(EVERYWHERE)


def _kept_inside(first: Placed, path: PathWord, deployed: str, machine: str) -> _Change:
    """A path that goes upwards, and so perhaps out of the copy: as the absolute one that it is there."""
    word = first.statement.args[path.index]
    before, after = word.text[: path.start], word.text[path.end :]
    return _Change(word.start, word.end, f'"{before}{machine}{deployed}{after}"')


def _unlike_windows(first: Placed, index: int, start: int, machine: str) -> _Change:
    """A path with a drive, as one below a folder that is called like the drive."""
    word = first.statement.args[index]
    raw = first.file.text[word.start : word.end]
    quote = raw[:1] if raw[:1] in {'"', "'"} else ""
    inner = raw[len(quote) : len(raw) - len(quote)]
    path = re.sub(r"^[a-z](?=:)", lambda drive: drive[0].upper(), inner[start:].replace("\\", "/"))
    return _Change(word.start, word.end, f'"{inner[:start]}{machine}/{path}"')


def _resolved(placed: Placed, index: int) -> list[str]:
    """The path in a word, as far as variables are known."""
    found = paths_in(placed.directive, placed.arguments)
    return [placed.arguments[index][one.start : one.end] for one in found if one.index == index]


def _prefixed(placed: Placed, index: int, start: int, prefix: str) -> _Change:
    word = placed.statement.args[index]
    raw = placed.file.text[word.start : word.end]
    if raw[:1] in {'"', "'"}:
        at = word.start + 1 + start
        return _Change(at, at, prefix)
    if any(one.isspace() for one in prefix):
        return _Change(word.start, word.end, f'"{raw[:start]}{prefix}{raw[start:]}"')
    at = word.start + start
    return _Change(at, at, prefix)


def _backends(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    """URLs of back ends, each to the socket of its stand-in."""
    first = same[0]
    for found in backends_in(same):
        if found.backend is None:
            yield _Change(0, 0, "", Substitution(found.word, found.problem, first.origin))
        elif found.backend in terms.sockets:
            written = first.statement.args[found.index].text
            word = redirected(found.word, terms.sockets[found.backend], written=written)
            yield _word(first, found.index, f'"{word}"')


def _secluded(same: Sequence[Placed]) -> Iterator[_Change]:
    """Words that would lead to another machine or to a program."""
    first = same[0]
    words = {one.index: one for each in same for one in secluded(each.directive, each.arguments)}
    told = " ".join([first.directive, *(first.arguments[one] for one in words if one < len(first.arguments))])
    instead = " ".join(one.text for one in words.values())
    for index, one in words.items():
        if index < len(first.statement.args):
            yield _word(
                first, index, f'"{one.text}"', Substitution(told, f"{instead}, as no other is asked", first.origin)
            )


def backends_in(same: Sequence[Placed]) -> tuple[ProxiedWord, ...]:
    """The back ends of one statement, that is read once or, in a macro, several times.

    Where each use of a macro names another, they are one: its name has the macro's parameter in it.
    """
    first = same[0]
    found = {backend_urls(one.directive, one.arguments) for one in same}
    if len(found) == 1:
        return found.pop()
    return backend_urls(first.directive, [word.text for word in first.statement.args])


def _listen(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    """`Listen`: on the server's own address; one that comes to the same as another before it is left out."""
    first = same[0]
    mine = next((one for one in terms.ports.listens if one.placed in same), None)
    if mine is None:
        return
    number = terms.ports.of[mine.host, mine.port]
    for other in terms.ports.listens:
        if other is mine:
            break
        alike = terms.ports.of[other.host, other.port] == number
        if alike and other.address != mine.address and not any(map(_is_condition, other.placed.sections)):
            yield _without(first, None)
            return
    words = f"${{MODSSL_ADDRESS}}:${{MODSSL_PORT_{number}}}"
    protocol = terms.ports.protocol_at(number)
    changed = protocol != terms.ports.protocol(mine.port)
    if not mine.protocol and (changed or terms.moved or number != mine.port):
        words += f" {protocol}"  # httpd knows it by the port alone, which is another one here
    yield _word(first, 0, words)
    if mine.protocol and changed:
        yield _word(first, 1, protocol)


def _is_condition(placed: Placed) -> bool:
    return placed.directive.lower() in {"ifdefine", "ifmodule", "ifversion", "iffile", "ifdirective", "ifsection"}


def _virtual_host(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    """`<VirtualHost>`: at its port of the server, on all addresses.

    Where its `Listen` may say that it speaks TLS, it is on the address of that too, as it is deployed. All at that
    address have it then: httpd looks for a name among those that share the address of a connection (vhosts/details).
    """
    for index, word in enumerate(same[0].statement.args):
        meant = {one.arguments[index] for one in same if index < len(one.arguments)}
        standing = [found for address in meant for found in terms.ports.standing_for(address)]
        shared = terms.ports.implicit and any(terms.ports.is_listened_to(host, port) for host, port, _ in standing)
        moved = terms.moved or any(host != "*" or port != number for host, port, number in standing)
        if not standing or not (shared or moved):
            continue
        addresses = ("*", "${MODSSL_ADDRESS}") if shared else ("*",)
        # Where the port is a parameter of a macro, the variable is named by it.
        numbers = [word.text.rpartition(":")[2]] if len(meant) > 1 else dict.fromkeys(one[-1] for one in standing)
        yield _word(
            same[0], index, " ".join(f"{host}:${{MODSSL_PORT_{number}}}" for number in numbers for host in addresses)
        )


def _refused(first: Placed, what: str) -> Iterator[_Change]:
    """A word that a module would bring which is not there: it grants nothing, and nothing else comes of it."""
    told = f"{first.directive} {first.arguments[0]}"
    why = "as this httpd has not the module that it comes from"
    if what.startswith("require "):
        words = first.statement.args
        denied = Substitution(told, f"Require all denied, {why}", first.origin)
        yield _Change(words[0].start, words[-1].end, "all denied", denied)
    else:
        yield _without(first, Substitution(told, f"left out, {why}", first.origin))


def _login(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    """`AuthType`: nobody gets in where its module is not there, and httpd would fail with 500 (AH01796)."""
    first = same[0]
    if not terms.others and is_foreign_login(first.directive, first.arguments):
        told = f"AuthType {first.arguments[0]}"
        yield _word(first, 0, "Basic", Substitution(told, "Basic, as this httpd has not its module", first.origin))


def _account(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    first = same[0]
    identity = terms.place.identity
    if identity is None:
        yield _without(first, None)
    elif first.statement.args:
        yield _word(first, 0, identity[0] if first.directive.lower() == "user" else identity[1])


def _module(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    """`LoadModule`: from where this httpd has it; one that it has not is left out, and so is one compiled in."""
    first = same[0]
    if len(first.arguments) < 2:
        return
    name = module_named(first.arguments[0])
    if name in terms.installation.static_modules or name in terms.loaded:
        yield _without(first, None)
    elif name in terms.installation.loadable:
        yield _word(first, 1, f'"{terms.installation.loadable[name]}"')
    else:
        why = "left out, as this httpd has no such module"
        yield _without(first, Substitution(f"LoadModule {first.arguments[0]}", why, first.origin))


def _file_to_load(same: Sequence[Placed], _terms: Terms) -> Iterator[_Change]:
    first = same[0]
    yield _without(first, Substitution(f"LoadFile {' '.join(first.arguments)}", "left out", first.origin))


def module_named(identifier: str) -> str:
    """The name of a module by its identifier in `LoadModule`: "ssl" for ssl_module."""
    return identifier.removesuffix("_module")


def _suites(same: Sequence[Placed], terms: Terms) -> Iterator[_Change]:
    """Suites that the machine's own policy chooses (crypto-policies(7)), which Red Hat's OpenSSL alone knows."""
    first = same[0]
    if terms.installation.layout != "redhat":
        for index, word in enumerate(first.arguments[: len(first.statement.args)]):
            if word.upper().startswith("PROFILE="):
                told = Substitution(f"{first.directive} {word}", "DEFAULT, as this OpenSSL has no such", first.origin)
                yield _word(first, index, "DEFAULT", told)


def _define(same: Sequence[Placed], _terms: Terms) -> Iterator[_Change]:
    """`Define` of a path with a drive: in capitals, as the folder is called that stands for the drive."""
    first = same[0]
    if len(first.statement.args) > 1:
        value = first.statement.args[1]
        at = value.start + (first.file.text[value.start] in {'"', "'"})
        if _ON_WINDOWS.match(first.file.text, at):
            yield _Change(at, at + 1, first.file.text[at].upper())


_BY_NAME: dict[str, Callable[[Sequence[Placed], Terms], Iterator[_Change]]] = {
    "authtype": _login,
    "listen": _listen,
    "virtualhost": _virtual_host,
    "user": _account,
    "group": _account,
    "loadmodule": _module,
    "loadfile": _file_to_load,
    "define": _define,
    "sslciphersuite": _suites,
    "sslproxyciphersuite": _suites,
}


def loaded_modules(statements: Iterable[Placed]) -> frozenset[str]:
    """Names of the modules that a configuration loads itself."""
    return frozenset(
        module_named(one.arguments[0])
        for one in statements
        if one.directive.lower() == "loadmodule" and len(one.arguments) > 1
    )


def absent_modules(statements: Iterable[Placed], installation: Installation) -> frozenset[str]:
    """Names of the modules that a configuration loads and an httpd has not."""
    return frozenset(name for name in loaded_modules(statements) if not installation.has(name))
