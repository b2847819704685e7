"""What configurations of httpd a repository holds, found by their names, folders and text; no httpd is asked."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_modssl.errors import ConfigError
from pytest_modssl.httpd.modules import is_whole
from pytest_modssl.httpd.syntax import directives_in
from pytest_modssl.repo.candidates import FRAGMENT_FOLDERS, MAIN_NAMES, Candidate, candidate, candidates
from pytest_modssl.repo.found import Discovery, Found, PassedOver
from pytest_modssl.repo.layouts import layout
from pytest_modssl.repo.placing import layout_name, place_fragments, place_main
from pytest_modssl.repo.reader import read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_modssl.repo.reader import Reading

_OF_MAIN = re.compile(r"^[ \t]*(?:ServerRoot|LoadModule|Listen|Include(?:Optional)?)\b", re.MULTILINE | re.IGNORECASE)
# By folder, the layout that uses it, where the text tells nothing.
_NO_HOST = "no <VirtualHost> in it, and nothing includes it"
# Names in a message, and reasons.
_SHOWN = 8
_USUAL = {"conf.d": "rhel", "vhosts.d": "rhel", "extra": "image"}


def discover(
    root: Path,
    *,
    configs: Sequence[Path] = (),
    defines: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Discovery:
    """The configurations of a repository, and what looks like one and is not run by itself.

    Main files come first, then fragments that none of them includes, each with the title that its tests are named by.

    Args:
        root: the repository.
        configs: main files, fragments or folders that are meant, absolute or from `root`; nothing else is looked for.
        defines: names for `<IfDefine>`, and `NAME=value` for `${NAME}`.
        variables: environment variables beyond those of the layout and of the repository's own envvars file.

    Raises:
        ConfigError: when one of `configs` is not there, or is no configuration that could be run.
    """
    root = root.absolute()
    blank = Found(
        title="", root=root, layout=layout("image"), main=None, defines=tuple(defines), variables=dict(variables or {})
    )
    named = dict.fromkeys(root / config for config in configs)
    parts = [_named(blank, path) for path in named] if named else [_search(blank, root)]
    passed_over = {one.path: one for part in parts for one in part.passed_over}
    return Discovery(
        _with_own_titles([found for part in parts for found in part.found]),
        tuple(passed_over[path] for path in sorted(passed_over)),
    )


def _search(blank: Found, folder: Path) -> Discovery:
    """All configurations below a folder of the repository."""
    seen = candidates(blank.root, folder)
    placed = [_main(blank, one) for one in seen if _is_main(one)]
    # By real path: who takes it. A main file that another one includes is part of that.
    taken: dict[Path, str] = {}
    for found, reading in placed:
        taken |= dict.fromkeys(_real_files(reading) - {_real(found.main)}, found.title)
    mains = {_real(found.main) for found, _ in placed}
    kept = [found for found, _ in placed if _real(found.main) not in taken]
    own = mains - taken.keys()
    reasons: dict[Path, str] = {}
    for place, group in _groups(blank.root, [one for one in seen if not one.unfit]).items():
        loose = [one for one in group if _real(one.source) not in taken.keys() | mains]
        fragments, others = _fragments(place, loose, seen, kept)
        reasons |= others
        if fragments:
            found, reading = _of_fragments(blank, place, fragments)
            kept.append(found)
            sources = {_real(one.source) for one in fragments}
            own |= sources
            taken |= dict.fromkeys(_real_files(reading) - sources, found.title)
    passed_over = []
    for one in seen:
        real = _real(one.source)
        if real not in own:
            reason = f"included by {taken[real]}" if real in taken else one.unfit or reasons.get(one.path, "")
            if reason and (real in taken or one.unfit or one.has_hosts or one.is_httpd):
                passed_over.append(PassedOver(one.path, reason))
    return Discovery(tuple(kept), tuple(passed_over))


def _named(blank: Found, path: Path) -> Discovery:
    """What a user named: a main file, a fragment or a folder."""
    path = Path(os.path.normpath(path))
    if not path.exists():
        near = next((one for one in path.parents if one.is_dir()), path)
        raise ConfigError(
            f"{path}, named as configuration, is not there. {near} has: "
            f"{', '.join(sorted(one.name for one in near.iterdir())[:_SHOWN]) or 'nothing'}"
        )
    if not path.is_relative_to(blank.root):
        above = path.parent.parent if path.parent.name == "conf" else path.parent
        blank = replace(blank, root=path if path.is_dir() else above)
    if path.is_dir():
        found = _search(blank, path)
        if not found.found:
            why = "".join(f"\n{one.path}: {one.reason}" for one in found.passed_over[:_SHOWN])
            raise ConfigError(
                f"{path}, named as configuration, has neither a main file (with ServerRoot, LoadModule or Listen) "
                f"nor a *.conf file with <VirtualHost>{why}"
            )
        return found
    one = candidate(path, blank.root.resolve())
    if one.unfit:
        raise ConfigError(f"{path}, named as configuration, cannot be run: {one.unfit}")
    if not one.has_hosts and not one.is_httpd:
        raise ConfigError(f"{path}, named as configuration, is none: it has no directives that httpd knows")
    if _is_main(one):
        return Discovery((_main(blank, one)[0],), ())
    place = next(iter(_groups(blank.root, [one])))
    return Discovery((_of_fragments(blank, place, [one])[0],), ())


def _is_main(one: Candidate) -> bool:
    """Whether a file starts a configuration: by its name, by ServerRoot, or as it loads all modules and listens."""
    if one.unfit or _OF_MAIN.search(one.text) is None:
        return False
    directives = tuple(directives_in(one.text))
    names = {directive.name.lower() for directive in directives}
    if "serverroot" in names:
        return True
    if not FRAGMENT_FOLDERS.keys().isdisjoint(one.path.parts[-2:-1]):
        return False
    loaded = (
        one.arguments[0].removesuffix("_module")
        for one in directives
        if one.name.lower() == "loadmodule" and one.arguments
    )
    return one.path.name in MAIN_NAMES or ("listen" in names and is_whole(loaded))


def _main(blank: Found, one: Candidate) -> tuple[Found, Reading]:
    usual = "debian" if one.path.name == "apache2.conf" else "image"
    name = layout_name(one.path, blank.root, [one.text], usual)
    title = one.path.relative_to(blank.root).as_posix()
    return place_main(replace(blank, title=title, layout=layout(name), main=one.path), one.path)


class _Place(NamedTuple):
    """Where fragments stand: in a folder of their own, or in folders for them that it has."""

    folder: Path
    alone: bool


def _groups(root: Path, loose: Iterable[Candidate]) -> dict[_Place, list[Candidate]]:
    """Fragments by what is deployed together, folders for them in httpd's order."""
    groups: dict[_Place, list[Candidate]] = {}
    for one in loose:
        groups.setdefault(_place(root, one.path), []).append(one)
    for group in groups.values():
        group.sort(key=lambda one: (FRAGMENT_FOLDERS.get(_kind(root, one.path), 0), one.path))
    return groups


