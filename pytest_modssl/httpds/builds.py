"""What can be built from sources: the table `containers/source/builds.csv`, and what tells one build from another."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_modssl import _data
from pytest_modssl.errors import FetchError
from pytest_modssl.httpds.sources import Source, read_sources

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One httpd that can be built.

    Attributes:
        name: what users write after `source:`, for example `"2.4.69-legacy"`.
        httpd: httpd's archive, which carries APR and PCRE too.
        openssl: the archive of an OpenSSL of its own; `None` where it is built on the machine's.
        flags: for httpd's compilation, as its makefile takes them.
        reason: why it is built that way; empty where nothing is special.
    """

    name: str
    httpd: Source
    openssl: Source | None
    flags: str
    reason: str

    @property
    def archives(self) -> tuple[Source, ...]:
        """All that has to be fetched for it."""
        return (self.httpd,) if self.openssl is None else (self.httpd, self.openssl)

    @property
    def digest(self) -> str:
        """Changes with whatever changes the outcome on one and the same machine."""
        script = _data.container("source/build.sh").read_bytes()
        told = repr((self.flags, [archive.sha256 for archive in self.archives]))
        return hashlib.sha256(script + told.encode()).hexdigest()


@cache
def builds() -> Mapping[str, Build]:
    """Every build by its name, the newest first."""
    sources = read_sources(_data.container("source/sources.txt"))
    with _data.container("source/builds.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    return MappingProxyType(
        {
            row["name"]: Build(
                name=row["name"],
                httpd=sources["httpd", row["httpd"]],
                openssl=sources["openssl", row["openssl"]] if row["openssl"] else None,
                flags=row["flags"],
                reason=row["reason"],
            )
            for row in rows
        }
    )


def build_of(name: str) -> Build:
    """The build of a name.

    Args:
        name: as in the table.

    Raises:
        FetchError: when there is none, with those there are.
    """
    if name not in builds():
        raise FetchError(
            f"there is no httpd {name!r} to be built from source. What to do: name one of {', '.join(builds())}."
        )
    return builds()[name]
