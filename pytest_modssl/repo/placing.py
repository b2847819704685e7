"""For which layout a configuration of a repository is written, and where its folders stand on the machine."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_modssl.repo.bounds import replaced
from pytest_modssl.repo.deployment import Deployment
from pytest_modssl.repo.layouts import NAMES, beside, moved
from pytest_modssl.repo.reader import read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_modssl.repo.found import Found, Layout
    from pytest_modssl.repo.reader import Placed, Reading

    Trees = Mapping[str, Path]

# A path that ends the question, by layout; the first that matches counts.
_PATHS = (
    ("image", re.compile(r"/usr/local/apache2?/")),
    ("rhel", re.compile(r"/etc/httpd/|/conf\.modules\.d/")),
    ("debian", re.compile(r"/etc/apache2/|/apache2\.conf$|/(?:sites|conf|mods)-(?:enabled|available)(?:/|$)")),
)
# What the text of one layout has and those of the others have not.
_SIGNS = {
    "debian": re.compile(
        r"\$\{APACHE_\w+\}|/etc/apache2\b|/usr/lib/apache2\b|/var/log/apache2\b|\b(?:mods|sites|conf)-enabled/"
    ),
    "rhel": re.compile(
        r"/etc/httpd\b|\bconf\.modules\.d\b|/etc/pki/|/run/httpd\b|/var/log/httpd\b|^[ \t]*User\s+apache\b",
        re.MULTILINE,
    ),
    "image": re.compile(r"/usr/local/apache2\b|\$\{HTTPD_PREFIX\}|\bSRVROOT\b|\bconf/extra/"),
}
# Folders of a machine that a repository may hold, from its top or from where it mirrors the machine's file system.
_CONTENT = ("var/www", "srv", "usr/share", "etc/ssl", "etc/pki", "etc/letsencrypt", "opt", "home")
_TOPS = ("etc", "usr", "var", "srv", "opt", "home")
_HTDOCS = ("htdocs", "public-html", "public_html")
# Where a fragment stands that has no folder of a telling name.
_USUAL_FOLDERS = {"debian": "sites-enabled", "rhel": "conf.d", "image": "conf/extra"}
_SHELL_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_EXPORT = re.compile(r"^[ \t]*(?:export\s+)?([A-Za-z_]\w*)=(?:\"([^\"]*)\"|'([^']*)'|([^\s;#]*))", re.MULTILINE)


def layout_name(path: Path, root: Path, texts: Iterable[str], usual: str) -> str:
    """The name of the layout that a configuration is written for: by its path, else by what its text speaks of.

    Args:
        path: of the main file or a fragment.
        root: the repository.
        texts: of the main file, or of all fragments.
        usual: where neither tells.
    """
    place = f"/{path.relative_to(root).as_posix()}"
    for name, pattern in _PATHS:
        if pattern.search(place):
            return name
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update({name: len(pattern.findall(text)) for name, pattern in _SIGNS.items()})
    best = max(NAMES, key=lambda name: (seen[name], name == usual))
    return best if seen[best] else usual


def place_main(found: Found, main: Path) -> tuple[Found, Reading]:
    """A main file with its trees and what its layout brings beside it, and its reading."""
    alone = read_configuration(replace(found, trees={}))
    if alone.stopped is not None:
        return found, alone
    server_root = alone.server_root
    found = replace(found, layout=moved(found.layout, server_root))
    conf, folder = posixpath.dirname(found.layout.main), main.parent
    above = [{server_root: folder.parent}] if folder.name == "conf" and folder != found.root else []
    if conf == server_root:
        return _place(found, folder, [{server_root: folder}, *above])
    return _place(found, folder, above or [{conf: folder}, {server_root: folder}, {conf: folder, server_root: folder}])


def place_fragments(found: Found, folder: Path, *, alone: bool) -> tuple[Found, Reading]:
    """Fragments with their trees and what their layout brings beside them, and their reading.

    Args:
        found: without trees.
        folder: that of the fragments, or the one that has folders of them.
        alone: whether it is that of the fragments themselves.
    """
    server_root = found.layout.server_root
    conf = posixpath.dirname(found.layout.main)
    if alone:
        usual = f"{server_root}/{_USUAL_FOLDERS[found.layout.name]}"
        options = [{usual: folder}, {server_root: folder}, {usual: folder, server_root: folder}]
    elif conf == server_root or found.layout.name == "rhel":
        options = [{server_root: folder}]
    elif folder.name == "conf" and folder != found.root:
        options = [{server_root: folder.parent}]
    else:
        options = [{conf: folder}, {server_root: folder}, {conf: folder, server_root: folder}]
    return _place(found, folder, options)


def _place(found: Found, folder: Path, options: Sequence[Trees]) -> tuple[Found, Reading]:
    """The option that most of the includes lead into, unless the repository mirrors a machine's file system."""
    alone = read_configuration(replace(found, trees={}))
    includes = _includes(_own(alone))
    trees = _mirrored(found, folder)
    if not trees:
        chosen = max(options, key=lambda option: _found_in(replace(found, trees=option), includes))
        trees = {**_content(found.root), **_content(folder), **chosen}
        server_root = found.layout.server_root
        htdocs = next((folder / name for name in _HTDOCS if (folder / name).is_dir()), None)
        if server_root not in trees and htdocs is not None:
            trees[f"{server_root}/htdocs"] = htdocs
    found = replace(found, trees=trees)
    found = replace(found, trees={**trees, **_sites_to_enable(found), **_named_alike(found, folder, includes)})
    found = replace(found, variables={**found.layout.variables, **_envvars(found), **found.variables})
    reading = read_configuration(found)
    return replace(found, layout=_layout_beside(found, reading)), reading


