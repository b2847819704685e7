"""What is kept of a test that failed: a folder of its own, with the bug report."""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING

from pytest_modssl.errors import StartError
from pytest_modssl.report.bug import Case, case_of, report_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_modssl.targets.server import Server

REPORT = "bug-report.txt"

# Of a name of 255 bytes, which most file systems take, the rest is for what tells alike names apart.
_LONGEST_NAME = 150


def folder_of(test: str, base: Path) -> Path:
    """The folder for a test below that for all.

    Args:
        test: its id: "tests/test_site.py::test_login[docker]".
        base: folder for all tests.
    """
    plain = re.sub(r"[^\w.=-]+", "-", test).strip("-.")
    if plain == test and len(plain) <= _LONGEST_NAME:
        return base / plain
    return base / f"{plain[:_LONGEST_NAME]}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"


def forget(test: str, base: Path) -> None:
    """Removes what is kept of an earlier run of a test, so that nothing tells of a failure that is no more."""
    folder = folder_of(test, base)
    with contextlib.suppress(OSError):  # there is none, or somebody else has files in it
        (folder / REPORT).unlink()
        folder.rmdir()


def keep(test: str, base: Path, error: BaseException, servers: Sequence[Server]) -> Path | None:
    """The bug report about a failure, written; `None` where no server had part in it.

    When a test fails in its teardown also, that goes to the end of the report.

    Args:
        test: its id.
        base: folder for all tests.
        error: what it failed with.
        servers: those that are running.

    Raises:
        OSError: when it cannot be written.
    """
    cases = [case_of(one, error) for one in servers if one.used or one.log.records]
    if isinstance(error, StartError) and error.evidence is not None:
        cases.insert(0, Case(evidence=error.evidence, records=()))
    if not cases:
        return None
    path = folder_of(test, base) / REPORT
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{report_of(cases, error=error, test=test)}\n")
    return path
