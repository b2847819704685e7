"""The JSON Schema of the settings in pyproject.toml, for editors; `python -m manual.schema` writes it anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from manual.links import ROOT
from manual.reference import SETTINGS

if TYPE_CHECKING:
    from pytest_modssl.settings import Declared

FILE = ROOT / "pytest_modssl" / "settings.schema.json"
_LIST = {"type": "array", "items": {"type": "string"}}


def schema() -> dict[str, Any]:
    """The schema of a pyproject.toml, which leaves what is of others alone and knows every key of ours."""
    declared = {one.ini: one for group in SETTINGS.values() for one in group}
    found: dict[str, Any] = {
        "type": "object",
        "properties": {name: _property(one) for name, one in declared.items()},
        "propertyNames": {"anyOf": [{"enum": list(declared)}, {"not": {"pattern": "^modssl"}}]},
    }
    for table in ("ini_options", "pytest", "tool"):
        found = {"type": "object", "properties": {table: found}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pyproject.toml with the settings of pytest-modssl in [tool.pytest.ini_options]",
        **found,
    }


def _property(one: Declared[Any]) -> dict[str, Any]:
    return {"description": f"{one.help} ({one.form})" if one.form else one.help, **_type(one)}


def _type(one: Declared[Any]) -> dict[str, Any]:
    if one.flag:
        return {"enum": [True, False, "true", "false", "yes", "no", "on", "off", "1", "0"]}
    if one.repeatable or one.table:
        return {"anyOf": [_LIST, {"type": "string"}]}
    return {"type": ["string", "number"] if isinstance(one.default, float) else "string"}


def text() -> str:
    """The file."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
