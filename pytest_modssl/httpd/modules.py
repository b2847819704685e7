"""Which modules a piece of configuration needs, and where to get a module that is missing.

Modules go by the name between `mod_` and `.c`: "ssl" is mod_ssl, loaded as `ssl_module`. Which module a directive comes
from stands in directives.json (written by tools/list_directives.py); what an *argument* needs besides stands here.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_modssl.httpd.syntax import directives_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

Layout = Literal["debian", "redhat", "apache", "unknown"]


_HANDLERS = {
    "cgi-script": "cgid",
    "server-status": "status",
    "server-info": "info",
    "imap-file": "imagemap",
    "send-as-is": "asis",
    "type-map": "negotiation",
    "balancer-manager": "proxy_balancer",
    "ldap-status": "ldap",
    "lua-script": "lua",
    "http2-status": "http2",
    "md-status": "md",
    "form-login-handler": "auth_form",
    "form-logout-handler": "auth_form",
    "form-redirect-handler": "auth_form",
}
_FILTERS = {
    "includes": "include",
    "deflate": "deflate",
    "inflate": "deflate",
    "brotli_compress": "brotli",
    "substitute": "substitute",
    "sed": "sed",
    "proxy-html": "proxy_html",
    "xml2enc": "xml2enc",
    "rate_limit": "ratelimit",
    "buffer": "buffer",
    "cache": "cache",
    "data": "data",
    "reflector": "reflector",
    "casefilter": "case_filter",
    "casefilterin": "case_filter_in",
    "kept_body": "request",
}
_SCHEMES = {
    "http": "proxy_http",
    "https": "proxy_http ssl",
    "h2": "proxy_http2 ssl",
    "h2c": "proxy_http2",
    "ws": "proxy_wstunnel",
    "wss": "proxy_wstunnel ssl",
    "ajp": "proxy_ajp",
    "fcgi": "proxy_fcgi",
    "scgi": "proxy_scgi",
    "uwsgi": "proxy_uwsgi",
    "ftp": "proxy_ftp",
    "balancer": "proxy_balancer",
}
_AUTHN = {name: f"authn_{name}" for name in ("file", "dbm", "dbd", "anon", "socache")} | {"ldap": "authnz_ldap"}
_SOCACHE = {name: f"socache_{name}" for name in ("shmcb", "dbm", "memcache", "redis")}
_AUTHZ = {
    "user": "authz_user",
    "valid-user": "authz_user",
    "group": "authz_groupfile",
    "ip": "authz_host",
    "host": "authz_host",
    "local": "authz_host",
    "forward-dns": "authz_host",
    "ssl": "ssl",
    "ssl-verify-client": "ssl",
    "file-owner": "authz_owner",
    "file-group": "authz_owner authz_groupfile",
    "dbm-group": "authz_dbm",
    "dbd-group": "authz_dbd",
    "ldap-user": "authnz_ldap",
    "ldap-group": "authnz_ldap",
    "ldap-dn": "authnz_ldap",
    "ldap-attribute": "authnz_ldap",
    "ldap-filter": "authnz_ldap",
}

# Directives -> (how many arguments count, what a word in them needs). httpd manual 2.4, the page of each directive;
# that httpd stops without the module was seen on 2.4.71 for the SSL caches, Require, AuthBasicProvider, Dav, ProxyPass
# balancer, LogFormat %x and LogLevel. (SSLUseStapling alone does not imply a cache: AH01958 with and without shmcb.)
_ARGUMENTS: tuple[tuple[str, int | None, dict[str, str]], ...] = (
    ("sethandler", 1, _HANDLERS | {scheme: f"proxy {module}" for scheme, module in _SCHEMES.items()}),
    ("addhandler", 1, _HANDLERS),
    ("setoutputfilter setinputfilter addoutputfilter addinputfilter addoutputfilterbytype", 1, _FILTERS),
    ("filterprovider", 2, _FILTERS),
    ("require", 1, _AUTHZ),
    ("<authzprovideralias", 1, _AUTHZ),
    ("authbasicprovider authdigestprovider authformprovider <authnprovideralias", None, _AUTHN),
    (
        "authtype",
        1,
        {"basic": "auth_basic authn_file", "digest": "auth_digest authn_file", "form": "auth_form authn_file"},
    ),
    ("sslsessioncache sslstaplingcache authncachesocache cachesocache", 1, _SOCACHE),
    ("protocols", None, {"h2": "http2", "h2c": "http2"}),
    ("dav", 1, {"on": "dav_fs", "filesystem": "dav_fs"}),
    ("cacheenable", 1, {"disk": "cache_disk", "socache": "cache_socache"}),
    ("proxypass proxypassmatch balancermember proxyremote proxyremotematch <proxy", 2, _SCHEMES),
    ("rewritemap", 2, {"dbd": "dbd", "fastdbd": "dbd"}),
    ("proxyset", None, {f"lbmethod={name}": f"lbmethod_{name}" for name in ("bybusyness", "bytraffic", "heartbeat")}),
)
_BY_DIRECTIVE = {name: (count, words) for names, count, words in _ARGUMENTS for name in names.split()}
# httpd takes these options without the module; where it is there, they are meant to work.
_OPTIONS = {"execcgi": "cgid", "includes": "include", "includesnoexec": "include"}

# Without these a module cannot be loaded or stops the start (measured on httpd 2.4.71: each module loaded and started
# alone), or, for the last three lines, does nothing.
_DEPENDENCIES = {
    "cache_disk": "cache",
    "cache_socache": "cache",
    "dav_fs": "dav",
    "dav_lock": "dav",
    "session_cookie": "session",
    "session_crypto": "session",
    "session_dbd": "session dbd",
    "auth_form": "session request",
    "authnz_ldap": "ldap",
    "heartmonitor": "slotmem_shm",
    "proxy_balancer": "slotmem_shm lbmethod_byrequests",
    "lbmethod_bybusyness": "proxy_balancer",
    "lbmethod_bytraffic": "proxy_balancer",
    "lbmethod_heartbeat": "proxy_balancer heartmonitor",
    "auth_basic": "authn_core",
    "auth_digest": "authn_core",
    "authn_dbd": "dbd",
    "authz_dbd": "dbd",
}

_CONDITIONAL = frozenset({"<ifmodule", "<ifdefine", "<ifdirective", "<iffile", "<ifsection", "<ifversion"})
_ALWAYS_THERE = frozenset({"core", "so", "http"})
# What every main file of httpd 2.4 loads unless it is compiled in: httpd's own docs/conf/httpd.conf.in, and those of
# Debian, RHEL, the image and XAMPP.
_IN_EVERY_HTTPD = frozenset({"authz_core", "authz_host", "unixd", "log_config"})
# mod_ssl's %{VAR}x and %{VAR}c, mod_logio's %I %O %S (manual, mod_log_config and the pages of both).
# Parameters of mod_proxy_hcheck, in directives of mod_proxy (manual, mod_proxy_hcheck).
_HEALTH = re.compile(r"hc(?:method|passes|fails|interval|uri|template|expr)=", re.IGNORECASE)
_OF_WORKERS = frozenset({"proxypass", "balancermember", "proxyset"})
_LOG_SSL = re.compile(r"%[<>!\d,]*\{[^}]*\}[xc]")
_LOG_IO = re.compile(r"%[<>!\d,]*(?:\{[^}]*\})?[IOS]")
_LOGGED = (("ssl", _LOG_SSL), ("logio", _LOG_IO))

# `dnf repoquery --file '*/mod_*.so'`: the modules that Fedora and RHEL 8-10 keep outside httpd itself.
_REDHAT = {
    "ssl": "mod_ssl",
    "http2": "mod_http2",
    "md": "mod_md",
    "lua": "mod_lua",
    "ldap": "mod_ldap",
    "authnz_ldap": "mod_ldap",
    "proxy_html": "mod_proxy_html",
    "xml2enc": "mod_proxy_html",
    **dict.fromkeys(("session", "session_cookie", "session_crypto", "session_dbd", "auth_form"), "mod_session"),
}


def modules_for(text: str, *, available: Collection[str] | None = None) -> frozenset[str]:
    """Modules that a configuration text needs, with those that these depend on.

    MPMs are left out (every httpd has one, and the text does not choose it), as are modules that the text loads itself
    and those that no httpd lacks (core, so, http). CGI is "cgid"; a prefork httpd has "cgi" in its place.

    Args:
        text: configuration in httpd's own language.
        available: modules of the httpd at hand. What stands inside `<IfModule>` and the other conditions counts only
            for these, and so does a module that `<IfModule>` asks for: the text says that it can do without. With
            None nothing inside conditions counts.
    """
    needed: set[str] = set()
    wanted: set[str] = set()
    loaded: set[str] = set()
    conditions = 0
    for directive in directives_in(text):
        name = directive.name.lower()
        if name in _CONDITIONAL:
            conditions += 1
            if name == "<ifmodule" and directive.arguments and not directive.arguments[0].startswith("!"):
                wanted.add(_module_name(directive.arguments[0]))
            if name == "<ifversion":
                needed.add("version")
        elif name.startswith("</") and f"<{name[2:]}" in _CONDITIONAL:
            conditions = max(0, conditions - 1)
        elif name == "loadmodule" and directive.arguments:
            loaded.add(_module_name(directive.arguments[0]))
        else:
            (wanted if conditions else needed).update(_modules_of(name, directive.arguments))
            if name == "options":
                wanted.update(_matching(directive.arguments, _OPTIONS))
    present = set(available or ())
    needed.update(name for name in wanted if with_dependencies([name]) <= present | _ALWAYS_THERE)
    return frozenset(name for name in with_dependencies(needed) - loaded if not name.startswith("mpm_")) - _ALWAYS_THERE


def is_whole(modules: Iterable[str]) -> bool:
    """Whether modules that a configuration loads are all that it has, and not such as it adds to those of a main file.

    All that it has have an MPM among them, or one of the modules that no httpd for Unix or Windows does without.

    Args:
        modules: without `mod_` and `_module`.
    """
    return any(name in _IN_EVERY_HTTPD or name.startswith("mpm_") for name in modules)


def with_dependencies(modules: Iterable[str]) -> frozenset[str]:
    """`modules` and all modules without which they cannot be loaded or started."""
    found: set[str] = set()
    queue = list(modules)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += _DEPENDENCIES.get(name, "").split()
            if name.startswith("proxy_") and name != "proxy_html":
                queue.append("proxy")
    return frozenset(found)


def module_of_directive(name: str) -> str | None:
    """The module of httpd 2.4 that brings a directive, "core" for core; None when no module of httpd's own does.

    Args:
        name: in any case; a section with or without its "<".
    """
    table = _table()["directives"]
    bare = name.lower().strip("</>")
    return table.get(bare) or table.get(f"<{bare}")


def directive_names() -> tuple[str, ...]:
    """All directives of httpd 2.4's own modules as the manual writes them, sections with their "<"."""
    return tuple(_table()["names"].values())


