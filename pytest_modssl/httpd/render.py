"""A `ServerConfig` written out for one place on one httpd: files, and which line of them came from where."""

from __future__ import annotations

import hashlib
import itertools
import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_modssl._data import fixture
from pytest_modssl.httpd.modules import modules_for, with_dependencies
from pytest_modssl.httpd.site import File
from pytest_modssl.httpd.snippet import Origin
from pytest_modssl.httpd.variables import header_directives

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from pytest_modssl.httpd.config import ServerConfig, VirtualHost
    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.snippet import Snippet

MAIN = "httpd.conf"
ERROR_LOG = "logs/error.log"
ACCESS_LOG = "logs/access.log"
PID_FILE = "logs/httpd.pid"
ENVIRONMENT = "environment.conf"
PIPE_MODE = 0o644
ACCESS_FORMAT = '%h %l %u %t \\"%r\\" %>s %b %v:%p %{c}L \\"%{User-Agent}i\\"'
"""The form of an access log's lines, for `CustomLog` and `GlobalLog`: which host answered (`%v`), and whom."""

# Texts that a likeness looks at.
_LIKE = 40
# Where a server listens: an address of its own, or a port.
_ADDRESS = re.compile(r"\b127(?:\.\d+){3}\b|(?<=:)\d+|(?<=Listen )\d+")
_NAME_AND_PORT = re.compile(r"(?<![\w.-])(?:\[[^\]\s]*\]|[\w.*?-]+):\d+")
# Where httpd can open a log, on one machine or another; that it refuses a folder or a program is to be seen.
_ELSEWHERE = re.compile(
    r'^\s*ErrorLog\s+"?(syslog|/(dev|tmp|var)/|\$\{MODSSL_\w+\}|[^/|$"\s])', re.IGNORECASE | re.MULTILINE
)
_SILENT = re.compile(r"^\s*LogLevel\s.*\b(emerg|alert|crit)\b", re.IGNORECASE | re.MULTILINE)
_FOLDERS = ("logs", "pki", "run", "sites", "tls")

# One child to begin with and no spare ones: 2 ms sooner ready than with the defaults (measured on httpd 2.4.71),
# and a server of a test has one client. Directives of the user stand after these and win.
_MPM_START = {
    "event": ("StartServers 1", "MinSpareThreads 1"),
    "worker": ("StartServers 1", "MinSpareThreads 1"),
    "prefork": ("StartServers 1", "MinSpareServers 1"),
}

