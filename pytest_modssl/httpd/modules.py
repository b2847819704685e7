"""Which module a directive comes from, and which package brings a module."""

from __future__ import annotations

from typing import Literal

Layout = Literal["debian", "redhat", "apache", "unknown"]


def package_of_module(name: str, layout: Layout) -> str:
    """How to get a module."""
    return f"apt-get install apache2-bin ({name}, {layout})"
