"""What is being made: one thing for each path, in the order in which the configuration names them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pytest_modssl.repo.made import Made, Substitution

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_modssl.httpd.dumps import DumpedDirective
    from pytest_modssl.httpd.snippet import Origin
    from pytest_modssl.pki import CA
    from pytest_modssl.repo.making.held import Holdings
    from pytest_modssl.repo.making.scopes import Use

_BLOCK: Final = re.compile(rb"-----BEGIN .*?-----END [^\n]*\n", re.DOTALL)
# Children of httpd write here, whatever account they run as, and may not remove what others wrote (chmod(1)).
WRITABLE = 0o1777
FOLDER = 0o755
SECRET = 0o600
PUBLIC = 0o644
PROGRAM = 0o755


@dataclass(slots=True)
class Plan:
    """What is made so far.

    Args:
        holdings: what is there already.
        ca: who issues the servers' certificates.
        back_ends: who issues those of the servers behind a proxy.
        locate: the place of a directive in the repository.
        asks_phrase: whether the repository has a program that tells pass phrases, which is not known here.
    """

    holdings: Holdings
    ca: CA
    back_ends: CA
    locate: Callable[[DumpedDirective], Origin | None]
    asks_phrase: bool = False
    made: dict[str, Made] = field(default_factory=dict)
    left_out: list[Substitution] = field(default_factory=list)

    def add(self, use: Use, content: bytes, what: str, *, mode: int = PUBLIC, path: str | None = None) -> None:
        """Adds a file, at the path that a directive names unless another is given; the first for a path stays."""
        where = path if path is not None else use.path
        if where not in self.made:
            origin = self.locate(use.directive)
            self.made[where] = Made(path=where, content=content, mode=mode, what=what, origin=origin)

    def append(self, use: Use, content: bytes, what: str) -> None:
        """Adds a file, or more lines to one that is made already, such as a bundle of certificates."""
        before = self.made.get(use.path)
        if before is None or before.content is None:
            self.add(use, content, what)
            return
        seen = set(_blocks(before.content))
        fresh = b"".join(block for block in _blocks(content) if block not in seen)
        if fresh:
            whats = before.what if what in before.what else f"{before.what}; {what}"
            self.made[use.path] = replace(before, content=before.content + fresh, what=whats)

    def add_folder(self, use: Use, what: str, *, mode: int = FOLDER, path: str | None = None) -> None:
        """Adds a folder; one that is there already stays."""
        folder = path if path is not None else use.path
        if folder not in self.made and not self.holdings.has_folder(folder):
            origin = self.locate(use.directive)
            self.made[folder] = Made(path=folder, content=None, mode=mode, what=what, origin=origin)

    def leave(self, use: Use, why: str) -> None:
        """Notes that something is not made."""
        what = f"{use.directive.name} {use.path}"
        self.left_out.append(Substitution(what=what, instead=f"not made: {why}", origin=self.locate(use.directive)))


def as_bytes(text: str) -> bytes:
    """A text of the configuration as its file has it, whatever it is encoded in."""
    return text.encode("utf-8", "surrogateescape")


def _blocks(content: bytes) -> list[bytes]:
    """PEM blocks; of other text the lines."""
    return _BLOCK.findall(content) or content.splitlines(keepends=True)
