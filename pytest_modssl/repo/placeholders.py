"""What has to be there before httpd can be asked about a configuration: something at every path that it insists on."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from pytest_modssl.repo.deployment import Deployment
from pytest_modssl.repo.made import Made
from pytest_modssl.repo.references import kind, paths_in
from pytest_modssl.repo.wrapper import types_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.repo.config import RepoConfig
    from pytest_modssl.repo.found import Found
    from pytest_modssl.repo.reader import Placed
    from pytest_modssl.repo.references import PathWord

PLACEHOLDER = b"# made by pytest-modssl\n"
"""What is in a file that httpd only asks to be there."""

_NOT_OURS = frozenset({"module", "maybe"})
_WILD = re.compile(r"[*?\[\]]")
_FOLDERS = frozenset({"folder", "writable folder", "parent", "writable parent"})
# What an Alias leads to, a file or a folder, httpd does not look for before a client asks.
_UNASKED = frozenset({"nothing", "either"})


def placeholders(config: RepoConfig) -> Iterator[Made]:
    """Something where each file and folder has to be that the reading names and the repository does not hold."""
    brought = config.found.layout.files
    types = types_file(config.found, config.reading)
    if types:
        yield Made(path=types, content=brought[types].encode(), mode=0o644, what="as installed")
    deployment = Deployment(config.found)
    seen = {types, *(file.deployed for file in config.reading.files)}
    for one in config.reading.statements:
        for path in paths_in(one.directive, one.arguments):
            deployed = deployment.absolute(path.path, config.reading.server_root)
            if deployed in seen or not _is_needed(path, deployed):
                continue
            seen.add(deployed)
            there = deployment.path_of(deployed)
            if there is not None:
                if there.is_dir() and deployed not in config.folders:
                    yield Made(path=deployed, content=None, mode=0o755, what="folder", origin=one.origin)
                continue
            if deployed in brought:
                content = brought[deployed].encode()
                yield Made(path=deployed, content=content, mode=0o644, what="as installed", origin=one.origin)
            elif path.kind != "include" or is_foreign(config.found, deployed):
                yield _placeholder(one, path, deployed)


def is_foreign(found: Found, deployed: str) -> bool:
    """Whether a path is in no folder that the repository is the owner of: what is missing there, others bring."""
    return not any(deployed == top or deployed.startswith(f"{top.rstrip('/')}/") for top in found.trees)


def _is_needed(path: PathWord, deployed: str) -> bool:
    wanted = path.kind not in _NOT_OURS and kind(path.kind).needs not in _UNASKED
    return wanted and deployed.startswith("/") and _WILD.search(deployed) is None


def _placeholder(named: Placed, path: PathWord, deployed: str) -> Made:
    needs = kind(path.kind).needs
    if needs not in _FOLDERS:
        return Made(path=deployed, content=PLACEHOLDER, mode=0o644, what=path.kind, origin=named.origin)
    folder = posixpath.dirname(deployed) if needs.endswith("parent") else deployed
    mode = 0o1777 if needs.startswith("writable") else 0o755
    return Made(path=folder, content=None, mode=mode, what=path.kind, origin=named.origin)
