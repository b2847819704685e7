"""What the documents show, taken apart: each block in a fence, with the file that the line before it names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
_BLOCK = re.compile(
    r"(?:`(?P<file>[^`\n]+)`:\n\n)?^```(?P<language>\w*)(?P<word> \w+)?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """One block: its language and the word after it, its text, and the file that it is shown as."""

    language: str
    word: str
    text: str
    file: str


def blocks(document: str, language: str = "") -> list[Block]:
    """The blocks of a document in their order; those in one language, where one is given."""
    text = (ROOT / document).read_text(encoding="utf-8")
    found = [
        Block(one["language"], (one["word"] or "").strip(), one["text"], one["file"] or "")
        for one in _BLOCK.finditer(text)
    ]
    return [one for one in found if language in ("", one.language)]
