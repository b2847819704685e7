"""Values without secrets, and bounded: what leaves a process goes through here."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pytest_modssl.report.secrets import Secrets

T = TypeVar("T")

LONGEST = 20_000
"""Characters that one text of a report has at the most."""

# Before secrets are taken out, so that what is cut is not half a secret that nobody knows.
_RAW = 2 * LONGEST
_SHORTEST_SECRET = 4


class Cleaner:
    """Takes secrets out of values; remembers texts that it has seen, as most come again and again.

    Args:
        secrets: those that are known, which may grow.
    """

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets
        self._known = 0
        self._memory: dict[str, str] = {}

    def clean(self, value: T) -> T:
        """The same value without secrets."""
        if self.secrets.size != self._known:
            self._known = self.secrets.size
            self._memory.clear()
        cleaned: T = self._clean(value)
        return cleaned

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value) if len(value) >= _SHORTEST_SECRET else value
        if isinstance(value, tuple):
            return tuple(map(self._clean, value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            parts = {one.name: self._clean(getattr(value, one.name)) for one in dataclasses.fields(value)}
            return type(value)(**parts)
        return value

    def _text(self, text: str) -> str:
        if text not in self._memory:
            cleaned = self.secrets.removed_from(text[:_RAW])
            more = len(text) - LONGEST
            cleaned = cleaned if more <= 0 else f"{cleaned[:LONGEST]}\n({more} more characters not shown)"
            # A lone surrogate, as of a byte that is no UTF-8, can stand in no file.
            self._memory[text] = cleaned.encode("utf-8", "backslashreplace").decode()
        return self._memory[text]
