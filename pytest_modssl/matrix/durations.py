"""How long tests took in earlier runs: JSON files, one for each job that recorded, read together."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_modssl.errors import DurationsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FORMAT = "pytest-modssl durations 1"


def read_durations(paths: Sequence[str | os.PathLike[str]]) -> dict[str, float]:
    """Seconds by test of all files; of a test that several have, the file that comes last counts.

    Args:
        paths: files, and folders whose `*.json` files are meant, by name. What is not there (yet) adds nothing.

    Raises:
        DurationsError: for a file that cannot be read, or is no record of durations.
    """
    found: dict[str, float] = {}
    for path in map(Path, paths):
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            if file.exists():
                found.update(_read(file))
    return found


def _read(file: Path) -> dict[str, float]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DurationsError(f"{file}: cannot read recorded durations: {error}; remove it, or record anew") from None
    seconds = content.get("seconds") if isinstance(content, dict) and content.get("format") == _FORMAT else None
    if not isinstance(seconds, dict) or not all(_is_duration(one) for one in seconds.values()):
        raise DurationsError(f"{file} is no record that --modssl-record-durations wrote; remove it, or name another")
    return {str(test): float(one) for test, one in seconds.items()}


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def write_durations(file: str | os.PathLike[str], seconds: Mapping[str, float]) -> None:
    """Writes a record, whole or not at all; the same durations make the same bytes.

    Args:
        file: where to; its folder is made.
        seconds: by test.

    Raises:
        DurationsError: when it cannot be written.
    """
    rounded = {test: round(seconds[test], 4) for test in sorted(seconds)}
    text = json.dumps({"format": _FORMAT, "seconds": rounded}, indent=1) + "\n"
    target = Path(file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(name).chmod(0o644)
            os.replace(name, target)  # noqa: PTH105 - the same, and the name is a text
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DurationsError(f"cannot record durations in {target}: {error.strerror}") from None
