"""What is measured beside ours, installed by `tools/peers` for the benchmark alone.

`NAME.txt` is what pip installs into the environment `.venv-peers/NAME`; the first line is the peer itself.
`debian.list` names packages of Debian, a line each.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = Path(__file__).parent
_ENVIRONMENTS = _FOLDER.parents[1] / ".venv-peers"


class NoPeer(Exception):  # noqa: N818 - a row says so, and the run goes on
    """A peer is not here; says why, for the row in which it would stand."""


def script(name: str, program: str) -> Path:
    """A program in a peer's environment, its `python` for one.

    Raises:
        NoPeer: where that is not installed.
    """
    path = _ENVIRONMENTS / name / "bin" / program
    if not path.exists():
        raise NoPeer(f"{name} is not installed: `tools/peers` says why")
    return path


def program(name: str) -> str:
    """The path of a program of the machine.

    Raises:
        NoPeer: where PATH does not lead to it.
    """
    if (path := shutil.which(name)) is None:
        raise NoPeer(f"{name} is not installed: `tools/peers` says why")
    return path


def told() -> Iterator[str]:
    """Every peer that there could be with its version, or that it is not installed."""
    for file in sorted(_FOLDER.glob("*.txt")):
        requirement = file.read_text().splitlines()[0].replace("==", " ")
        yield requirement if (_ENVIRONMENTS / file.stem).exists() else f"{requirement} (not installed)"
    for package in (_FOLDER / "debian.list").read_text().split():
        yield f"{package} {_debian_version(package) or '(not installed)'}"


def _debian_version(package: str) -> str:
    if shutil.which("dpkg-query") is None:
        return ""
    asked = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout
