"""Directives as httpd would dump them, from a text: one on a line, indented as one likes."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pytest_modssl.httpd.dumps import DumpedDirective

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "/etc/apache2/apache2.conf"


def dumped(text: str) -> tuple[DumpedDirective, ...]:
    return tuple(_dumped(text))


def _dumped(text: str) -> Iterator[DumpedDirective]:
    around: list[DumpedDirective] = []
    for number, line in enumerate(textwrap.dedent(text).strip().splitlines(), 1):
        words = line.strip()
        if words.startswith("</"):
            around.pop()
            continue
        is_section = words.startswith("<")
        name, _, arguments = words.strip("<>").partition(" ")
        one = DumpedDirective(
            name=name, arguments=arguments, file=FILE, line=number, sections=tuple(around), is_section=is_section
        )
        if is_section:
            around.append(one)
        yield one
