"""The files of a repository that may be httpd's configuration, and why one of them cannot be run."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.folders import ARTIFACTS
from pytest_modssl.httpd.modules import module_of_directive
from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.repo.deployment import read_text
from pytest_modssl.repo.likely import has_host

if TYPE_CHECKING:
    from collections.abc import Iterator

MAIN_NAMES = frozenset({"httpd.conf", "apache2.conf"})
# Folders whose files are included one by one, with httpd's order where several stand side by side: that of Debian's
# apache2.conf (conf-enabled, sites-enabled), conf.d of RHEL's httpd.conf, the rest as people name them.
FRAGMENT_FOLDERS = {
    name: index
    for index, name in enumerate(
        (
            "conf-enabled",
            "conf.d",
            "extra",
            "sites-enabled",
            "sites-available",
            "vhosts",
            "vhosts.d",
            "sites",
            "sites.d",
        )
    )
}

# Nobody keeps a configuration to be deployed in these; they may hold more files than all the rest.
_PRUNED = frozenset({".git", ".hg", ".svn", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache"})
# What is in a folder that is no part of a repository: an environment of Python, what is kept of a test.
_FOREIGN = frozenset({"pyvenv.cfg", ARTIFACTS})
_TESTS = frozenset({"tests", "test", "testdata", "spec"})
_NAME = re.compile(r"\.(?:conf|vhost)(?![a-z])", re.IGNORECASE)
# Files in these are configuration whatever they are called.
_ANY_NAME = tuple(f"{os.sep}{name}" for name in ("sites-enabled", "sites-available", "vhosts.d"))
# Files below these may be, by what they say: before httpd 2.4 Debian's sites had no suffix, and people keep them so.
_BY_TEXT = frozenset({"apache", "apache2", "httpd", "sites", "vhosts", "virtualhosts"})
_BACKUP = re.compile(
    r"(?:\.conf|/[^./]+)(?:~|[._-](?:bak|backup|old|orig|save|swp|rpmsave|rpmnew|rpmorig|dpkg-\w+|ucf-\w+|disabled))+$"
    r"|/#[^/]+#$|/\.#[^/]+$|/\.[^/]+\.sw[op]$"
)
_TEMPLATE_NAME = re.compile(
    r"\.(?:conf|vhost)\.(?:in|m4|dist|sample|example)$"
    r"|\.(?:j2|jinja2?|erb|epp|tt2?|tmpl|gotmpl|tpl|tftpl|template|mako|ctmpl|twig|mustache|hbs|php)$"
)
_TEMPLATE = re.compile(r"\{\{[^{}\n]{1,200}\}\}|\{%[^{}\n]{1,200}%\}|<%[=#@\s-]|@@\w{1,99}@@|\[%[^\n]{1,200}?%\]")
# A name of a host that a script is to put in: what no such name can have in it, or all of it between underscores.
_PLACEHOLDER = re.compile(
    r"^[ \t]*(?:<VirtualHost|Server(?:Name|Alias))[ \t]+(?:[^\s#]*[ \t.])?"
    r"(?P<what>\(\(+[\w.-]+\)\)+|<[A-Z][\w -]*>|(?<![$%])\{[\w.-]+\}|%[A-Za-z]\w*%|@[A-Za-z]\w*@|__\w+?__)",
    re.MULTILINE | re.IGNORECASE,
)
_NGINX = re.compile(
    r"^[ \t]*(?:server|http|events|upstream\s+[\w.-]+|location\s[^{;\n]*)\s{0,99}\{[ \t]*(?:#.*)?$", re.MULTILINE
)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_VIRTUAL_HOST = re.compile(r"^[ \t]*<VirtualHost\b", re.MULTILINE | re.IGNORECASE)
# Enough to tell httpd's language from another one.
_LOOKED_AT = 30


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be configuration.

    Attributes:
        path: in the repository.
        source: the file that is read: `path`, or what a link to a deployment path means in the repository.
        text: "" where it cannot be read.
        unfit: why it cannot be run, in words; "" where it can.
    """

    path: Path
    source: Path
    text: str = field(default="", repr=False)
    unfit: str = ""

    @property
    def has_hosts(self) -> bool:
        """Whether it opens a `<VirtualHost>`."""
        return _VIRTUAL_HOST.search(self.text) is not None

    @property
    def is_httpd(self) -> bool:
        """Whether it reads as httpd's language: at least half of its first directives are of httpd's own modules."""
        names = [one.name for one in islice(directives_in(self.text), _LOOKED_AT) if not one.name.startswith("</")]
        known = sum(name.lower() == "use" or module_of_directive(name) is not None for name in names)
        return known > 0 and 2 * known >= len(names)


