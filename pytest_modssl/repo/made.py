"""What a repository rightly does not hold, and is made for a run: certificates, keys, password files, folders."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_modssl.httpd.snippet import Origin

_FOLDER = 0o755


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file or folder that stands in for one that the repository does not hold, or cannot use.

    Attributes:
        path: deployment path.
        content: `None` for a folder; it may be a private key, and is not shown.
        mode: permission bits.
        what: what it is, in words: "certificate for www.example.com, shop.example.com (EC P-256)".
        origin: the directive that names it, in the repository; `None` where nobody does.
    """

    path: str
    content: bytes | None = field(repr=False)
    mode: int
    what: str
    origin: Origin | None = None


def without_clashes(made: Iterable[Made]) -> tuple[Made, ...]:
    """What is made, with a folder in place of each file below which something else stands."""
    made = tuple(made)
    above = {str(folder) for one in made for folder in PurePosixPath(one.path).parents}
    return tuple(
        replace(one, content=None, mode=_FOLDER, what="folder")
        if one.content is not None and one.path in above
        else one
        for one in made
    )


@dataclass(frozen=True, slots=True)
class Substitution:
    """Anything that differs from the configuration as deployed, told to the user in one line.

    Attributes:
        what: what was there: "Listen 443", "LoadModule security2_module".
        instead: what stands there in this run.
        origin: the line in the repository that it is about, if any.
    """

    what: str
    instead: str
    origin: Origin | None = None

    def __str__(self) -> str:
        place = f" ({self.origin})" if self.origin is not None else ""
        return f"{self.what}: {self.instead}{place}"
