"""How Debian, RHEL and the official image lay out httpd's files; what an installation has and a repository has not.

`installed/` holds these files at their deployment paths. They say what the distributions' own do as far as it can be
seen from outside or is needed to start (Debian: apache2 2.4.62 in bookworm; RHEL: httpd and mod_ssl 2.4.62 in 9;
httpd's own docs/conf and the image httpd:2.4). Their virtual hosts are left out: a repository's own are to be tested.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_modssl.httpd.modules import module_names
from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.repo.found import Layout

if TYPE_CHECKING:
    from collections.abc import Collection

NAMES: Final = ("debian", "rhel", "image")

_INSTALLED = Path(__file__).with_name("installed")
# (server root, main file, where mime.types and magic are)
_PLACES = {
    "debian": ("/etc/apache2", "apache2.conf", "/etc/mime.types", "/etc/apache2/magic"),
    "rhel": ("/etc/httpd", "conf/httpd.conf", "/etc/mime.types", "/etc/httpd/conf/magic"),
    "image": (
        "/usr/local/apache2",
        "conf/httpd.conf",
        "/usr/local/apache2/conf/mime.types",
        "/usr/local/apache2/conf/magic",
    ),
}
# Debian's /etc/apache2/envvars, with APACHE_CONFDIR of apache2ctl; the image's ENV.
_VARIABLES = {
    "debian": {
        "APACHE_CONFDIR": "/etc/apache2",
        "APACHE_RUN_USER": "www-data",
        "APACHE_RUN_GROUP": "www-data",
        "APACHE_RUN_DIR": "/var/run/apache2",
        "APACHE_LOCK_DIR": "/var/lock/apache2",
        "APACHE_LOG_DIR": "/var/log/apache2",
        "APACHE_PID_FILE": "/var/run/apache2/apache2.pid",
        "LANG": "C",
    },
    "rhel": {"LANG": "C"},
    "image": {"HTTPD_PREFIX": "/usr/local/apache2"},
}
# Virtual hosts that certbot has written include it.
_CERTBOT = "/etc/letsencrypt/options-ssl-apache.conf"
# What all three load, whatever their configuration says, and clients notice.
_MODULES = ("alias", "auth_basic", "authn_core", "authn_file", "authz_core", "authz_host", "authz_user", "dir", "env")
_MORE_MODULES = ("log_config", "mime", "negotiation", "reqtimeout", "setenvif", "unixd")
# What an httpd of the layout has compiled in, and others load (`apache2 -l`, `httpd -l`).
_BUILT_IN = {"debian": ("log_config", "logio", "unixd", "version", "watchdog"), "rhel": (), "image": ()}
# What the layouts' own files listen on.
_LISTENED = frozenset({80, 443})
# Files of httpd's own conf/extra that a main file may include, and that say nothing a test could see.
_EXTRA = (
    "autoindex",
    "dav",
    "default",
    "info",
    "languages",
    "manual",
    "mpm",
    "multilang-errordoc",
    "userdir",
    "vhosts",
)


@lru_cache(maxsize=len(NAMES))
def layout(name: str) -> Layout:
    """The layout of that name, one of `NAMES`."""
    server_root, main, mime_types, magic = _PLACES[name]
    top = _INSTALLED / name
    files = {f"/{path.relative_to(top).as_posix()}": _text(path) for path in sorted(top.rglob("*")) if path.is_file()}
    base = files.pop(f"{server_root}/{main}")
    files |= {mime_types: _text(_INSTALLED / "mime.types"), magic: _text(_INSTALLED / "magic")}
    files[_CERTBOT] = _text(_INSTALLED / "options-ssl-apache.conf")
    if name == "debian":
        load = "LoadModule {0}_module /usr/lib/apache2/modules/mod_{0}.so\n"
        files |= {f"{server_root}/mods-available/{one}.load": load.format(one) for one in module_names()}
        enabled = f"{server_root}/mods-enabled/"
        files |= {
            path.replace(enabled, f"{server_root}/mods-available/"): text
            for path, text in files.items()
            if path.startswith(enabled)
        }
    elif name == "image":
        files |= dict.fromkeys((f"{server_root}/conf/extra/httpd-{one}.conf" for one in _EXTRA), "")
        files[f"{server_root}/conf/extra/proxy-html.conf"] = ""
    return Layout(
        name=name,
        server_root=server_root,
        main=f"{server_root}/{main}",
        variables=_VARIABLES[name],
        files=files,
        base=base,
        modules=_MODULES + _MORE_MODULES,
        built_in=_BUILT_IN[name],
    )


def moved(one: Layout, server_root: str) -> Layout:
    """A layout with another ServerRoot: "C:/Apache24", "/opt/httpd"."""
    old = one.server_root
    if server_root == old:
        return one

    def to_new(path: str) -> str:
        return server_root + path[len(old) :] if path.startswith(f"{old}/") else path

    return replace(
        one,
        server_root=server_root,
        main=to_new(one.main),
        files={to_new(path): text.replace(f"{old}/", f"{server_root}/") for path, text in one.files.items()},
        base=one.base.replace(old, server_root),
    )


def beside(one: Layout, *, without: Collection[str], listened: Collection[int], wanted: Collection[int]) -> Layout:
    """A layout as it stands beside a repository's own files.

    Args:
        one: the layout.
        without: deployment paths of files that this machine has not.
        listened: ports that the repository listens on: httpd allows each once, so they are left out here.
        wanted: ports of its virtual hosts; where the layout has the listeners, they are added.
    """
    files = {path: _without_listen(text, listened) for path, text in one.files.items() if path not in without}
    base = _without_listen(one.base, listened)
    listeners = "".join(f"Listen {port}\n" for port in sorted({*wanted} - {*listened} - _LISTENED))
    ports = f"{one.server_root}/ports.conf"
    if ports in files:
        return replace(one, files={**files, ports: files[ports] + listeners}, base=base)
    return replace(one, files=files, base=base + listeners)


def _without_listen(text: str, ports: Collection[int]) -> str:
    for directive in reversed(tuple(directives_in(text)) if "Listen" in text else ()):
        if directive.name == "Listen" and int(directive.words[0].text) in ports:
            text = text[: directive.start] + text[directive.end :]
    return text


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
