"""Links of the documents, which are written for a reader of the repository, as the site has them."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Documents at the top of the repository, and what they are called on the site.
OUTSIDE = {"README.md": "overview.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
_LINK = re.compile(r"\[(?P<text>[^\[\]]+)\]\((?P<path>(?![a-z]+:|#)[^\s()#]+)(?P<anchor>#[^\s()]*)?\)")


def as_on_the_site(text: str, document: str) -> str:
    """A document's text with its links to other documents as the site has these, and those to other files unlinked.

    Args:
        text: the document, in Markdown.
        document: its path in the repository, as `"docs/tutorial.md"`.

    A link to what is not there stays as it is, and is an error of the build.
    """

    def change(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document), link["path"]))
        page = page_of(path)
        if page is not None:
            here = posixpath.dirname(page_of(document) or "")
            return f"[{link['text']}]({posixpath.relpath(page, here or '.')}{link['anchor'] or ''})"
        return link["text"] if (ROOT / path).exists() else link[0]

    return _LINK.sub(change, text)


def page_of(path: str) -> str | None:
    """What the site calls a document of the repository; `None` for what is no document of it."""
    if path in OUTSIDE:
        return OUTSIDE[path]
    inside = path.startswith("docs/") and path.endswith(".md") and (ROOT / path).exists()
    return path.removeprefix("docs/") if inside else None
