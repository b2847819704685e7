"""Our own main file around a repository's configuration.

It defines what the environment of httpd would, loads what an installation brings, includes the user's file, and sets
after it what must be ours in a run: account, process id, logs. What stands later counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_modssl.backends import BackendAddress
from pytest_modssl.httpd.installation import Version
from pytest_modssl.httpd.modules import is_whole, module_names, modules_for, with_dependencies
from pytest_modssl.httpd.render import ACCESS_FORMAT, ACCESS_LOG, ERROR_LOG, PID_FILE
from pytest_modssl.repo.deployment import Deployment
from pytest_modssl.repo.foreign import is_foreign_login
from pytest_modssl.repo.proxied import worker_text, worker_url
from pytest_modssl.repo.rewrite import loaded_modules
from pytest_modssl.repo.secluded import secluded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Place
    from pytest_modssl.httpd.snippet import Snippet
    from pytest_modssl.repo.config import RepoConfig
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.listening import Ports
    from pytest_modssl.repo.reader import Placed, Reading

# Stands for the module by which users would log in: mod_auth_basic insists on a name (manual, AuthName).
_LOGIN = frozenset({"auth_basic", "authn_core", "authn_file"})
_REALM = (
    *('<Directory "/">', "AuthName modssl", "</Directory>"),
    *("<IfModule proxy_module>", '<Proxy "*">', "AuthName modssl", "</Proxy>", "</IfModule>"),
)
USED_IN = ' of "'
"""Before the file of who used a macro, in what httpd says of its lines."""

_DRIVE = re.compile(r"/[A-Z]:/")
# Where every request is written to, with the host that served it: no CustomLog of the configuration takes part in it
# (manual, GlobalLog, which is there since httpd 2.4.19).
_GLOBAL_LOG = Version(2, 4, 19)


def main_file(
    config: RepoConfig, installation: Installation, place: Place, loaded: Iterable[str]
) -> tuple[list[str], list[tuple[Snippet, int] | None]]:
    """Its lines, and where those come from that are the user's.

    Args:
        config: what it is around.
        installation: the httpd that reads it.
        place: where it is.
        loaded: names of the modules to load.
    """
    ports, root, types = config.listening, config.found.layout.server_root, types_file(config.found, config.reading)
    log = "GlobalLog" if installation.version >= _GLOBAL_LOG else "CustomLog"
    lines = [
        *_defines(config.found, place),
        f'ServerRoot "{place.machine}{root}"',
        f'DefaultRuntimeDir "{place.below("run")}"',
        *(f'LoadModule {name}_module "{installation.loadable[name]}"' for name in loaded),
        *([f"User {place.identity[0]}", f"Group {place.identity[1]}"] if place.identity else []),
        "ServerName localhost",
        *(line for url, socket in _workers(config) for line in worker_text(url, socket).splitlines()),
        *(_REALM if _foreign_logins(config.reading.statements, installation) else ()),
        *(f'Include "{place.machine}{path}"' for path in _mains(config.found)),
        *(_listen(number, ports) for number in ports.further),
        f'PidFile "{place.below(PID_FILE)}"',
        f'ErrorLog "{place.error_log or place.below(ERROR_LOG)}"',
        "LogLevel info",
        *_where("ssl", "LogLevel ssl:debug"),
        *(
            _where("ssl", f'SSLStaplingCache "shmcb:{place.below("run")}/stapling"')
            if lacks_stapling_cache(config)
            else ()
        ),
        *_where("md", "MDRenewMode manual"),  # no certificate authority is asked
        *(_where("mime", f'TypesConfig "{place.machine}{types}"') if types else ()),
        *_where("log_config", f'{log} "{place.access_log or place.below(ACCESS_LOG)}" "{ACCESS_FORMAT}"'),
        *_where("cgid", f'ScriptSock "{place.below("run")}/cgid.sock"'),
        *([f'CoreDumpDirectory "{place.below("run")}"'] if place.cores else []),
    ]
    origins: list[tuple[Snippet, int] | None] = [None] * len(lines)
    for snippet in config.added:
        for index, line in enumerate(snippet.text.splitlines()):
            lines.append(line)
            origins.append((snippet, index))
    return lines, origins


def has_others(statements: Iterable[Placed], installation: Installation) -> bool:
    """Whether modules beside httpd's own are loaded, any of which may have users log in."""
    return any(installation.has(name) for name in loaded_modules(statements) - {*module_names()})


def _foreign_logins(statements: Iterable[Placed], installation: Installation) -> bool:
    """Whether users would log in by modules that are not there."""
    statements = tuple(statements)
    named = any(is_foreign_login(one.directive, one.arguments) for one in statements)
    return named and not has_others(statements, installation)


def lacks_stapling_cache(config: RepoConfig) -> bool:
    """Whether fragments staple and leave it to a main file, which the repository does not hold, to have a cache for it.

    httpd ends without one (AH01958). Where the main file is there, that is a fault of it.
    """
    names = {one.directive.lower() for one in config.reading.statements}
    return config.found.main is None and "sslusestapling" in names and "sslstaplingcache" not in names


