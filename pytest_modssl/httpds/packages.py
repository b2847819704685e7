"""Debian's package indexes: what there is, which version is newer, and all that a package needs. Pure; no I/O.

Sources: Debian Policy Manual 4.7, section 5.6.12 (how versions compare) and 7.1 (what a dependency may say); the fields
of an index are those of https://wiki.debian.org/DebianRepository/Format.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pytest_modssl.errors import FetchError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">>": operator.gt,
}
_RELATION: Final = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]*)(?::\w+)?\s*(?:\((?P<operator>[<=>]+)\s*(?P<version>[^)\s]+)\s*\))?"
)


@dataclass(frozen=True, slots=True)
class Relation:
    """One package that another needs: its name and, where `operator` is not empty, which versions of it will do."""

    name: str
    operator: str = ""
    version: str = ""

    def admits(self, version: str) -> bool:
        """Whether a version will do."""
        return not self.operator or _OPERATORS[self.operator](version_key(version), version_key(self.version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of a binary package in an archive.

    Attributes:
        name: its name.
        version: its version.
        url: where its file is.
        sha256: SHA-256 of that file, in hex.
        size: bytes of that file.
        needs: what it depends on; of each tuple one will do, the first is preferred.
    """

    name: str
    version: str
    url: str
    sha256: str
    size: int
    needs: tuple[tuple[Relation, ...], ...]


class Index:
    """The packages of one archive, suite, component and architecture.

    Args:
        url: the archive, to which the names of its files are relative.
        text: the content of its file `Packages`.
    """

    def __init__(self, url: str, text: bytes) -> None:
        self._url = url
        self._stanzas: dict[bytes, list[bytes]] = {}
        # 64 000 of them, 55 MB, in 0.1 s (Debian trixie, main); each is read when it is asked for.
        for stanza in text.split(b"\n\n"):
            if stanza.startswith(b"Package: "):
                self._stanzas.setdefault(stanza[9 : stanza.find(b"\n")], []).append(stanza)

    def versions_of(self, name: str) -> Iterator[Package]:
        """Every version of a package that is there."""
        for stanza in self._stanzas.get(name.encode(), ()):
            fields = _fields(stanza)
            yield Package(
                name=name,
                version=fields["Version"],
                url=f"{self._url.rstrip('/')}/{fields['Filename']}",
                sha256=fields["SHA256"],
                size=int(fields["Size"]),
                needs=tuple(relations(f"{fields.get('Pre-Depends', '')},{fields.get('Depends', '')}")),
            )

    def providers_of(self, name: str) -> Iterator[str]:
        """Names of the packages that stand in for one of another name."""
        pattern = re.compile(rb"^Provides:.*[ ,]" + re.escape(name.encode()) + rb"(?=[ ,\n]|$)", re.MULTILINE)
        for package, stanzas in self._stanzas.items():
            if any(pattern.search(stanza) for stanza in stanzas):
                yield package.decode()


def version_key(version: str) -> tuple[object, ...]:
    """What versions are sorted by: `epoch:upstream-revision`, in which `~` comes before even the end."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return int(epoch), _part_key(upstream), _part_key(revision)


def relations(field: str) -> Iterator[tuple[Relation, ...]]:
    """The alternatives of each dependency in a field.

    Raises:
        FetchError: when it cannot be read.
    """
    for group in filter(None, map(str.strip, field.split(","))):
        matches = [_RELATION.fullmatch(one.strip()) for one in group.split("|")]
        found = [match for match in matches if match and (match["operator"] or "=") in _OPERATORS]
        if len(found) < len(matches):
            raise FetchError(f"the archive's index has a dependency that cannot be read: {group!r}")
        yield tuple(Relation(one["name"], one["operator"] or "", one["version"] or "") for one in found)


def closure(
    indexes: Collection[Index], roots: Iterable[str], *, without: Collection[str], lacking: Collection[Package] = ()
) -> list[Package]:
    """The newest version of each package, and of all that they need, by name.

    Args:
        indexes: where to look; the newest version in any of them counts.
        roots: names of packages.
        without: names of packages that are not taken, though others depend on them.
        lacking: packages that are listed and not there: others are taken.

    Raises:
        FetchError: when a package, or something that it depends on, is not there.
    """
    chosen: dict[str, Package] = {}
    waiting: list[tuple[tuple[Relation, ...], str]] = [((Relation(name),), "this") for name in reversed(list(roots))]
    while waiting:
        group, needed_by = waiting.pop()
        if any(one.name in without or _is_met(one, chosen) for one in group):
            continue
        found = next(filter(None, (_newest(indexes, one, lacking) for one in group)), None)
        if found is None:
            wanted = " | ".join(f"{one.name} {one.operator} {one.version}".rstrip() for one in group)
            raise FetchError(f"the archive has no package {wanted}, which {needed_by} needs")
        if found.name in chosen:
            continue
        chosen[found.name] = found
        waiting += [(one, f"{found.name} {found.version}") for one in reversed(found.needs)]
    return sorted(chosen.values(), key=lambda one: one.name)


def _is_met(relation: Relation, chosen: dict[str, Package]) -> bool:
    return relation.name in chosen and relation.admits(chosen[relation.name].version)


def _newest(indexes: Collection[Index], relation: Relation, lacking: Collection[Package]) -> Package | None:
    found = [one for index in indexes for one in index.versions_of(relation.name)]
    if not found and not relation.operator:  # a version is asked of real packages only, as far as this is needed here
        providers = {name for index in indexes for name in index.providers_of(relation.name)}
        found = [one for name in sorted(providers) for index in indexes for one in index.versions_of(name)][:1]
    fit = [one for one in found if one not in lacking and (one.name != relation.name or relation.admits(one.version))]
    return max(fit, key=lambda one: version_key(one.version), default=None)


def _fields(stanza: bytes) -> dict[str, str]:
    lines = re.sub(r"\n[ \t]+", " ", stanza.decode("utf-8", "replace")).splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name: value.strip() for name, _, value in pairs}


def _part_key(text: str) -> tuple[tuple[tuple[int, ...], int], ...]:
    """Runs of other characters and of digits in turn; the last run of each is the end itself."""
    return tuple((_order(other), int(digits or 0)) for other, digits in re.findall(r"(\D*)(\d*)", text))


def _order(text: str) -> tuple[int, ...]:
    return (*(-1 if one == "~" else ord(one) if one.isalpha() else ord(one) + 256 for one in text), 0)
