"""Importing this has all other modules of the package loaded as Python itself loads modules, whatever pytest does.

pytest takes every module of a package that brings a plugin for one whose `assert` statements are to be rewritten. It
reads and hashes the source of each, at every start (pytest 9.2), to see whether what it has kept of it is still true.
That takes 1 ms for each of the some 130 that a run with a server loads, in each of its processes (measured with pytest
9.2, CPython 3.11). None of them tests anything. `PYTEST_DONT_REWRITE` in a module's text, which pytest offers, saves
the rewriting and not the hashing; the modules that pytest itself loads by name have it, as it warns of those that it
finds loaded otherwise.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


class Unrewritten:
    """Finds the modules of this package before pytest does."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder.find_spec`; `None` for what is not of this package."""
        return PathFinder.find_spec(name, path, target) if name.startswith(f"{__package__}.") else None


sys.meta_path.insert(0, Unrewritten)