def types_file(found: Found, reading: Reading) -> str:
    """Deployment path of the file that mod_mime reads, where a configuration names none and that of the layout counts.

    Its own default counts from ServerRoot (`conf/mime.types`), wherever the httpd at hand has that.
    """
    named = any(one.directive.lower() == "typesconfig" for one in reading.statements)
    return "" if named else next((path for path in found.layout.files if path.endswith("/mime.types")), "")


def _defines(found: Found, place: Place) -> Iterator[str]:
    values = {**found.layout.variables, **found.variables}
    if place.identity is not None:
        values |= {"APACHE_RUN_USER": place.identity[0], "APACHE_RUN_GROUP": place.identity[1]}
    values |= dict(one.partition("=")[::2] for one in found.defines)
    values |= {"MODSSL_ADDRESS": place.address}
    values |= {f"MODSSL_PORT_{port}": str(actual) for port, actual in place.ports.items()}
    for name, value in values.items():
        yield f'Define {name} "{value}"' if value else f"Define {name}"


def _where(module: str, line: str) -> tuple[str, str, str]:
    return f"<IfModule {module}_module>", line, "</IfModule>"


def _listen(number: int, ports: Ports) -> str:
    return f"Listen ${{MODSSL_ADDRESS}}:${{MODSSL_PORT_{number}}} {ports.protocol_at(number)}"


def _mains(found: Found) -> tuple[str, ...]:
    """Deployment paths of the files that no other includes."""
    deployment = Deployment(found)
    if found.main is not None:
        return (deployment.of(found.main),)
    return (found.layout.main, *map(deployment.of, found.fragments))


def modules_to_load(config: RepoConfig, installation: Installation) -> tuple[str, ...]:
    """Modules that our own main file loads.

    Those that an installation brings, which a repository that loads none, or only some beside them, takes for granted;
    in one that loads all of its modules, those of the back ends that are made known before the user's file, and those
    that others need and Windows loads with them.

    Raises:
        MissingModuleError: when the httpd does not have one of them.
    """
    statements = config.reading.statements
    own = loaded_modules(statements)
    if is_whole(own):
        text = "".join(f"ProxyPass / {url}\n" for url, _ in _workers(config))
        needed = set(modules_for(text, available=installation.modules)) if text else set()
        needed |= {*_caches(statements), *_built_in(config.reading, own, installation)}
        needed |= {name for name in config.found.layout.built_in if installation.has(name)}
        needed |= _LOGIN if _foreign_logins(statements, installation) else set()
        installation.require(needed)
        return tuple(sorted(needed - installation.static_modules))
    text = "\n".join(file.text for file in config.reading.files)
    mpm = installation.mpms[0]
    needed = {"authz_core", "log_config", "unixd", f"mpm_{mpm}", *modules_for(text, available=installation.modules)}
    needed |= {
        name
        for name in (
            *with_dependencies(own),
            *_caches(statements),
            *_asked_for(statements),
            *(["socache_shmcb"] if lacks_stapling_cache(config) else []),
            *config.found.layout.modules,
        )
        if installation.has(name)
    }
    cgi = "cgi" if mpm == "prefork" else "cgid"
    needed = {cgi if name in {"cgi", "cgid"} else name for name in needed}
    installation.require(needed)
    return tuple(sorted(needed - installation.static_modules, key=lambda name: (not name.startswith("mpm_"), name)))


def _workers(config: RepoConfig) -> Iterator[tuple[str, str]]:
    """URL and socket of each back end that `<Proxy>` makes a worker of: it has to know its socket beforehand."""
    seen: set[str] = set()
    for one in config.reading.statements:
        around = one.sections[-1].arguments if one.sections and one.sections[-1].directive.lower() == "proxy" else ()
        url = worker_url(one.directive, one.arguments, around)
        socket = config.sockets.get(BackendAddress.parse(url)) if url and url not in seen else None
        seen.add(url)
        if socket is not None:
            yield url, socket


def _built_in(reading: Reading, own: frozenset[str], installation: Installation) -> Iterator[str]:
    """What an httpd for Windows has built in (mpm_winnt), or brings as a library of another module.

    XAMPP's httpd.conf has mod_cache_disk without mod_cache: there the loader brings that as it brings any DLL.
    """
    if _DRIVE.match(reading.server_root):
        yield from (f"mpm_{installation.mpms[0]}", "unixd")
        yield from with_dependencies(filter(installation.has, own)) - own


def _caches(statements: Iterable[Placed]) -> Iterator[str]:
    """The cache that stands in for those on other machines."""
    if any(one.directive.lower().endswith("cache") and secluded(one.directive, one.arguments) for one in statements):
        yield "socache_shmcb"


def _asked_for(statements: Iterable[Placed]) -> Iterator[str]:
    """Modules that an `<IfModule>` asks for, by the name of their source file or their identifier."""
    for one in statements:
        if one.directive.lower() == "ifmodule" and one.arguments and not one.arguments[0].startswith("!"):
            name = one.arguments[0].removeprefix("mod_").removesuffix(".c").removesuffix("_module")
            if name not in {"event", "worker", "prefork"} and not name.startswith("mpm_"):
                yield name