def _layout_beside(found: Found, reading: Reading) -> Layout:
    """The layout with what the repository takes the place of left out."""
    deployment = Deployment(found)
    own = _own(reading)
    named = {deployment.absolute(one, reading.server_root) for one in _includes(reading.statements)}
    brought = {file.deployed for file in reading.files if file.path is None} - named - {found.layout.main}
    return beside(
        found.layout,
        # The repository's folder is complete, but for the listeners of RHEL's mod_ssl.
        without={path for path in brought if deployment.path_of(posixpath.dirname(path))}
        - {"/etc/httpd/conf.d/ssl.conf"},
        listened=_ports("listen", own),
        wanted=_ports("virtualhost", own),
    )


def _ports(name: str, statements: Iterable[Placed]) -> set[int]:
    """The ports in a directive's addresses: "443", "*:443", "[::1]:443"; variables that are not known have none."""
    addresses = [word for one in statements if one.directive.lower() == name for word in one.arguments]
    ports = [address.rpartition(":")[2] for address in addresses if ":" in address or name == "listen"]
    return {int(port) for port in ports if port.isdecimal()}


def _own(reading: Reading) -> list[Placed]:
    """What stands in files of the repository."""
    return [one for one in reading.statements if one.file.path is not None]


def _includes(statements: Iterable[Placed]) -> list[str]:
    """What `Include`s name, as written with variables replaced."""
    names = ("include", "includeoptional")
    return [one.arguments[0] for one in statements if one.arguments and one.directive.lower() in names]


def _found_in(found: Found, includes: Iterable[str]) -> int:
    """How many includes name something that the repository has."""
    deployment = Deployment(found)
    patterns = [deployment.absolute(one, found.layout.server_root) for one in includes]
    return sum(any(map(deployment.path_of, deployment.matches(one))) for one in patterns)


def _mirrored(found: Found, folder: Path) -> dict[str, Path]:
    """The trees of a repository that has the server root at its deployment path below some folder, else none."""
    wanted = tuple(found.layout.server_root.strip("/").split("/"))
    parts = folder.relative_to(found.root).parts
    for start in range(len(parts) - len(wanted) + 1):
        if parts[start : start + len(wanted)] == wanted:
            top = found.root.joinpath(*parts[:start])
            return {f"/{name}": top / name for name in _TOPS if (top / name).is_dir()}
    return {}


def _content(folder: Path) -> dict[str, Path]:
    return {f"/{name}": folder / name for name in _CONTENT if (folder / name).is_dir()}


def _sites_to_enable(found: Found) -> dict[str, Path]:
    """Sites that are enabled on the machine only (`a2ensite`): all there are, where the repository enables none."""
    deployment, server_root = Deployment(found), found.layout.server_root
    available = deployment.path_of(f"{server_root}/sites-available")
    if found.layout.name != "debian" or available is None or deployment.path_of(f"{server_root}/sites-enabled"):
        return {}
    return {f"{server_root}/sites-enabled": available}


def _named_alike(found: Found, folder: Path, includes: Iterable[str]) -> dict[str, Path]:
    """The folders of patterns such as /vhosts/*.conf that no tree has, as a folder of that name with such files."""
    trees: dict[str, Path] = {}
    deployment = Deployment(found)
    above = [one for one in (folder, *folder.parents) if one.is_relative_to(found.root)]
    for include in includes:
        pattern = deployment.absolute(include, found.layout.server_root)
        place, name = posixpath.split(pattern)
        if "*" in name and "*" not in place and deployment.path_of(place) is None:
            alike = (one / posixpath.basename(place) for one in above)
            match = next((one for one in alike if one.is_dir() and any(one.glob(name))), None)
            if match is not None:
                trees[place] = match
    return trees


def _envvars(found: Found) -> dict[str, str]:
    """What the repository's own envvars file gives, as far as it is plain assignments."""
    try:
        text = Deployment(found).text(f"{found.layout.server_root}/envvars") or ""
    except OSError:  # so large that it is none
        return {}
    known: dict[str, str] = {}
    for name, *values in _EXPORT.findall(text):
        value = next(filter(None, values), "")
        if "$(" not in value and "##" not in value and "`" not in value:
            known[name] = replaced(_SHELL_VARIABLE, value, lambda match: known.get(match[1], "")) or ""
    return known
