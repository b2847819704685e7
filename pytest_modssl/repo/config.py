"""A repository's configuration as a target serves it: its files, what was made for it, and our own main file around it.

That main file defines what the environment of httpd would, includes the user's, and sets after it what must be ours:
accounts, process id, logs.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.httpd.config import VirtualHost
from pytest_modssl.httpd.configuration import digest_of
from pytest_modssl.httpd.render import MAIN, Place, Rendered
from pytest_modssl.httpd.snippet import Origin, caller, snippets
from pytest_modssl.repo.listening import Ports, ports_of
from pytest_modssl.repo.references import paths_in
from pytest_modssl.repo.rewrite import Rewritten, Terms, rewrite
from pytest_modssl.repo.wrapper import USED_IN, has_others, main_file, modules_to_load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_modssl.backends import BackendAddress
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.snippet import Snippet
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.made import Made, Substitution
    from pytest_modssl.repo.reader import Placed, Reading

_FOLDERS = ("logs", "run", "fs")
_FOLDER_KINDS = frozenset({"document root", "directory section", "alias target"})


@dataclass(frozen=True, kw_only=True)
class RepoConfig:
    """A repository's configuration; see `Configuration`.

    Attributes:
        found: where it is.
        reading: its files and statements.
        content: other files of the repository, content and permission bits by deployment path.
        made: what it does not hold.
        hosts: its virtual hosts, once httpd has told them.
        blocks: key of the virtual host by deployment path, line and macro of its `<VirtualHost>`.
        roots: PEM of what clients trust.
        sockets: where a stand-in listens for a back end.
        shared: the folder that they are in, on this machine; `None` without any.
        refused: directives that are left out; see `Terms`.
        assumed: what is told of variables that nothing defines, and that have a value for the run.
        added: directives beyond those of the repository.
    """

    found: Found
    reading: Reading = field(repr=False)
    content: Mapping[str, tuple[bytes, int]] = field(default_factory=dict, repr=False)
    made: tuple[Made, ...] = field(default=(), repr=False)
    hosts: tuple[RepoHost, ...] = ()
    blocks: Mapping[tuple[str, int, str], str] = field(default_factory=dict, repr=False)
    roots: tuple[bytes, ...] = field(default=(), repr=False)
    sockets: Mapping[BackendAddress, str] = field(default_factory=dict)
    shared: Path | None = None
    refused: frozenset[str] = frozenset()
    assumed: tuple[Substitution, ...] = ()
    added: tuple[Snippet, ...] = ()

    # What a configuration is

    @property
    def origin(self) -> Origin | None:
        """The first line of its main file, or of its first fragment."""
        path = self.found.main or next(iter(self.found.fragments), None)
        return None if path is None else Origin(str(path), 1)

    @cached_property
    def virtual_hosts(self) -> tuple[VirtualHost, ...]:
        """Its virtual hosts, as those of a `ServerConfig`."""
        return tuple(
            VirtualHost(one.name, port=one.reached, aliases=one.names[1:]).found_at(one.origin) for one in self.hosts
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the virtual hosts, each once, in order."""
        return tuple(dict.fromkeys(one.name for one in self.hosts))

    @cached_property
    def listening(self) -> Ports:
        """Which port of a server stands for which address and port."""
        return ports_of(self.reading.statements)

    @property
    def listen(self) -> tuple[int, ...]:
        """The ports that it listens on."""
        return self.listening.listening

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port of the configuration, each once."""
        return tuple(dict.fromkeys((*self.listen, *self.listening.of.values())))

    @property
    def trust(self) -> tuple[bytes, ...]:
        """PEM of what clients trust."""
        return self.roots

    def port_of(self, name: str, port: int) -> int | None:
        """The port of a server at which a name and port of a URL are; `None` where no virtual host serves it."""
        named, wild = self._by_name
        low = name.lower()
        if (low, port) in named:
            return named[low, port]
        return next((at for pattern, number, at in wild if number == port and fnmatch.fnmatchcase(low, pattern)), None)

    @cached_property
    def _by_name(self) -> tuple[dict[tuple[str, int], int], list[tuple[str, int, int]]]:
        named: dict[tuple[str, int], int] = {}
        wild: list[tuple[str, int, int]] = []
        for host in self.hosts:
            for name in host.names:
                if re.search(r"[*?]", name):
                    wild.append((name.lower(), host.port, host.reached))
                else:
                    named.setdefault((name.lower(), host.port), host.reached)
        return named, wild

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all that goes into the server; see `Configuration`."""
        return digest_of(self._parts())

    def _parts(self) -> Iterator[str | bytes]:
        yield from ("repository", str(self.found.root), self.found.title, repr(self.found.defines))
        yield from (repr(sorted(self.found.variables.items())), repr(sorted(self.refused)), repr(self.roots))
        yield from (part for file in self.reading.files for part in (file.deployed, file.text))
        yield from (part for path, (data, mode) in sorted(self.content.items()) for part in (path, data, str(mode)))
        yield from (part for one in self.made for part in (one.path, one.content or b"", str(one.mode)))
        yield from (one.text for one in self.added)

    def extended(self, directives: str | Path, *, origin: Origin | None = None) -> RepoConfig:
        """A copy with more directives, after all that the repository has; arguments as for `ServerConfig.extended`."""
        return replace(self, added=self.added + snippets(directives, origin or caller()))

    # What its server runs on

    def render(self, installation: Installation, place: Place) -> Rendered:
        """Its files for a place on an httpd; see `Configuration`."""
        loaded = modules_to_load(self, installation)
        texts = self._rewritten(installation, place, loaded)
        files = {path: (one.text.encode("utf-8", "surrogateescape"), 0o644) for path, one in texts.items()}
        files = {**self.content, **files} | {
            one.path: (one.content, one.mode) for one in self.made if one.content is not None
        }
        folders = {one.path: one.mode for one in self.made if one.content is None}
        lines, origins = main_file(self, installation, place, loaded)
        own = {MAIN: ("\n".join([*lines, ""]).encode("utf-8", "surrogateescape"), 0o644)}
        here = place.machine == ""
        inside = {} if here else {_below(place, path): file for path, file in files.items()}
        modes = {} if here else {_below(place, path): mode for path, mode in folders.items()}
        above = {str(parent) for name in (*inside, *modes) for parent in PurePosixPath(name).parents}
        return Rendered(
            main=place.below(MAIN),
            files={**own, **inside},
            folders=tuple(sorted({*_FOLDERS, *above, *modes} - {"."})),
            writable=("run",),
            modules=(),
            text="\n".join([*lines, ""]),
            origins=tuple(origins),
            owners=(),
            hosts={key: one.origin for one in reversed(self.hosts) for key in (one.key, f"{one.name}:{one.port}")},
            modes=modes,
            outside=files if here else {},
            outside_folders=folders if here else {},
            cleared=self._cleared() if here else (),
            machine=place.machine,
            shared=() if self.shared is None else (str(self.shared),),
            sources={
                # What the layout brings is named as it is deployed: the copy means nothing to anybody.
                f"{place.machine}{file.deployed}": str(file.path or file.deployed)
                for file in self.reading.files
            },
            blocks={
                (f"{place.machine}{path}", line, via.replace(USED_IN, f"{USED_IN}{place.machine}")): name
                for (path, line, via), name in self.blocks.items()
            },
        )

    def _rewritten(self, installation: Installation, place: Place, loaded: Sequence[str]) -> dict[str, Rewritten]:
        """The text of every configuration file for one place, by deployment path."""
        terms = Terms(
            installation=installation,
            place=place,
            ports=self.listening,
            sockets=self.sockets,
            loaded=frozenset(loaded),
            folders=self._document_folders,
            server_root=self.reading.server_root,
            refused=self.refused,
            others=has_others(self.reading.statements, installation),
        )
        return {file.deployed: rewrite(file, self.placed.get(file.deployed, ()), terms) for file in self.reading.files}

    @cached_property
    def folders(self) -> frozenset[str]:
        """Deployment paths of the folders that its copy has from the repository: those with a file below them."""
        files = (*self.content, *(file.deployed for file in self.reading.files))
        return frozenset(str(folder) for path in files for folder in PurePosixPath(path).parents)

    @cached_property
    def placed(self) -> Mapping[str, Sequence[Placed]]:
        """The statements of each file, by deployment path."""
        placed: dict[str, list[Placed]] = {}
        for one in self.reading.statements:
            placed.setdefault(one.file.deployed, []).append(one)
        return placed

    def substitutions(self, installation: Installation) -> tuple[Substitution, ...]:
        """What differs from the configuration as deployed, wherever this httpd runs it."""
        anywhere = Place(root="/", address="", ports={}, identity=None)
        texts = self._rewritten(installation, anywhere, modules_to_load(self, installation)).values()
        return tuple(dict.fromkeys((*self.assumed, *(told for one in texts for told in one.substitutions))))

    @cached_property
    def _document_folders(self) -> tuple[str, ...]:
        named = {
            path.path.rstrip("/") + "/"
            for one in self.reading.statements
            for path in paths_in(one.directive, one.arguments)
            if path.kind in _FOLDER_KINDS and path.path.startswith("/")
        }
        return tuple(sorted(named - {"/"}))

    def _cleared(self) -> tuple[str, ...]:
        """The folders of configuration that an image may have files of its own in: these would be included too."""
        layout = self.found.layout
        return (
            layout.server_root if layout.server_root.startswith("/etc/") else str(PurePosixPath(layout.main).parent),
        )


def _below(place: Place, path: str) -> str:
    """A deployment path as one from the server's folder."""
    return f"{place.machine}{path}".removeprefix(f"{place.root}/")
