"""Whether a file is worth a closer look: asked of every file that pytest comes by, and so quick."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What is never configuration; tests of others have these by the hundred.
_NEITHER = frozenset({".py", ".pyc", ".pyi", ".md", ".rst", ".txt", ".ini", ".toml", ".cfg", ".json", ".lock", ".html"})
_TABLES = (".urls.csv", ".urls.tsv", ".urls.yaml", ".urls.yml")
_SUFFIXES = {
    # httpbb's form: a host, and below it paths.
    ".yaml": re.compile(rb"^[\"']?https?://[\s\S]*\bpath:", re.MULTILINE),
    ".yml": re.compile(rb"^[\"']?https?://[\s\S]*\bpath:", re.MULTILINE),
    ".csv": None,
    ".tsv": None,
}
_VIRTUAL_HOST = re.compile(rb"^[ \t]*<(?:VirtualHost|Macro)\b", re.IGNORECASE | re.MULTILINE)
# Folders of fragments, which need no suffix and may consist of `Use` alone.
_FOLDERS = frozenset({"sites-enabled", "sites-available", "conf.d", "conf-enabled", "vhosts", "vhosts.d", "extra"})
_READ = 1 << 20


def may_be_ours(path: Path) -> bool:
    """Whether a file could begin a configuration, or be a table of URLs: by its name, or its first megabyte."""
    if path.suffix in _NEITHER:
        return False
    if path.suffix == ".conf" or path.name.endswith(_TABLES) or path.parent.name in _FOLDERS:
        return True
    telling = _SUFFIXES.get(path.suffix, _VIRTUAL_HOST)
    return telling is not None and _says(path, telling)


def has_host(path: Path) -> bool:
    """Whether a file of a name that tells nothing has `<VirtualHost>` or `<Macro>` in its first megabyte."""
    return path.suffix not in _NEITHER and path.suffix not in _SUFFIXES and _says(path, _VIRTUAL_HOST)


def _says(path: Path, telling: re.Pattern[bytes]) -> bool:
    try:
        with path.open("rb") as file:
            return telling.search(file.read(_READ)) is not None
    except OSError:
        return False
