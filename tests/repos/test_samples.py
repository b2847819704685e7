"""The sample repositories pass, and each fault of each fails exactly the tests that it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.repos.samples import Fault, faults, faulty, places

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("fault", faults(), ids=str)
def test_a_fault_changes_what_stands_there_and_blames_a_line_of_it(fault: Fault, tmp_path: Path) -> None:
    folder = faulty(fault, tmp_path / fault.sample)
    for failure in fault.failures:
        assert failure.at is None or places(failure, folder), f"{failure.at[0]} has no line with {failure.at[1]!r}"
