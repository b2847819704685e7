"""How much of a configuration is read: far above what people write, and some seconds.

Includes, macros and variables multiply without end in a few lines, for httpd as for us; so whoever reads a repository
that he does not know stops somewhere, and says where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

LARGEST_FILE: Final = 10_000_000
"""Bytes of a file of configuration; what is larger is data."""

MOST_LINES: Final = 300_000
"""Lines of a file; 10,000 virtual hosts have as many."""

MOST_STATEMENTS: Final = 100_000
"""Statements of a configuration, each as often as it is read; 1000 virtual hosts have 20,000."""

MOST_FILES: Final = 5_000
"""Files of a configuration, each as often as it is included: some people keep each virtual host in one."""

MOST_LISTENS: Final = 1_000
"""Ports that are listened on, and with them sockets of httpd."""

DEEPEST_SECTION: Final = 100
"""Sections around a statement, in all files together; httpd reads them by recursion."""

LONGEST_LINE: Final = 1_000_000
"""Characters of a line when variables and parameters of macros are replaced."""

MOST_REPLACED: Final = 30_000_000
"""Characters of all such lines together."""


def replaced(pattern: re.Pattern[str], text: str, value: Callable[[re.Match[str]], str]) -> str | None:
    """A text with all that fits a pattern replaced by its value; `None` where that were too long for a line."""
    length = len(text) + sum(len(value(one)) for one in pattern.finditer(text))
    return pattern.sub(value, text) if length <= LONGEST_LINE else None
