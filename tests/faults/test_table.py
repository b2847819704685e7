"""The count of faults itself, and its places in the documents."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs/faults.md"

CONFTEST = """
from tests.faults.conftest import faults, pytest_configure, pytest_terminal_summary
"""
FAULTS = """
import pytest

@pytest.mark.fault("kept", "all is well")
@pytest.mark.parametrize("n", [1, 2])
def test_kept(faults, n):
    for _ in faults.times(short=3, long=3):
        pass

@pytest.mark.fault("broken", "all is well")
def test_broken(faults):
    for number in faults.times(short=3, long=3):
        assert number == 0
"""


def test_every_fault_is_counted_and_so_is_what_was_lost(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(FAULTS)
    result = pytester.runpytest("--strict-markers")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["| broken | all is well | 2 | 1 |", "| kept | all is well | 6 | 0 |"])


def test_every_file_of_faults_has_its_place_in_the_page() -> None:
    text = PAGE.read_text()
    files = [one.stem for one in Path(__file__).parent.glob("test_*.py") if one.name != Path(__file__).name]
    assert [one for one in files if f"<!-- {one} -->\n" not in text] == []
