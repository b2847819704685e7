"""The pages of the catalogue that are committed are those that it makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_modssl.faq import Entry, entries
from pytest_modssl.faq.pages import pages, snippet

_ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_pages_are_those_that_the_catalogue_makes() -> None:
    folder = _ROOT / "docs/faq"
    committed = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    assert committed == pages(), "run: python -m pytest_modssl faq --pages docs/faq"


def test_every_example_belongs_to_an_entry() -> None:
    names = {path.stem.removeprefix("test_").replace("_", "-") for path in (_ROOT / "tests/examples/faq").glob("*.py")}
    assert names <= {one.id for one in entries()}
    assert names == {one.id for one in entries() if snippet(one) is not None}


@pytest.mark.parametrize("entry", entries(), ids=lambda one: one.id)
def test_a_page_has_all_that_an_entry_says(entry: Entry) -> None:
    page = pages()[f"{entry.id}.md"]
    for part in (entry.question, entry.since, *entry.numbers, *entry.links):
        assert part in page
    assert entry.cause[1:] in page
    assert entry.remedy[1:] in page