def module_names() -> tuple[str, ...]:
    """The names of httpd's own modules, without `mod_` and `_module`."""
    return tuple(_table()["modules"])


def package_of_module(name: str, layout: Layout) -> str:
    """How to get a module, as a command or as words that finish "to get it, ...".

    Args:
        name: without `mod_` and `_module`.
        layout: of the httpd that lacks it.
    """
    if name not in _table()["modules"]:
        return f"not one of httpd's own modules: install mod_{name} as its maker says"
    if layout == "debian":
        return "apt-get install apache2-bin (it brings all of httpd's own modules)"
    if layout == "redhat":
        return f"dnf install {_REDHAT.get(name, 'httpd')}"
    build = f"build httpd with --enable-{name.replace('_', '-')}"
    return build if layout == "apache" else f"install this system's package that has mod_{name}.so, or {build}"


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    """Lower-case directive -> module, lower-case directive -> as written, and the known modules as keys."""
    table = json.loads(Path(__file__).with_name("directives.json").read_text(encoding="utf-8"))
    return {
        "directives": {name.lower(): module for name, module in table["directives"].items()},
        "names": {name.lower(): name for name in table["directives"]},
        "modules": dict.fromkeys(table["modules"], ""),
    }


def _module_name(text: str) -> str:
    """Name of a module as LoadModule ("ssl_module"), IfModule (also "mod_ssl.c") and LogLevel (also "ssl") write it."""
    return text.removeprefix("mod_").removesuffix(".c").removesuffix("_module")


