"""The keys of answers as JSON: those that docs/command-line.md tells, and those that an answer has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
# A dictionary whose keys are names of things.
_MAPS = frozenset({"protocols"})


def documented(command: str, table: int = 0) -> set[str]:
    """The keys that a table below the heading of a command has."""
    _, _, section = DOCUMENT.read_text(encoding="utf-8").partition(f"\n### {command}\n")
    section = re.split(r"\n##+ ", section)[0]
    tables = re.findall(r"\| key \|.*\n\| --- \| --- \|\n((?:\|.*\n?)+)", section)
    return set(re.findall(r"^\| `([^`]+)` \| \S", tables[table], re.MULTILINE))


def one_of(keys: Collection[str], where: str) -> set[str]:
    """The keys of a part of an answer."""
    return {key.removeprefix(where) for key in keys if key.startswith(where)}


def differing(text: str, keys: Collection[str]) -> set[str]:
    """The keys that the document on standard output has and these are not, and those of them that it lacks.

    What is null or an empty list lacks none of the keys below it.
    """
    assert text.endswith("\n")
    pairs = list(_pairs(json.loads(text), ""))
    full = {key for key, value in pairs if value is not None}
    empty = {key for key, value in pairs if value is None}
    unknown = full.difference(keys) | {one for one in empty if not any(key.startswith(one) for key in keys)}
    return unknown | {key for key in keys if key not in full and not any(key.startswith(one) for one in empty)}


def _pairs(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, one in value.items():
            step = "*" if path in _MAPS else name
            yield from _pairs(one, f"{path}.{step}" if path else step)
    elif isinstance(value, list) and value:
        for one in value:
            yield from _pairs(one, f"{path}[]")
    else:
        yield (f"{path}[]", None) if value == [] else (path, value)
