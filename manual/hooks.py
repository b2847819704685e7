"""What MkDocs calls while it builds the site: it adds the reference and the documents at the top of the repository."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from manual.links import OUTSIDE, ROOT, as_on_the_site
from manual.reference import pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

_DOCUMENTS = {page: document for document, page in OUTSIDE.items()}
# What our tests know about an example, as in "```python fails", is not for readers.
_WORDS_OF_TESTS = re.compile(r"^```(\w+) [\w -]+$", re.MULTILINE)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the pages that are not in docs/."""
    for page, document in _DOCUMENTS.items():
        files.append(File.generated(config, page, content=(ROOT / document).read_text(encoding="utf-8")))
    for page, text in pages().items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Makes the links of a page those of the site."""
    del config, files
    name = page.file.src_uri
    return _WORDS_OF_TESTS.sub(r"```\1", as_on_the_site(markdown, _DOCUMENTS.get(name, f"docs/{name}")))
