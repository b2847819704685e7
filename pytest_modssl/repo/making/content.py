"""Pages, programs, tables, and the folders of what httpd itself writes."""

from __future__ import annotations

import html
import mimetypes
import posixpath
import re
import secrets
import shlex
from typing import TYPE_CHECKING, Final

from pytest_modssl.pki import dh_parameters
from pytest_modssl.repo.making.logins import add_dbm
from pytest_modssl.repo.making.pairs import shown
from pytest_modssl.repo.making.plan import FOLDER, PROGRAM, PUBLIC, SECRET, WRITABLE, as_bytes
from pytest_modssl.repo.references import kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_modssl.repo.making.plan import Plan
    from pytest_modssl.repo.making.scopes import Scope, Use

# Devices and what the kernel shows are the machine's own.
_MACHINE: Final = re.compile(r"/(?:dev|proc|sys)(?:/|$)")
# RFC 5077 section 4 has 16 bytes each for the name, AES-128 and HMAC; mod_ssl reads 48 (manual,
# SSLSessionTicketKeyFile).
_TICKET_BYTES: Final = 48
# mod_ssl reads as many bytes as a directive says; the manual's examples say 512 and 1024.
_ENTROPY_BYTES: Final = 1024
_DH_SIZE: Final = re.compile(r"(?<!\d)(1024|2048|3072|4096|6144|8192)(?!\d)")
_DH_DEFAULT: Final = "2048"
_MAGIC: Final = (
    b"0\tstring\t\t<!doctype\ttext/html\n0\tstring\t\t<html\ttext/html\n0\tstring\t\t%PDF-\tapplication/pdf\n"
)


def make_content(plan: Plan, scopes: Sequence[Scope]) -> None:
    """Adds to a plan all that is neither certificate nor login."""
    for scope in scopes:
        for use in scope.uses:
            if _MACHINE.match(use.path):
                continue
            maker = _MAKERS.get(use.kind) or _BY_NEED.get(kind(use.kind).needs)
            if maker is not None and not _is_there(plan, use):
                maker(plan, use)
    _pages(plan, scopes)


def _is_there(plan: Plan, use: Use) -> bool:
    # A log file or socket that is there says nothing of httpd's being able to write it: its folder counts.
    if kind(use.kind).needs in ("parent", "writable parent") and use.kind not in _MAKERS:
        return False
    return plan.holdings.file(use.path) is not None or plan.holdings.has_folder(use.path)


def _file(content: Callable[[Use], bytes], what: str, mode: int = PUBLIC) -> Callable[[Plan, Use], None]:
    def make(plan: Plan, use: Use) -> None:
        plan.add(use, content(use), what, mode=mode)

    return make


def _program(script: str, what: str) -> Callable[[Plan, Use], None]:
    return _file(lambda _: as_bytes(f"#!/bin/sh\n{script}\n"), what, PROGRAM)


def _folder(plan: Plan, use: Use) -> None:
    plan.add_folder(use, use.kind)


def _writable_folder(plan: Plan, use: Use) -> None:
    plan.add_folder(use, f"{use.kind}, in which httpd's children write", mode=WRITABLE)


def _parent(plan: Plan, use: Use) -> None:
    plan.add_folder(use, f"folder of a {use.kind}", mode=FOLDER, path=posixpath.dirname(use.path))


def _writable_parent(plan: Plan, use: Use) -> None:
    what = f"folder of {use.kind}, in which httpd's children write"
    plan.add_folder(use, what, mode=WRITABLE, path=posixpath.dirname(use.path))


def _dh(plan: Plan, use: Use) -> None:
    told = _DH_SIZE.search(posixpath.basename(use.path))
    bits = told[1] if told else _DH_DEFAULT
    group = "rfc2409-1024" if bits == "1024" else f"ffdhe{bits}"
    plan.append(use, dh_parameters(group).bytes(), f"DH parameters {group}")


def _pass_phrase(plan: Plan, use: Use) -> None:
    known = plan.holdings.pass_phrase
    script = f"printf '%s\\n' {shlex.quote(known)}" if known is not None else ":"
    what = "program that prints the pass phrase" if known is not None else "program that prints no pass phrase"
    # It has a secret where it prints one, and httpd's parent alone runs it.
    plan.add(use, as_bytes(f"#!/bin/sh\n{script}\n"), what, mode=0o700)


def _alias(plan: Plan, use: Use) -> None:
    if _is_folder_of_alias(use):
        plan.add_folder(use, "folder of an Alias, empty")
    else:
        name = posixpath.basename(use.path)
        plan.add(use, _page(name) if name.endswith((".html", ".htm")) else as_bytes(f"{name}\n"), "file of an Alias")


def _script(plan: Plan, use: Use) -> None:
    if _is_folder_of_alias(use):
        plan.add_folder(use, "folder of scripts, empty")
    else:
        text = shlex.quote(posixpath.basename(use.path))
        script = f"#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n%s\\n' {text}\n"
        plan.add(use, as_bytes(script), "script that says its name", mode=PROGRAM)


def _is_folder_of_alias(use: Use) -> bool:
    words = use.directive.words
    return any(word.endswith("/") for word in words) or "." not in posixpath.basename(use.path)


def _by_name(plan: Plan, use: Use) -> None:
    """The DocumentRoots of mod_vhost_alias, where %0 alone stands for a host's name (manual, mod_vhost_alias)."""
    if "%" in use.path.replace("%0", ""):
        plan.leave(use, "only %0 is replaced here")
        return
    for name in (one for one in use.scope.names if "*" not in one and "?" not in one):
        path = use.path.replace("%0", name)
        if not plan.holdings.has_folder(path):
            plan.add_folder(use, f"DocumentRoot of {name}", path=path)
            plan.add(use, _page(name), f"page of {name}", path=f"{path}/index.html")


