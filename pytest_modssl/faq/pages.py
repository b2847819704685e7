"""The catalogue as pages of the documentation, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl._data import example
from pytest_modssl.faq.catalogue import entries
from pytest_modssl.faq.entry import GROUPS, manual_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.entry import Entry

_MADE = "<!-- Made from the catalogue by `python -m pytest_modssl faq --pages docs/faq`; change it there. -->"


def pages() -> dict[str, str]:
    """Every page by its file name: one per entry, and `index.md`."""
    return {"index.md": _text(_index()), **{f"{one.id}.md": _text(_page(one)) for one in entries()}}


def snippet(entry: Entry) -> str | None:
    """The test that a user writes about an entry: that of `tests/examples/faq`; `None` where there is none."""
    try:
        return example(f"faq/test_{entry.id.replace('-', '_')}.py").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _index() -> Iterator[str]:
    yield from ("# Questions and answers", "", _MADE, "")
    yield (
        "The questions of mod_ssl's FAQ and other common failures. What a failing test or start shows is held against "
        "all of them, and those that fit are named with their cause, the line in your own file, and the remedy. "
        "`python -m pytest_modssl faq ID --run` shows one on a real server."
    )
    for group, title in GROUPS.items():
        yield from ("", f"## {title}", "")
        yield from (f"- [{one.question}]({one.id}.md)" for one in entries() if one.group == group)


def _page(entry: Entry) -> Iterator[str]:
    yield from (f"# {entry.question}", "", _MADE, "")
    yield f"`{entry.id}`, {GROUPS[entry.group]}"
    yield from ("", f"**Cause:** {_sentence(entry.cause)}", "", f"**What to do:** {_sentence(entry.remedy)}")
    if entry.numbers:
        yield from ("", f"**In the error log:** {', '.join(entry.numbers)}")
    if entry.since:
        yield from ("", f"**Versions:** {entry.since}")
    links = [f"[httpd's FAQ]({entry.links[0]})"] if entry.anchor else []
    links += [f"[`{one.strip('<>')}`]({manual_page(one)})" for one in entry.directives]
    if links:
        yield from ("", f"**See:** {', '.join(links)}")
    test = snippet(entry)
    if test is not None:
        yield from ("", "A test:", "", "```python", test.rstrip(), "```")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
