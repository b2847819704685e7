"""The page of benchmarks: every part has its place, and a run replaces its own part alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import PARTS
from bench.figures import Figure, table
from bench.page import Section, replace

PAGE = Path(__file__).parents[2] / "docs/benchmarks.md"


@pytest.mark.parametrize("name", ["machine", *PARTS])
def test_every_part_has_its_place_in_the_page(name: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    replace(page, f"bench {name}", "measured anew")
    assert page.read_text().count("measured anew") == 1


def test_a_part_is_replaced_and_all_around_it_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("head\n<!-- one -->\nold\n<!-- end -->\nbetween\n<!-- two -->\nkept\n<!-- end -->\n")
    replace(page, "one", "new")
    replace(page, "one", "newer")
    assert page.read_text() == ("head\n<!-- one -->\nnewer\n<!-- end -->\nbetween\n<!-- two -->\nkept\n<!-- end -->\n")


def test_a_page_without_the_place_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("head\n<!-- one -->\nno end")
    for name in ("one", "two"):
        with pytest.raises(ValueError, match=f"has no <!-- {name} -->"):
            replace(page, name, "new")
    assert page.read_text() == "head\n<!-- one -->\nno end"


def test_a_section_is_a_table_in_which_no_cell_breaks_a_row() -> None:
    section = Section(title="Starts", how="By hand.", columns=("who", "time"), rows=(("a|b", "1 ms"),))
    assert str(section) == "#### Starts\n\nBy hand.\n\n| who | time |\n| --- | ---: |\n| a\\|b | 1 ms |"


def test_a_missed_bar_is_told() -> None:
    figure = Figure(what="a start", ours="9 ms", bare="3 ms", ratio="3.00", bar="<= 1.3", reached=False)
    assert str(figure) == "a start, ours 9 ms, bare 3 ms, ratio 3.00, bar <= 1.3, MISSED"
    assert table([figure]).splitlines()[2] == "| a start | 9 ms | 3 ms | 3.00 | <= 1.3 | MISSED |"
