"""The files of a repository that are no configuration: pages, scripts, certificates, password files."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.repo.deployment import Deployment
    from pytest_modssl.repo.reader import Reading

# What nobody deploys, and what of a site no check of its configuration needs.
_NOT_DEPLOYED = frozenset({".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox"})
_LARGEST = 1 << 20
_MOST = 64 << 20


def files_of(deployment: Deployment, reading: Reading) -> dict[str, tuple[bytes, int]]:
    """Content and permission bits of what stands beside the configuration, by deployment path.

    A file of more than 1 MB is there with nothing in it, and beyond 64 MB every file is: what httpd answers depends on
    that a file is there, and seldom on what is in it.

    Raises:
        OSError: when one cannot be read.
    """
    known = {file.deployed for file in reading.files}
    found: dict[str, tuple[bytes, int]] = {}
    total = 0
    for path, size in _walk(deployment):
        deployed = deployment.of(path)
        inside = deployment.path_of(deployed)
        if deployed in known or inside is None:
            continue
        whole = size <= _LARGEST and total + size <= _MOST
        content = inside.read_bytes() if whole else b""
        total += len(content)
        found[deployed] = (content, 0o755 if inside.stat().st_mode & stat.S_IXUSR else 0o644)
    return found


def _walk(deployment: Deployment) -> Iterator[tuple[Path, int]]:
    for top in deployment.found.trees.values():
        for folder, names, files in os.walk(top):
            names[:] = sorted(set(names) - _NOT_DEPLOYED)
            for name in sorted(files):
                path = Path(folder, name)
                if path.is_file():  # a link that leads nowhere is none
                    yield path, path.stat().st_size
