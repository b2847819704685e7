"""Which server a directive is of, what that server is called, and which paths it names.

A *scope* is the main server or one virtual host: what stands in its sections, and what it inherits.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pytest_modssl.repo.references import kind, paths_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_modssl.httpd.dumps import DumpedDirective, DumpedHost

_HOST: Final = "virtualhost"
# mod_md's section has certificates and names of its own (manual, mod_md).
_SECTIONS: Final = frozenset({_HOST, "mdomainset"})
# What makes a directive one of a folder or URL and not of the server (manual, sections).
_PER_DIRECTORY: Final = frozenset(
    {"directory", "directorymatch", "files", "filesmatch", "location", "locationmatch", "if", "elseif", "else"}
)
# ServerName [scheme://]name[:port] (manual, core).
_SERVER_NAME: Final = re.compile(r"(?:[a-z]+://)?(?P<name>\[[^\]]*\]|[^:/]*)(?::\d+)?/?", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d+|\*))?")
# What httpd 2.4 calls a host whose address has no name (server/vhost.c).
_NAMELESS: Final = frozenset({"bogus_host_without_reverse_dns", "_default_", "*", ""})


@dataclass(frozen=True, slots=True)
class Use:
    """A path that a directive in effect names.

    Attributes:
        path: absolute, as a deployment path.
        kind: the name of its `references.Kind`.
        directive: who names it.
        scope: the server that it is for.
    """

    path: str
    kind: str
    directive: DumpedDirective
    scope: Scope = field(repr=False)


@dataclass(slots=True, eq=False)
class Scope:
    """A server: the main one, or a virtual host.

    Attributes:
        section: its `<VirtualHost>`; `None` for the main server.
        main: the main server; `None` for itself.
        names: what it is called, ServerName first.
        tls: whether it speaks TLS.
        uses: the paths that its directives name, in order, those in its sections too.
    """

    section: DumpedDirective | None
    main: Scope | None
    names: tuple[str, ...] = ()
    tls: bool = False
    uses: list[Use] = field(default_factory=list)
    # By lower-case name: all directives, and those that are of the server itself.
    _all: dict[str, list[DumpedDirective]] = field(default_factory=dict)
    _own: dict[str, list[DumpedDirective]] = field(default_factory=dict)
    _kinds: dict[str, list[Use]] = field(default_factory=dict)

    def add(self, directive: DumpedDirective, folders: Mapping[str, str]) -> None:
        """Takes a directive that stands in it, with its paths."""
        name = directive.name.lower()
        self._all.setdefault(name, []).append(directive)
        if not any(one.name.lower() in _PER_DIRECTORY for one in directive.sections):
            self._own.setdefault(name, []).append(directive)
        for word in paths_in(name, directive.words):
            path = absolute(word.path, folders[kind(word.kind).base])
            self.uses.append(use := Use(path, word.kind, directive, self))
            self._kinds.setdefault(word.kind, []).append(use)

    def own(self, name: str) -> list[DumpedDirective]:
        """Directives of this (lower-case) name that are of the server itself, in order."""
        return self._own.get(name, [])

    def effective(self, name: str) -> list[DumpedDirective]:
        """Its own directives of that (lower-case) name; where it has none, those of the main server."""
        return self.own(name) or (self.main.own(name) if self.main is not None else [])

    def anywhere(self, name: str) -> list[DumpedDirective]:
        """Directives of that (lower-case) name that concern it, those of folders and URLs and the main server's too."""
        return [one for scope in (self, self.main) if scope is not None for one in scope._all.get(name, ())]  # noqa: SLF001

    def named(self, kind_name: str) -> list[Use]:
        """The paths of a kind that its own directives name, in order."""
        return self._kinds.get(kind_name, [])

    def paths(self, kind_name: str) -> list[Use]:
        """The paths of a kind that it names; where it names none, those of the main server."""
        return self.named(kind_name) or (self.main.named(kind_name) if self.main is not None else [])

    @property
    def verifies(self) -> bool:
        """Whether it asks clients for a certificate and verifies it, somewhere (manual, SSLVerifyClient)."""
        return any(
            "".join(one.words[:1]).lower() in ("require", "optional") for one in self.anywhere("sslverifyclient")
        )


