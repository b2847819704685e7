"""What a server is asked to be: virtual hosts, certificates, files, and directives in httpd's own language.

The model adds only what text cannot do: certificates, ports, paths, and where things go on each target. All else is
text, placed where httpd would have it. Paths and ports reach the text by httpd's own `Define`:

| name | value |
| --- | --- |
| `${MODSSL_SITE}` | DocumentRoot of the virtual host whose directives name it |
| `${MODSSL_PKI}` | folder of the files given as `pki=` |
| `${MODSSL_RUN}` | folder for sockets, caches, mutexes; the server's children can write there |
| `${MODSSL_LOGS}` | folder of the logs |
| `${MODSSL_ADDRESS}` | address that the server listens on |
| `${MODSSL_PORT_443}` | port that stands for port 443 on this target, and so for each port of the configuration |
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from pytest_modssl.errors import ConfigError
from pytest_modssl.httpd.configuration import digest_of
from pytest_modssl.httpd.render import render
from pytest_modssl.httpd.site import File, relative, site_files
from pytest_modssl.httpd.snippet import Origin, Snippet, caller, snippets

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation
    from pytest_modssl.httpd.render import Place, Rendered
    from pytest_modssl.pki import Blob, LeafCert

_NAME = re.compile(r"[A-Za-z0-9._*?:\[\]-]+\Z")
_PATTERN = re.compile(r"[*?\[]")
_DEFINE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def is_host_name(text: str) -> bool:
    """Whether a text can be the name of a virtual host, wildcards and addresses among them."""
    return _NAME.match(text) is not None


@dataclass(frozen=True, init=False)
class VirtualHost:
    """A `<VirtualHost>`: a name, a port, certificates, content, and directives.

    Args:
        name: `ServerName`; an IDN in its A-label form (`xn--...`).
        tls: certificate and key, or several (one a key type); `None` makes a host that speaks plain HTTP.
        port: port in the URLs of this host; 443 with `tls`, 80 without.
        aliases: `ServerAlias` names, wildcards allowed.
        directives: text, or the path of a file, placed inside `<VirtualHost>`.
        files: content of DocumentRoot by relative path: text, bytes, or the path of a file to copy; or the path of a
            folder that is copied whole. Names that end in `.cgi` become executable. A host without `index.html` gets
            one that says its name, and every folder gets the environment pages `env.cgi` and `env.shtml`.

    Attributes:
        certificates: what was given as `tls`.
        snippets: the directives, each with the place that it was written at.
        origin: where this host stands in the user's files; `None` where nobody knows.

    Raises:
        ConfigError: for a name, port or path that cannot be written into a configuration.
    """

    name: str
    certificates: tuple[LeafCert, ...]
    port: int
    aliases: tuple[str, ...]
    snippets: tuple[Snippet, ...]
    files: Mapping[str, File]
    origin: Origin | None = field(repr=False, compare=False)

    def __init__(
        self,
        name: str,
        *,
        tls: LeafCert | Sequence[LeafCert] | None = None,
        port: int | None = None,
        aliases: Sequence[str] = (),
        directives: str | Path = "",
        files: Mapping[str, str | bytes | Path | File] | Path | None = None,
    ) -> None:
        origin = caller()
        for one in (name, *aliases):
            if not is_host_name(one):
                raise ConfigError(f"{one!r} cannot be a host name in a configuration; write an IDN as its A-label")
        certificates = () if tls is None else tuple(tls) if isinstance(tls, Sequence) else (tls,)
        number = port if port is not None else 443 if certificates else 80
        if not 0 < number < 65536:
            raise ConfigError(f"port {number} of {name} is not between 1 and 65535")
        _set(
            self,
            name=name,
            certificates=certificates,
            port=number,
            aliases=tuple(aliases),
            snippets=snippets(directives, origin),
            files=dict(site_files(files or {})),
            origin=origin,
        )

    def found_at(self, origin: Origin) -> VirtualHost:
        """A copy that stands elsewhere: for one that a configuration file has, and no call made."""
        return _changed(self, origin=origin)

    def serves(self, name: str, *, also: Sequence[str] = ()) -> bool:
        """Whether its ServerName or one of its ServerAliases stands for a name; `*` and `?` as in httpd's aliases.

        Args:
            name: as a client sends it.
            also: further aliases, such as those that stand in its directives.
        """
        return any(fnmatch.fnmatchcase(name.lower(), one.lower()) for one in (self.name, *self.aliases, *also))


@dataclass(frozen=True, init=False)
class ServerConfig:
    """All that goes into one server: global directives, virtual hosts, files, extra modules.

    Args:
        virtual_hosts: in the order in which httpd shall read them: the first of a port is its default host.
        directives: text, or the path of a file, placed before the virtual hosts.
        pki: files by name below `${MODSSL_PKI}`, written with mode 0600: client CAs, CRLs, DH parameters, SRP
            verifiers. A certificate object's PEM, text or bytes.
        defines: further `Define`s for the text.
        modules: modules to load beyond those that the directives need (`"http2"`, not `"mod_http2.so"`).
        folders: folders by name below `${MODSSL_RUN}` with their permission bits, `{"cache": 0o700}`. They belong to
            the account that starts httpd, as what an administrator makes does.
        pipes: named pipes (FIFOs) by name below `${MODSSL_RUN}`, which everybody may read. Who reads one waits until
            somebody writes into it, and no longer than the server lives.
        listen: ports to listen on, instead of those of the virtual hosts.
        mpm: `"event"`, `"worker"` or `"prefork"`, instead of the first that the httpd has in this order.

    Attributes:
        snippets: the directives, each with the place that it was written at.
        origin: where this configuration stands in the user's files; `None` where nobody knows.

    Raises:
        ConfigError: for what cannot be written into a configuration.
    """

    virtual_hosts: tuple[VirtualHost, ...]
    snippets: tuple[Snippet, ...]
    pki: Mapping[str, bytes]
    folders: Mapping[str, int]
    pipes: tuple[str, ...]
    defines: Mapping[str, str]
    modules: tuple[str, ...]
    listen: tuple[int, ...]
    mpm: str | None
    origin: Origin | None = field(repr=False, compare=False)

    def __init__(
        self,
        *virtual_hosts: VirtualHost,
        directives: str | Path = "",
        pki: Mapping[str, Blob | str | bytes] | None = None,
        folders: Mapping[str, int] | None = None,
        pipes: Sequence[str] = (),
        defines: Mapping[str, str] | None = None,
        modules: Sequence[str] = (),
        listen: Sequence[int] | None = None,
        mpm: str | None = None,
    ) -> None:
        origin = caller()
        for name, value in (defines or {}).items():
            if not _DEFINE.match(name) or name.startswith("MODSSL_") or "\n" in value or '"' in value:
                raise ConfigError(
                    f"Define {name} {value!r}: a name of letters, digits and _, without MODSSL_ or quotes"
                )
        if mpm not in (None, "event", "worker", "prefork"):
            raise ConfigError(f"mpm={mpm!r}: one of 'event', 'worker', 'prefork'")
        ports = listen if listen is not None else dict.fromkeys(host.port for host in virtual_hosts)
        _set(
            self,
            virtual_hosts=tuple(virtual_hosts),
            snippets=snippets(directives, origin),
            pki={relative(name): _to_bytes(content) for name, content in (pki or {}).items()},
            folders={relative(name): mode for name, mode in (folders or {}).items()},
            pipes=tuple(map(relative, pipes)),
            defines=dict(defines or {}),
            modules=tuple(modules),
            listen=tuple(ports),
            mpm=mpm,
            origin=origin,
        )

    def extended(
        self, directives: str | Path, *, host: str | None = None, origin: Origin | None = None
    ) -> ServerConfig:
        """A copy with more directives, after those that are there.

        Args:
            directives: text, or the path of a file.
            host: name of the virtual hosts to add them to; `None` adds them to the server.
            origin: where the directives stand, if not where this is called.

        Raises:
            ConfigError: when no virtual host has that name.
        """
        more = snippets(directives, origin or caller())
        if host is None:
            return _changed(self, snippets=self.snippets + more)
        if host not in self.names:
            raise ConfigError(f"no virtual host is named {host!r}; there are {', '.join(self.names) or 'none'}")
        hosts = (_changed(one, snippets=one.snippets + more) if one.name == host else one for one in self.virtual_hosts)
        return _changed(self, virtual_hosts=tuple(hosts))

    def render(self, installation: Installation, place: Place) -> Rendered:
        """Its files for a place on an httpd; see `Configuration`."""
        return render(self, installation, place)

    def port_of(self, name: str, port: int) -> int | None:
        """The port itself, where a virtual host has it and serves the name; see `Configuration`."""
        if (name.lower(), port) in self._names or any(one.serves(name) for one in self._wild if one.port == port):
            return port
        return None

    @cached_property
    def _names(self) -> frozenset[tuple[str, int]]:
        """Every name without a wildcard, with its port."""
        return frozenset(
            (name.lower(), host.port) for host in self.virtual_hosts for name in (host.name, *host.aliases)
        )

    @cached_property
    def _wild(self) -> tuple[VirtualHost, ...]:
        """The virtual hosts that have more names than can be listed."""
        return tuple(one for one in self.virtual_hosts if _PATTERN.search(" ".join((one.name, *one.aliases))))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the virtual hosts, each once, in order."""
        return tuple(dict.fromkeys(host.name for host in self.virtual_hosts))

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port of the configuration, each once: those of Listen, then those that virtual hosts alone have."""
        return tuple(dict.fromkeys((*self.listen, *(host.port for host in self.virtual_hosts))))

    @cached_property
    def trust(self) -> tuple[bytes, ...]:
        """PEM of the root of every certificate that a CA issued: what a client of this server trusts."""
        roots = (leaf.root_pem for host in self.virtual_hosts for leaf in host.certificates)
        return tuple(dict.fromkeys(root.bytes() for root in roots if root is not None))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all that goes into the server, as 64 hex digits: equal digests can share a running server."""
        return digest_of(self._parts())

    def _parts(self) -> Iterator[str | bytes]:
        yield from ("server", repr(self.modules), repr(self.listen), repr(self.mpm), repr(sorted(self.defines.items())))
        yield from (one.text for one in self.snippets)
        yield from (repr(sorted(self.folders.items())), repr(sorted(self.pipes)))
        for name, content in sorted(self.pki.items()):
            yield from ("pki", name, content)
        for host in self.virtual_hosts:
            yield from ("host", host.name, repr(host.port), repr(host.aliases))
            yield from (one.text for one in host.snippets)
            for leaf in host.certificates:
                yield from ("leaf", leaf.cert_file_pem.bytes(), leaf.key_file_pem.bytes())
            for name, file in sorted(host.files.items()):
                yield from ("file", name, file.content, repr(file.executable))


_Value = TypeVar("_Value", VirtualHost, ServerConfig)


def _set(value: object, **attributes: object) -> None:
    for name, attribute in attributes.items():
        object.__setattr__(value, name, attribute)


def _changed(value: _Value, **changes: object) -> _Value:
    copy = object.__new__(type(value))
    _set(copy, **{one.name: changes.get(one.name, getattr(value, one.name)) for one in fields(value)})
    return copy


def _to_bytes(content: Blob | str | bytes) -> bytes:
    if isinstance(content, str):
        return content.encode()
    return content if isinstance(content, bytes) else content.bytes()
