"""What is proved of the types is proved of every public name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest_modssl


def test_every_public_name_is_used_where_the_types_are_proved() -> None:
    tree = ast.parse(Path(__file__).with_name("api.py").read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert sorted({*pytest_modssl.__all__} - used - {"__version__"}) == []