def _kind(root: Path, path: Path) -> str:
    """The name of the folder for fragments that a file stands in, at any depth; "" for none."""
    return next((name for name in path.relative_to(root).parts[:-1] if name in FRAGMENT_FOLDERS), "")


def _place(root: Path, path: Path) -> _Place:
    parts = path.relative_to(root).parts[:-1]
    kind = _kind(root, path)
    if not kind:
        return _Place(path.parent, alone=True)
    return _Place(root.joinpath(*parts[: parts.index(kind)]), alone=False)


def _fragments(
    place: _Place, group: Sequence[Candidate], seen: Sequence[Candidate], mains: Sequence[Found]
) -> tuple[list[Candidate], dict[Path, str]]:
    """Those of a group that are run, and why the others are not."""
    fit: list[Candidate] = []
    reasons: dict[Path, str] = {}
    main = next((one for one in mains if one.main is not None and place.folder in _folders(one.main)), None)
    enabled = [place.folder / "sites-enabled" in one.path.parents for one in seen]
    suffixes = any(one.path.suffix == ".conf" for one in group)
    for one in group:
        if any(enabled) and place.folder / "sites-available" in one.path.parents:
            reasons[one.path] = "disabled: sites-enabled beside it has no link to it"
        elif main is not None:
            reasons[one.path] = f"no Include of {main.title} reaches it"
        elif suffixes and one.path.suffix not in {".conf", ".vhost"}:
            reasons[one.path] = "its name does not end in .conf as those beside it do"
        elif place.alone and not one.has_hosts:
            reasons[one.path] = _NO_HOST
        else:
            fit.append(one)
    if any(one.has_hosts for one in fit):
        return fit, reasons
    return [], reasons | {one.path: _NO_HOST for one in fit}


def _folders(main: Path) -> set[Path]:
    """Folders whose files a main file would include if they were part of its configuration."""
    return {main.parent, main.parent.parent} if main.parent.name == "conf" else {main.parent}


def _of_fragments(blank: Found, place: _Place, fragments: Sequence[Candidate]) -> tuple[Found, Reading]:
    first = next((one for one in fragments if one.has_hosts), fragments[0])
    kind = _kind(blank.root, first.path)
    name = layout_name(first.path, blank.root, [one.text for one in fragments], _USUAL.get(kind, "image"))
    titled = first.path if place.alone and len(fragments) == 1 else place.folder / kind
    found = replace(
        blank,
        title=titled.relative_to(blank.root).as_posix() if titled != blank.root else blank.root.name,
        layout=layout(name),
        fragments=tuple(one.source for one in fragments),
    )
    found, reading = place_fragments(found, place.folder, alone=place.alone)
    by_base = _real_files(read_configuration(replace(found, fragments=())))
    return replace(found, fragments=tuple(path for path in found.fragments if _real(path) not in by_base)), reading


def _real_files(reading: Reading) -> set[Path]:
    return {_real(file.path) for file in reading.files if file.path is not None}


def _real(path: Path | None) -> Path:
    return Path(os.path.realpath(path or ""))


def _with_own_titles(found: Iterable[Found]) -> tuple[Found, ...]:
    """Each with a title of its own; the later of two that share one has a number added."""
    titled: dict[str, Found] = {}
    for one in found:
        others = (f"{one.title}-{number}" for number in count(2))
        title = one.title if one.title not in titled else next(name for name in others if name not in titled)
        titled[title] = replace(one, title=title)
    return tuple(titled.values())