# mod_mime insists on a TypesConfig file that exists; these are the types a test site has.
_TYPES = (
    "AddType text/html .html .htm .shtml",
    "AddType text/plain .txt",
    "AddType text/css .css",
    "AddType text/javascript .js",
    "AddType application/json .json",
    "AddType image/png .png",
)
# Files of these names are run for the client, by what the main file says; without the module it would get their source.
_RUN_BY = {".cgi": "cgid", ".shtml": "include"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a configuration goes on a target.

    Args:
        root: absolute path of the server's folder, as the server sees it.
        address: address to listen on, as the server sees it.
        ports: port that stands for each port of the configuration.
        identity: user and group that the children change to; `None` where the parent is not root.
        error_log: where the error log goes, as the server sees it; `None` for `ERROR_LOG` below `root`.
        access_log: where the access log goes, as the server sees it; `None` for `ACCESS_LOG` below `root`.
        cores: whether a child that crashes is to leave its core below `root`, if the configuration says nothing of it.
        machine: what stands before the path that a file has on the machine it is meant for; empty where the server has
            a file system of its own, so that it can stand at that very path.
    """

    root: str
    address: str
    ports: Mapping[int, int]
    identity: tuple[str, str] | None
    error_log: str | None = None
    access_log: str | None = None
    cores: bool = False
    machine: str = ""

    def below(self, name: str) -> str:
        """Path of a file below the server's folder, as the server sees it."""
        return f"{self.root}/{name}"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The files of a server by path below its folder, and the way back from a line to the user's own file.

    `main` is the path of the main file as the server sees it. `files` maps a relative path to content and permission
    bits. `writable` names the folders in which the server's children write, `modes` the
    permission bits of folders that are to have other ones than 0755, `pipes` the named pipes.

    `outside` maps an absolute path to content and permission bits, `outside_folders` to permission bits, where the
    server has a file system of its own; `cleared` are the folders to remove before, `shared` those of this machine that
    the server reaches at the same path. `machine` is that of the place, where the files know it. `sources` tells the
    user's own file, by the path that the server sees, of every file that has the user's lines one for one; `blocks` the
    virtual host, as `name:port`, that begins at a file and line (and in a macro that is used there), where that is
    known before httpd has read it.
    """

    main: str
    files: Mapping[str, tuple[bytes, int]]
    folders: tuple[str, ...]
    writable: tuple[str, ...]
    modules: tuple[str, ...]
    text: str
    origins: tuple[tuple[Snippet, int] | None, ...]
    owners: tuple[Origin | None, ...]
    hosts: Mapping[str, Origin | None]
    modes: Mapping[str, int] = field(default_factory=dict)
    pipes: tuple[str, ...] = ()
    outside: Mapping[str, tuple[bytes, int]] = field(default_factory=dict)
    outside_folders: Mapping[str, int] = field(default_factory=dict)
    cleared: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    machine: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[tuple[str, int, str], str] = field(default_factory=dict)

    def locate(self, file: str, line: int) -> Origin | None:
        """Place in the user's file of a line (counted from 1) that httpd names; `None` for a line of our own."""
        if file != self.main:
            return Origin(self.sources.get(file, file), line)
        entry = self.origins[line - 1] if 0 < line <= len(self.origins) else None
        return entry and entry[0].locate(entry[1])

    def owner(self, line: int) -> Origin | None:
        """Place of the call that brought line `line` (counted from 1) of our own about; `None` without one."""
        return self.owners[line - 1] if 0 < line <= len(self.owners) else None

    @property
    def contents(self) -> Iterator[bytes]:
        """What is in the files, wherever they are."""
        yield from (content for content, _ in (*self.files.values(), *self.outside.values()))

    @property
    def texts(self) -> Iterator[str]:
        """The main file, and the others that have the user's own lines."""
        yield self.text
        folder = f"{PurePosixPath(self.main).parent}/"
        for path in self.sources:
            written = self.outside.get(path) or self.files.get(path.removeprefix(folder))
            if written is not None and path != self.main:
                yield written[0].decode("utf-8", "surrogateescape")

    @property
    def named_texts(self) -> Iterator[tuple[str, str]]:
        """The same with their names: the main file's path, those of the user's own files."""
        names = [self.main, *(self.sources.get(path, path) for path in self.sources if path != self.main)]
        yield from zip(names, self.texts, strict=False)

    @property
    def likeness(self) -> str:
        """The same for configurations that are alike wherever they run: each process has certificates of its own."""
        folder = str(PurePosixPath(self.main).parent)
        text = "\n".join(text.replace(folder, "") for _, text in itertools.islice(self.named_texts, _LIKE))
        return hashlib.sha256(_ADDRESS.sub("", text).encode("utf-8", "surrogateescape")).hexdigest()[:12]

    def host_in(self, message: str) -> str | None:
        """The virtual host, as `name:port`, that a message of httpd names; `None` when it names none."""
        return next((name for name in _NAME_AND_PORT.findall(message) if name in self.hosts), None)


class _Page:
    """Lines in the order of the main file, each with the snippet it came from."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.origins: list[tuple[Snippet, int] | None] = []
        self.owners: list[Origin | None] = []

    def add(self, *lines: str, owner: Origin | None = None) -> None:
        for line in lines:
            self.lines.append(line)
            self.origins.append(None)
            self.owners.append(owner)

    def add_snippets(self, snippets: Iterable[Snippet]) -> None:
        for snippet in snippets:
            for index, line in enumerate(snippet.text.splitlines()):
                self.lines.append(line)
                self.origins.append((snippet, index))
                self.owners.append(None)

    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


def render(config: ServerConfig, installation: Installation, place: Place) -> Rendered:
    """The files that make `installation` serve `config` at `place`.

    Raises:
        MissingModuleError: when the configuration needs a module that the httpd does not have.
    """
    files = dict(_files(config))
    modules = _modules(config, installation, place, files)
    page = _Page()
    log = _log(place, installation.static_modules.union(modules))
    _add_base(page, config, installation, place, modules, log=log)
    page.add_snippets(config.snippets)
    page.add(*_taken_back(config.snippets, log))
    for index, host in enumerate(config.virtual_hosts):
        _add_host(page, host, index, place, log)
    text = page.text()
    files[ENVIRONMENT] = (header_directives().encode(), 0o644)
    files[MAIN] = (text.encode("utf-8", "surrogateescape"), 0o644)
    modes = {f"run/{name}": mode for name, mode in config.folders.items()}
    pipes = tuple(f"run/{name}" for name in config.pipes)
    folders = {
        str(parent) for name in (*files, *modes, *pipes) for parent in PurePosixPath(name).parents if str(parent) != "."
    }
    hosts: dict[str, Origin | None] = {}
    for host in config.virtual_hosts:
        hosts.setdefault(f"{host.name}:{place.ports.get(host.port, host.port)}", host.origin)
        hosts.setdefault(f"{host.name}:{host.port}", host.origin)
    return Rendered(
        main=place.below(MAIN),
        files=files,
        folders=tuple(sorted(folders.union(_FOLDERS, modes))),
        writable=("run",),
        modules=modules,
        text=text,
        origins=tuple(page.origins),
        owners=tuple(page.owners),
        hosts=hosts,
        modes=modes,
        pipes=pipes,
    )


def site_folder(host: VirtualHost, index: int) -> str:
    """Folder of a host's content below the server's folder; the index keeps equal names apart."""
    return f"sites/{index}-{host.name.replace('*', '_').replace(':', '_')}"


def _files(config: ServerConfig) -> Iterator[tuple[str, tuple[bytes, int]]]:
    for name, content in config.pki.items():
        yield f"pki/{name}", (content, 0o600)
    for index, host in enumerate(config.virtual_hosts):
        for number, leaf in enumerate(host.certificates):
            yield f"tls/{index}-{number}.crt", (leaf.cert_file_pem.bytes(), 0o644)
            yield f"tls/{index}-{number}.key", (leaf.key_file_pem.bytes(), 0o600)
        folder = site_folder(host, index)
        for path, file in _site(host).items():
            yield f"{folder}/{path}", (file.content, 0o755 if file.executable else 0o644)


def _site(host: VirtualHost) -> dict[str, File]:
    site: dict[str, File] = {}
    folders = {PurePosixPath(".")}.union(*(PurePosixPath(name).parents for name in host.files))
    for folder in folders:
        for name in ("env.cgi", "env.shtml"):
            site[str(folder / name)] = File(fixture(f"pages/{name}").read_bytes(), name.endswith(".cgi"))
    site["index.html"] = File(f"<!doctype html>\n<title>{host.name}</title>\n<p>{host.name}\n".encode())
    return site | dict(host.files)


def _modules(
    config: ServerConfig, installation: Installation, place: Place, files: Mapping[str, tuple[bytes, int]]
) -> tuple[str, ...]:
    """Modules to load, each once: those that the text needs, and what our own lines use where it is there."""
    texts = [one.text for one in config.snippets]
    texts += [one.text for host in config.virtual_hosts for one in host.snippets]
    texts += [data.decode("utf-8", "replace") for name, (data, _) in files.items() if name.endswith(".htaccess")]
    needed = {"authz_core", "log_config", *with_dependencies(config.modules)}
    needed |= modules_for("\n".join(texts), available=installation.modules)
    needed |= {
        module
        for host in config.virtual_hosts
        for name in host.files
        for suffix, module in _RUN_BY.items()
        if name.endswith(suffix)
    }
    if any(host.certificates for host in config.virtual_hosts):
        needed.add("ssl")
    if place.identity is not None:
        needed.add("unixd")
    mpm = _mpm(config, installation)
    cgi = "cgi" if mpm == "prefork" else "cgid"
    needed = {cgi if name in ("cgi", "cgid") else name for name in needed}
    if mpm not in installation.static_modules:
        needed.add(f"mpm_{mpm}")
    installation.require(needed)
    needed |= {name for name in ("dir", "mime", "headers", "include", cgi) if installation.has(name)}
    loaded = needed - installation.static_modules
    return tuple(sorted(loaded, key=lambda name: (not name.startswith("mpm_"), name)))


def _mpm(config: ServerConfig, installation: Installation) -> str:
    if config.mpm is not None:
        installation.require({f"mpm_{config.mpm}"})
        return config.mpm
    return installation.mpms[0]


def _add_base(
    page: _Page,
    config: ServerConfig,
    installation: Installation,
    place: Place,
    modules: tuple[str, ...],
    *,
    log: Mapping[re.Pattern[str], str],
) -> None:
    present = installation.static_modules.union(modules)
    defines = {
        "MODSSL_RUN": f"{place.root}/run",
        "MODSSL_LOGS": f"{place.root}/logs",
        "MODSSL_PKI": f"{place.root}/pki",
        "MODSSL_ADDRESS": place.address,
        **{f"MODSSL_PORT_{port}": str(actual) for port, actual in place.ports.items()},
        **config.defines,
    }
    page.add(*(f'Define {name} "{value}"' for name, value in defines.items()))
    page.add(
        f'ServerRoot "{place.root}"', f'DefaultRuntimeDir "{place.root}/run"', f'PidFile "{place.root}/{PID_FILE}"'
    )
    page.add(*(f'LoadModule {name}_module "{installation.loadable[name]}"' for name in modules))
    if place.identity is not None:
        page.add(f"User {place.identity[0]}", f"Group {place.identity[1]}")
    page.add("ServerName localhost")
    listen = (f"Listen ${{MODSSL_ADDRESS}}:${{MODSSL_PORT_{port}}}{_scheme(config, port)}" for port in config.listen)
    page.add(*listen, owner=config.origin)
    page.add(*log.values())
    page.add(f'CustomLog "{place.access_log or place.below(ACCESS_LOG)}" "{ACCESS_FORMAT}"')
    page.add(*_MPM_START[_mpm(config, installation)])
    if place.cores:
        page.add(f'CoreDumpDirectory "{place.root}/run"')
    if "cgid" in present:
        page.add(f'ScriptSock "{place.root}/run/cgid.sock"')
    if "mime" in present:
        page.add("TypesConfig /dev/null", *_TYPES)
    if present & {"cgi", "cgid"}:
        page.add("AddHandler cgi-script .cgi")
    if "include" in present:
        page.add("AddOutputFilter INCLUDES .shtml")
    if "dir" in present:
        page.add("DirectoryIndex index.html")
    if "headers" in present and "ssl" in present:
        page.add(f'Include "{place.root}/{ENVIRONMENT}"')
    page.add(
        f'<Directory "{place.root}/sites">',
        "    AllowOverride All",
        "    Options +Indexes +FollowSymLinks +ExecCGI +Includes",
        "    Require all granted",
        "</Directory>",
        '<Files ".ht*">',
        "    Require all denied",
        "</Files>",
    )


def _log(place: Place, present: Collection[str]) -> Mapping[re.Pattern[str], str]:
    """The lines that say what is logged, and where, each by what in a user's directives keeps errors from a test."""
    # Handshake failures are logged at info; `ssl:debug` would stop a server without mod_ssl (measured on 2.4.71).
    # That a DBM drops what it cannot take is told at debug alone (AH00806, mod_socache_dbm.c).
    telling = [f"{name}:debug" for name in ("ssl", "socache_dbm") if name in present]
    return {
        _ELSEWHERE: f'ErrorLog "{place.error_log or place.below(ERROR_LOG)}"',
        _SILENT: " ".join(["LogLevel info", *telling]),
    }


def _taken_back(snippets: Sequence[Snippet], log: Mapping[re.Pattern[str], str]) -> Iterator[str]:
    """The lines of the log to say again, as directives before them keep errors from a test."""
    for hidden, line in log.items():
        if any(hidden.search(one.text) for one in snippets):
            yield line


def _scheme(config: ServerConfig, port: int) -> str:
    """The protocol word of `Listen`, from what the hosts of the port speak: httpd assumes https on 443 only."""
    tls = {bool(host.certificates) for host in config.virtual_hosts if host.port == port}
    return " https" if tls == {True} else " http" if tls == {False} else ""


def _add_host(page: _Page, host: VirtualHost, index: int, place: Place, log: Mapping[re.Pattern[str], str]) -> None:
    folder = f"{place.root}/{site_folder(host, index)}"
    scheme = "https" if host.certificates else "http"
    actual = f"${{MODSSL_PORT_{host.port}}}" if host.port in place.ports else str(host.port)
    page.add(
        f'Define MODSSL_SITE "{folder}"',
        f"<VirtualHost *:{actual}>",
        # With scheme and port, so that redirects name what clients use, also where another port stands for it.
        f"    ServerName {scheme}://{host.name}:{host.port}",
        *(f"    ServerAlias {alias}" for alias in host.aliases),
        f'    DocumentRoot "{folder}"',
        owner=host.origin,
    )
    if host.certificates:
        page.add("    SSLEngine on", owner=host.origin)
    for number, _ in enumerate(host.certificates):
        file = f"{place.root}/tls/{index}-{number}"
        page.add(f'    SSLCertificateFile "{file}.crt"', f'    SSLCertificateKeyFile "{file}.key"', owner=host.origin)
    page.add_snippets(host.snippets)
    page.add(*_taken_back(host.snippets, log), "</VirtualHost>", owner=host.origin)
