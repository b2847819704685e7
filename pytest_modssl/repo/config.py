"""A repository's configuration as a target serves it: its files, what was made for it, and our own main file around it.

That main file defines what the environment of httpd would, includes the user's, and sets after it what must be ours:
accounts, process id, logs.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl.httpd.config import VirtualHost
from pytest_modssl.httpd.installation import Version
from pytest_modssl.httpd.modules import modules_for
from pytest_modssl.httpd.render import ACCESS_LOG, ERROR_LOG, MAIN, PID_FILE, Rendered
from pytest_modssl.httpd.snippet import Origin, Snippet, caller, snippets
from pytest_modssl.repo.deployment import Deployment
from pytest_modssl.repo.listening import Ports, ports_of
from pytest_modssl.repo.references import paths_in
from pytest_modssl.repo.rewrite import Rewritten, Terms, rewrite

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Place
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.hosts import RepoHost
    from pytest_modssl.repo.made import Made, Substitution
    from pytest_modssl.repo.reader import Placed, Reading

_FOLDERS = ("logs", "run", "fs")
# Where every request is written to, with the host that served it: no CustomLog of the configuration takes part in it
# (manual, GlobalLog, which is there since httpd 2.4.19).
_GLOBAL_LOG = Version(2, 4, 19)
ACCESS_FORMAT = '"%h %l %u %t \\"%r\\" %>s %b %v:%p %{c}L"'
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
        blocks: the virtual host, as `name:port`, by deployment path, line and macro of its `<VirtualHost>`.
        roots: PEM of what clients trust.
        sockets: where a stand-in listens for a back end, by scheme, host and port.
        shared: the folder that they are in, on this machine; `None` without any.
        refused: directives that are left out; see `Terms`.
        added: directives beyond those of the repository.
    """

    found: Found
    reading: Reading = field(repr=False)
    content: Mapping[str, tuple[bytes, int]] = field(default_factory=dict, repr=False)
    made: tuple[Made, ...] = field(default=(), repr=False)
    hosts: tuple[RepoHost, ...] = ()
    blocks: Mapping[tuple[str, int, str], str] = field(default_factory=dict, repr=False)
    roots: tuple[bytes, ...] = field(default=(), repr=False)
    sockets: Mapping[tuple[str, str, int], str] = field(default_factory=dict)
    shared: Path | None = None
    refused: frozenset[str] = frozenset()
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
            VirtualHost(one.name, port=one.port, aliases=one.names[1:]).found_at(one.origin) for one in self.hosts
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
        sha = hashlib.sha256()
        for part in self._parts():
            data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape")
            sha.update(len(data).to_bytes(8, "big") + data)
        return sha.hexdigest()

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
        terms = self._terms(installation, place)
        texts = self.rewritten(terms)
        files = {path: (one.text.encode("utf-8", "surrogateescape"), 0o644) for path, one in texts.items()}
        files = {**self.content, **files} | {
            one.path: (one.content, one.mode) for one in self.made if one.content is not None
        }
        folders = {one.path: one.mode for one in self.made if one.content is None}
        lines, origins = self._main(installation, place)
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
            hosts={f"{one.name}:{one.port}": one.origin for one in reversed(self.hosts)},
            modes=modes,
            outside=files if here else {},
            outside_folders=folders if here else {},
            cleared=self._cleared() if here else (),
            shared=() if self.shared is None else (str(self.shared),),
            sources={
                f"{place.machine}{file.deployed}": str(file.path)
                for file in self.reading.files
                if file.path is not None
            },
            blocks={(f"{place.machine}{path}", line, via): name for (path, line, via), name in self.blocks.items()},
        )

    def rewritten(self, terms: Terms) -> dict[str, Rewritten]:
        """The text of every configuration file for one place, by deployment path."""
        placed: dict[str, list[Placed]] = {}
        for one in self.reading.statements:
            placed.setdefault(one.file.deployed, []).append(one)
        return {
            file.deployed: rewrite(file, placed.get(file.deployed, ()), terms) for file in self.reading.files
        }

    def substitutions(self, installation: Installation, place: Place) -> tuple[Substitution, ...]:
        """What differs from the configuration as deployed, where it is run."""
        texts = self.rewritten(self._terms(installation, place)).values()
        return tuple(dict.fromkeys(told for one in texts for told in one.substitutions))

    def _terms(self, installation: Installation, place: Place) -> Terms:
        return Terms(
            installation=installation,
            place=place,
            ports=self.listening,
            sockets=self.sockets,
            folders=self._document_folders,
            refused=self.refused,
        )

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
        return (layout.server_root if layout.server_root.startswith("/etc/") else str(PurePosixPath(layout.main).parent),)

    def _main(
        self, installation: Installation, place: Place
    ) -> tuple[list[str], list[tuple[Snippet, int] | None]]:
        """The lines of our own main file, and where those come from that are the user's."""
        machine = place.machine
        user, group = place.identity or ("", "")
        variables = {**self.found.layout.variables, **self.found.variables}
        variables |= {"APACHE_RUN_USER": user, "APACHE_RUN_GROUP": group} if place.identity else {}
        given = dict(one.partition("=")[::2] for one in self.found.defines)
        ours = {
            "MODSSL_RUN": place.below("run"),
            "MODSSL_LOGS": place.below("logs"),
            "MODSSL_ADDRESS": place.address,
            **{f"MODSSL_PORT_{port}": str(actual) for port, actual in place.ports.items()},
        }
        lines = [
            *(f'Define {name} "{value}"' if value else f"Define {name}" for name, value in {**variables, **given, **ours}.items()),
            f'ServerRoot "{machine}{self.found.layout.server_root}"',
            f'DefaultRuntimeDir "{place.below("run")}"',
            *(f'LoadModule {name}_module "{installation.loadable[name]}"' for name in self._modules(installation)),
            *([f"User {user}", f"Group {group}"] if place.identity else []),
            "ServerName localhost",
            *(f'Include "{machine}{path}"' for path in self._mains),
            *(f"Listen ${{MODSSL_ADDRESS}}:${{MODSSL_PORT_{port}}} {self._protocol(port)}" for port in self.listening.further),
            f'PidFile "{place.below(PID_FILE)}"',
            f'ErrorLog "{place.error_log or place.below(ERROR_LOG)}"',
            "LogLevel info",
            "<IfModule ssl_module>",
            "LogLevel ssl:debug",
            "</IfModule>",
            "<IfModule log_config_module>",
            f'{"GlobalLog" if installation.version >= _GLOBAL_LOG else "CustomLog"} "{place.access_log or place.below(ACCESS_LOG)}" {ACCESS_FORMAT}',
            "</IfModule>",
            *(["<IfModule cgid_module>", f'ScriptSock "{place.below("run")}/cgid.sock"', "</IfModule>"]),
            *([f'CoreDumpDirectory "{place.below("run")}"'] if place.cores else []),
        ]
        origins: list[tuple[Snippet, int] | None] = [None] * len(lines)
        for snippet in self.added:
            for index, line in enumerate(snippet.text.splitlines()):
                lines.append(line)
                origins.append((snippet, index))
        return lines, origins

    @property
    def _mains(self) -> tuple[str, ...]:
        """Deployment paths of the files that our main file includes: those that no other includes."""
        deployment = Deployment(self.found)
        if self.found.main is not None:
            return (deployment.of(self.found.main),)
        return (self.found.layout.main, *map(deployment.of, self.found.fragments))

    def _protocol(self, number: int) -> str:
        configured = next(port for (_, port), one in self.listening.of.items() if one == number)
        return self.listening.protocol(configured)

    def _modules(self, installation: Installation) -> tuple[str, ...]:
        """Modules that an installation brings and a repository without any `LoadModule` takes for granted.

        Raises:
            MissingModuleError: when the httpd does not have one of them.
        """
        if any(one.directive.lower() == "loadmodule" for one in self.reading.statements):
            return ()
        text = "\n".join(file.text for file in self.reading.files)
        needed = {"authz_core", "log_config", "unixd", f"mpm_{installation.mpms[0]}"}
        needed |= modules_for(text, available=installation.modules)
        needed |= {name for name in (*self._asked_for, *self.found.layout.modules) if installation.has(name)}
        if "prefork" not in installation.mpms[0]:
            needed = {"cgid" if name == "cgi" else name for name in needed}
        installation.require(needed)
        loaded = needed - installation.static_modules
        return tuple(sorted(loaded, key=lambda name: (not name.startswith("mpm_"), name)))

    @cached_property
    def _asked_for(self) -> frozenset[str]:
        """Modules that an `<IfModule>` asks for, by the name of their source file or their identifier."""
        words = (one.arguments[0] for one in self.reading.statements if one.directive.lower() == "ifmodule" and one.arguments)
        names = (word.removeprefix("mod_").removesuffix(".c").removesuffix("_module") for word in words)
        return frozenset(name for name in names if not name.startswith(("!", "mpm_", "prefork", "worker", "event")))


def _below(place: Place, path: str) -> str:
    """A deployment path as one from the server's folder."""
    return f"{place.machine}{path}".removeprefix(f"{place.root}/")
