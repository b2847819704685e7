"""Which versions of httpd and OpenSSL a requirement means: PEP 440 specifiers, with OpenSSL's letters understood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Version

# OpenSSL up to 1.1.1 numbers its patch releases by letters: 1.1.1, 1.1.1a ... 1.1.1w; after z comes za (1.0.2zh).
_LETTERS = re.compile(r"(\d+\.\d+\.\d+)([a-z]+)(?![a-z0-9])")


def specifier(text: str) -> SpecifierSet:
    """The versions that a text such as `">=2.4.66,<2.4.70"`, `"<3.5"`, `"==1.1.1w"` or `"==1.1.1.*"` means.

    Operators are those of PEP 440. A letter is a number behind the others, so that `1.1.1 < 1.1.1a < 1.1.1w < 3.0.0`.

    Raises:
        ValueError: for anything else.
    """
    try:
        return SpecifierSet(_LETTERS.sub(_numbered, text))
    except InvalidSpecifier:
        raise ValueError(f'{text!r} is no version specifier such as ">=2.4.66,<2.4.70" or "==1.1.1w"') from None


def within(version: Version, versions: SpecifierSet) -> bool:
    """Whether a version is one of `versions`."""
    return versions.contains(_LETTERS.sub(_numbered, str(version)), prereleases=True)


def _numbered(found: re.Match[str]) -> str:
    return f"{found[1]}.{sum(ord(letter) - ord('a') + 1 for letter in found[2])}"