def _lua(plan: Plan, use: Use) -> None:
    words = use.directive.words
    maps = use.directive.name.lower() == "luamaphandler"
    after = next((number for number, word in enumerate(words) if use.path.endswith(word)), 0) + 1
    function = words[after] if len(words) > after else "handle"
    body = 'r.content_type = "text/plain"; r:puts("made\\n"); return apache2.OK' if maps else "return apache2.DECLINED"
    plan.append(
        use, as_bytes(f'require "apache2"\nfunction {function}(r) {body} end\n'), "Lua script that does nothing"
    )


def _types(_: Use) -> bytes:
    extensions: dict[str, list[str]] = {}
    for extension, media_type in mimetypes.MimeTypes(filenames=()).types_map[True].items():
        extensions.setdefault(media_type, []).append(extension.removeprefix("."))
    return "".join(f"{one}\t{' '.join(ends)}\n" for one, ends in sorted(extensions.items())).encode()


def _pages(plan: Plan, scopes: Sequence[Scope]) -> None:
    """DocumentRoots with a page that says whose it is, and the error pages in them."""
    owners: dict[str, tuple[Use, list[Scope]]] = {}
    for scope in scopes:
        for use in scope.paths("document root")[-1:]:
            owners.setdefault(use.path, (use, []))[1].append(scope)
    for path, (use, servers) in owners.items():
        if _MACHINE.match(path) or plan.holdings.has_folder(path):
            continue
        # The main server has no page of its own where hosts take its DocumentRoot.
        named = [one for one in servers if one.section is not None] or servers
        names = list(dict.fromkeys(one.names[0] for one in named if one.names)) or ["host without a name"]
        plan.add_folder(use, f"DocumentRoot of {shown(names)}")
        for index in dict.fromkeys(name for one in servers for name in _index_names(one)):
            plan.add(use, _page(shown(names)), f"page of {shown(names)}", path=f"{path}/{index}")
        for scope in servers:
            for url in _error_pages(scope):
                plan.add(use, _page(f"error page of {shown(names)}"), "error page", path=f"{path}{url}")


def _index_names(scope: Scope) -> Iterator[str]:
    yield "index.html"
    told = [word for one in scope.effective("directoryindex") for word in one.words]
    if told and "index.html" not in told and re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", told[0]):
        yield told[0]


def _error_pages(scope: Scope) -> Iterator[str]:
    """The local paths of ErrorDocument that are below DocumentRoot (manual, ErrorDocument)."""
    aliases = [
        words[0]
        for name in ("alias", "scriptalias", "proxypass")
        for one in scope.anywhere(name)
        if len(words := one.words) > 1
    ]
    for one in scope.anywhere("errordocument"):
        url = one.words[1] if len(one.words) > 1 else ""
        path = posixpath.normpath(url.partition("?")[0])
        if re.fullmatch(r"/[\w./-]*\w", url.partition("?")[0]) and "." in posixpath.basename(path):
            elsewhere = any(path == alias or path.startswith(f"{alias.rstrip('/')}/") for alias in aliases)
            if not elsewhere:
                yield path


def _page(text: str) -> bytes:
    shown_text = html.escape(text)
    return as_bytes(f"<!doctype html>\n<title>{shown_text}</title>\n<p>{shown_text}\n")


def _empty_dbm(plan: Plan, use: Use) -> None:
    if plan.holdings.file(f"{use.path}.pag") is None:
        add_dbm(plan, use, {}, f"empty {use.kind}")


_MAKERS: Final[dict[str, Callable[[Plan, Use], None]]] = {
    "DH parameters": _dh,
    "ticket keys": _file(lambda _: secrets.token_bytes(_TICKET_BYTES), "session ticket keys", SECRET),
    "pass phrase program": _pass_phrase,
    "entropy file": _file(lambda _: secrets.token_bytes(_ENTROPY_BYTES), "random bytes", SECRET),
    "entropy program": _program(f"exec head -c {_ENTROPY_BYTES} /dev/urandom", "program that prints random bytes"),
    "session passphrases": _file(lambda _: f"{secrets.token_hex()}\n".encode(), "passphrase of sessions", SECRET),
    "passphrase program": _file(
        lambda _: f"#!/bin/sh\necho {secrets.token_hex()}\n".encode(), "program that prints a passphrase", 0o700
    ),
    "map file": _file(lambda _: b"", "empty rewrite map"),
    "map program": _program("while read -r key; do echo NULL; done", "rewrite map that finds nothing"),
    "DBM map": _empty_dbm,
    "address map": _empty_dbm,
    "types file": _file(_types, "media types, those that Python knows"),
    "magic file": _file(lambda _: _MAGIC, "magic numbers of HTML and PDF"),
    "static file": _file(lambda use: as_bytes(f"{posixpath.basename(use.path)}\n"), "file that says its name"),
    "address list": _file(lambda _: b"", "empty list of addresses"),
    "LDAP charsets": _file(lambda _: b"en ISO-8859-1 English\n", "charsets for LDAP, English alone"),
    "Lua script": _lua,
    "program": _program("exec cat", "program that copies its input"),
    "piped log": _program("exec cat >/dev/null", "program that reads a log and keeps nothing"),
    "document root template": _by_name,
    "alias target": _alias,
    "script target": _script,
    # With its page, when all servers are known that have it.
    "document root": lambda _plan, _use: None,
    "Lua folder": _folder,
    "server root": _folder,
}
# Logins and what vouches have makers of their own; other files, such as modules, nobody makes.
_BY_NEED: Final[dict[str, Callable[[Plan, Use], None]]] = {
    "writable folder": _writable_folder,
    "parent": _parent,
    "writable parent": _writable_parent,
}