def candidates(root: Path, below: Path) -> list[Candidate]:
    """The files below a folder that may be configuration by their names and folders, in order of their paths.

    Args:
        root: the repository; a link that leads out of it is not followed.
        below: the folder itself, in the repository. Folders named for tests count where they lie below it.
    """
    real_root = root.resolve()
    found = ((_among_others(candidate(path, real_root), below), named) for path, named in sorted(_walk(below)))
    return [one for one, named in found if named or one.unfit or one.is_httpd]


def candidate(path: Path, real_root: Path) -> Candidate:
    """What one file is by itself.

    Args:
        path: the file.
        real_root: the repository, links resolved; a link that leads out of it is not followed.
    """
    try:
        source = path
        if path.is_symlink() and not path.exists():
            # Links as `a2ensite` makes them point from one folder of a server root to the next.
            target = path.readlink()
            source = path.parent.parent.joinpath(*target.parts[-2:])
            if not source.exists():
                return Candidate(path, path, unfit=f"a symbolic link to {target}, which the repository does not hold")
        real = source.resolve(strict=True)
        if not real.is_relative_to(real_root):
            return Candidate(path, path, unfit=f"a symbolic link that leads out of the repository, to {real}")
        if not real.is_file():
            return Candidate(path, path, unfit="not a regular file")
        text = read_text(real)
    except RuntimeError:
        return Candidate(path, path, unfit="a symbolic link to itself")
    except OSError as error:
        return Candidate(path, path, unfit=f"cannot be read: {error.strerror}")
    return Candidate(path, source, text, _unfit(path, text))


def _unfit(path: Path, text: str) -> str:
    if "\0" in text:
        return "not text"
    if _TEMPLATE_NAME.search(path.name):
        return "a template by its name: name its rendered form as configuration"
    plain = _COMMENT.sub("", text)
    if (found := _TEMPLATE.search(plain)) is not None:
        return f"a template, {found[0]} is yet to be replaced: name its rendered form as configuration"
    if (found := _PLACEHOLDER.search(plain)) is not None and "<macro" not in plain.lower():
        return f"a template, {found['what']} is yet to be replaced: name its rendered form as configuration"
    if _NGINX.search(plain):
        return "nginx's language, not httpd's"
    return ""


def _among_others(one: Candidate, below: Path) -> Candidate:
    """A candidate with what is wrong with it only as long as nobody names it."""
    if _BACKUP.search(one.path.as_posix()):
        return replace(one, unfit="a backup by its name, which nothing includes")
    if not one.unfit and not _TESTS.isdisjoint(one.path.relative_to(below).parts[:-1]):
        return replace(one, unfit="in a folder for tests")
    return one


def _walk(below: Path) -> Iterator[tuple[Path, bool]]:
    """Files, each with whether it has a name of configuration or is in a folder for it; others begin a virtual host.

    Links to folders are not entered.
    """
    pending = [str(below)]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError:
            continue
        if any(entry.name in _FOREIGN for entry in entries):
            continue
        names_any = folder.endswith(_ANY_NAME)
        by_text = not _BY_TEXT.isdisjoint(Path(folder).parts[-2:])
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                if name not in _PRUNED:
                    pending.append(entry.path)
            elif _NAME.search(name) or (names_any and not name.startswith(".")):
                yield Path(entry.path), True
            elif by_text and not name.startswith(".") and has_host(Path(entry.path)):
                yield Path(entry.path), False
