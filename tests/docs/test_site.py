"""The documentation as a site: it is built without a warning, is whole, and fetches nothing from another host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from manual.links import ROOT, as_on_the_site, page_of

if TYPE_CHECKING:
    from pathlib import Path

# What a browser fetches of itself; a link in the text is followed by a reader.
_FETCHED = re.compile(
    r"<(?:(?:script|img|iframe|source|video)\b[^>]*?\ssrc|(?:link|use|image)\b[^>]*?\shref)=[\"']?([^\"'\s>]+)"
)
_POLICY = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'self' file: data: blob: 'unsafe-inline'">"""
)


@pytest.fixture(scope="module")
def texts(site: Path) -> dict[str, str]:
    return {page.relative_to(site).as_posix(): page.read_text(encoding="utf-8") for page in site.rglob("*.html")}


def test_no_page_fetches_anything_from_another_host(texts: dict[str, str]) -> None:
    fetched = {name: _FETCHED.findall(text) for name, text in texts.items()}
    assert len(fetched) > 100
    assert all(fetched.values())  # its style at least
    assert {one for some in fetched.values() for one in some if re.match(r"(?:https?:)?//", one)} == set()


def test_no_script_of_the_theme_can_fetch_anything_from_another_host(texts: dict[str, str]) -> None:
    assert [name for name, text in texts.items() if _POLICY not in text] == []


def test_no_style_fetches_anything_from_another_host(site: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in site.rglob("*.css")]
    assert texts
    assert [one for text in texts for one in re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)\"']*", text)] == []


def test_every_document_is_on_the_site(site: Path) -> None:
    documents = [path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))]
    pages = {document: page_of(document) for document in documents}
    assert [one for one, page in pages.items() if not (page and (site / page).with_suffix(".html").exists())] == []


@pytest.mark.parametrize(
    ("document", "text", "on_the_site"),
    [
        ("docs/tutorial.md", "[install](../README.md#install)", "[install](overview.md#install)"),
        ("README.md", "[a guide](docs/ci.md)", "[a guide](ci.md)"),
        ("README.md", "[one](docs/faq/index.md)", "[one](faq/index.md)"),
        ("docs/faq/index.md", "[up](../ci.md)", "[up](../ci.md)"),
        ("CHANGELOG.md", "[here](CONTRIBUTING.md)", "[here](contributing.md)"),
        ("docs/tutorial.md", "[the shop](../fixtures/repos/shop)", "the shop"),
        ("docs/tutorial.md", "[elsewhere](https://example.com/)", "[elsewhere](https://example.com/)"),
        ("docs/tutorial.md", "[below](#below)", "[below](#below)"),
        ("docs/tutorial.md", "[nothing](not-there.md)", "[nothing](not-there.md)"),
    ],
)
def test_links_lead_on_the_site_to_where_they_lead_in_the_repository(
    document: str, text: str, on_the_site: str
) -> None:
    assert as_on_the_site(text, document) == on_the_site
