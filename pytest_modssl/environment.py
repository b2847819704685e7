"""The environment of a program that is started: what it needs, and none of the tokens that a CI job has."""

from __future__ import annotations

import fnmatch
import os
from typing import Final

# Where programs, their libraries and their temporary files are, whose settings count, and what time it is.
_ALWAYS: Final = ("HOME", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")


def environment(*patterns: str) -> dict[str, str]:
    """The variables of this process that every program may need, and those whose names fit a pattern.

    Messages are in English (`LANG`), as they are read.

    Args:
        patterns: names, `*` for any characters: `"GIT_*"`.
    """
    wanted = (*_ALWAYS, *patterns)
    kept = {name: value for name, value in os.environ.items() if any(fnmatch.fnmatchcase(name, one) for one in wanted)}
    return {**kept, "LANG": "C"}