def _modules_of(name: str, arguments: tuple[str, ...]) -> Iterator[str]:
    """What a directive needs by itself and by its arguments."""
    module = _table()["directives"].get(name)
    if module is not None:
        yield module
    count, words = _BY_DIRECTIVE.get(name, (0, {}))
    if name in {"require", "<authzprovideralias"} and arguments[:1] == ("not",):
        arguments = arguments[1:]
    yield from _matching(arguments[:count], words)
    if name == "authtype":
        yield "authn_core"
    elif name == "rewriterule" and len(arguments) > 2:
        yield from _modules_of_rewrite(arguments[1], arguments[2])
    elif name in {"logformat", "customlog", "globallog"}:
        yield from (module for module, form in _LOGGED if any(map(form.search, arguments)))
    elif name in _OF_WORKERS:
        yield from ("proxy_hcheck", "watchdog") if any(map(_HEALTH.match, arguments)) else ()
    elif name == "loglevel":
        yield from (_module_name(argument.partition(":")[0]) for argument in arguments if ":" in argument)


def _matching(arguments: Iterable[str], words: Mapping[str, str]) -> Iterator[str]:
    """Modules for the words of arguments: "+ExecCGI", "INCLUDES;DEFLATE", "shmcb:/path(512000)", "unix:/x|fcgi://y"."""
    for argument in arguments:
        for word in re.split(r"[;:|]", argument.lower()):
            yield from words.get(word.lstrip("+-"), "").split()


def _modules_of_rewrite(target: str, flags: str) -> Iterator[str]:
    """What the flags [P] and [H=handler] of a RewriteRule need; a target with no plain scheme is taken as HTTP."""
    for flag in flags.strip("[]").split(","):
        key, _, argument = flag.strip().lower().partition("=")
        if key in {"p", "proxy"}:
            yield "proxy"
            yield from _SCHEMES.get(re.split(r"://", target.lower())[0].rpartition("|")[2], "proxy_http").split()
        elif key in {"h", "handler"}:
            yield from _matching([argument], _HANDLERS)
