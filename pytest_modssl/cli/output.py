"""What a command says: its answer on standard output, as text or as data, and all else on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from pytest_modssl.text import in_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def write(*lines: str) -> None:
    """Writes lines of an answer for people."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def write_table(rows: Iterable[Sequence[str]]) -> None:
    """Writes rows of equal length, the first of them titles, as columns."""
    write(*in_columns(rows))


def write_json(answer: dict[str, Any] | list[dict[str, Any]], *, lines: bool = True) -> None:
    """Writes an answer for machines: the one JSON document (RFC 8259) that a command called with `--json` prints.

    Args:
        answer: of texts, numbers, truth values, `None`, lists and dictionaries alone.
        lines: break it into lines for people; else it is one line, for who waits for that.
    """
    write(json.dumps(answer, indent=2 if lines else None))


def say(line: str) -> None:
    """Tells the user of progress, on standard error."""
    sys.stderr.write(f"pytest-modssl: {line}\n")
    sys.stderr.flush()