def scopes(
    directives: Sequence[DumpedDirective], hosts: Sequence[DumpedHost], *, server_root: str, unnamed: str = ""
) -> tuple[Scope, ...]:
    """The main server and its virtual hosts in order, each with names and paths.

    Args:
        directives: those in effect, in order.
        hosts: what httpd calls its virtual hosts; those without a ServerName get their name from here.
        server_root: where relative paths count from.
        unnamed: what a server is called for which nothing says a name; empty where it has none.
    """
    main = Scope(section=None, main=None)
    found = [main]
    folders = {"ServerRoot": server_root, "DefaultRuntimeDir": _runtime_folder(directives, server_root)}
    place: tuple[str, int, str, str] | None = None
    for one in directives:
        section = one if one.is_section else None
        around = [*one.sections, *([section] if section else [])]
        inner = next((part for part in reversed(around) if part.name.lower() in _SECTIONS), None)
        if inner is None:
            main.add(one, folders)
            continue
        # By order, as a file that is included twice has two hosts at one place.
        at = (inner.file, inner.line, inner.via, inner.arguments)
        if inner is section or at != place:
            found.append(Scope(section=inner, main=main))
            place = at
        if inner is not section:
            found[-1].add(one, folders)
    called = {(one.file, one.line): one for one in hosts}
    secure = {port for one in main.own("listen") for port in _secure_port(one.words)}
    for scope in found:
        scope.names = _names(scope, called) or tuple(filter(None, [unnamed]))
        scope.tls = _speaks_tls(scope, secure)
    return tuple(found)


def absolute(path: str, folder: str) -> str:
    """A path as httpd takes it: relative ones count from a folder."""
    if re.match(r"[A-Za-z]:[/\\]", path):
        path = f"/{path[0].upper()}{path[1:]}".replace("\\", "/")
    if not path.startswith("/"):
        path = posixpath.join(folder, path)
    # Two leading slashes may stay in POSIX; a deployment path never means that.
    return re.sub(r"^//", "/", posixpath.normpath(path))


def _runtime_folder(directives: Sequence[DumpedDirective], server_root: str) -> str:
    told = [words[0] for one in directives if one.name.lower() == "defaultruntimedir" and (words := one.words)]
    # httpd's own default is set when it is built; its source has logs (include/httpd.h, DEFAULT_REL_RUNTIMEDIR).
    return absolute(told[-1] if told else "logs", server_root)


def _names(scope: Scope, called: Mapping[tuple[str, int], DumpedHost]) -> tuple[str, ...]:
    section = scope.section
    if section is not None and section.name.lower() != _HOST:
        return tuple(dict.fromkeys(word for word in section.words if word not in ("auto", "manual")))
    names = [_server_name(words[0]) for one in scope.own("servername") if (words := one.words)][-1:]
    if section is not None and not names:
        known = called.get((section.file, section.line))
        names = [_server_name(known.name)] if known is not None else []
        names += [match["host"].strip("[]") for word in section.words if (match := _ADDRESS.fullmatch(word))]
        if known is None and scope.main is not None:
            names += scope.main.names
    names += [word for one in scope.own("serveralias") for word in one.words]
    return tuple(name for name in dict.fromkeys(name.rstrip(".").lower() for name in names) if name not in _NAMELESS)


def _server_name(word: str) -> str:
    match = _SERVER_NAME.fullmatch(word)
    return (match["name"] if match else word).strip("[]")


def _speaks_tls(scope: Scope, secure: set[str]) -> bool:
    told = scope.effective("sslengine")
    if told:
        return told[-1].words[:1] != () and told[-1].words[0].lower() in ("on", "optional")
    if scope.section is None:
        return False
    return any(
        (match := _ADDRESS.fullmatch(word)) is not None and match["port"] in secure for word in scope.section.words
    )


def _secure_port(words: Sequence[str]) -> Iterator[str]:
    """The port of a Listen that speaks TLS: 443, or with the word https (manual, Listen)."""
    port = words[0].rpartition(":")[2] if words else ""
    protocol = words[1].lower() if len(words) > 1 else "https" if port == "443" else ""
    if protocol == "https":
        yield port
