"""Values as plain data and back, and the JSON Schema of them, all by their types: nothing is told twice."""

from __future__ import annotations

import dataclasses
import functools
import json
import sys
import types
import typing
from typing import Any, TypeVar

from pytest_modssl.report.whole.value.run import FORMAT, Report

T = TypeVar("T")

_BASIC: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def plain(value: Any, *, whole: bool = False) -> Any:
    """A value as lists, mappings, texts, numbers.

    Args:
        value: a value of `value`, or a part of one.
        whole: whether that is told too which is as it is by default.
    """
    if dataclasses.is_dataclass(value):
        held = ((one, getattr(value, one.name)) for one in dataclasses.fields(value))
        return {one.name: plain(part, whole=whole) for one, part in held if whole or part != one.default}
    if isinstance(value, tuple):
        return [plain(one, whole=whole) for one in value]
    return value


def unplain(kind: type[T], data: Any) -> T:
    """The value that plain data stands for."""
    made: T = _read(kind, data)
    return made


def _read(kind: Any, data: Any) -> Any:
    if data is None:
        return None
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _read(hints[name], held) for name, held in data.items()})
    if isinstance(kind, types.UnionType):
        return _read(next(one for one in typing.get_args(kind) if one is not type(None)), data)
    if typing.get_origin(kind) is tuple:
        return tuple(_read(typing.get_args(kind)[0], one) for one in data)
    return data


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def schema() -> dict[str, Any]:
    """The JSON Schema of a report, draft 2020-12; its words are those of the values' documentation."""
    found: dict[str, Any] = {}
    _define(Report, found)
    top = found.pop(Report.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        **top,
        "$defs": dict(sorted(found.items())),
    }


def _define(kind: Any, found: dict[str, Any]) -> dict[str, Any]:
    """What stands for a type, whose own definition goes into `found`."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in found:
            found[kind.__name__] = {}
            found[kind.__name__] = _definition(kind, found)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if isinstance(kind, types.UnionType):
        return {"anyOf": [_define(one, found) for one in typing.get_args(kind)]}
    if typing.get_origin(kind) is tuple:
        return {"type": "array", "items": _define(typing.get_args(kind)[0], found)}
    if typing.get_origin(kind) is typing.Literal:
        return {"enum": list(typing.get_args(kind))}
    return {"type": _BASIC[kind]}


def _definition(kind: type, found: dict[str, Any]) -> dict[str, Any]:
    summary, _, attributes = (kind.__doc__ or "").partition("Attributes:")
    told = _documented(attributes)
    fields = dataclasses.fields(kind)
    properties = {one.name: {"description": told[one.name], **_define(_hints(kind)[one.name], found)} for one in fields}
    if "format" in properties:
        properties["format"]["const"] = FORMAT
    return {
        "description": " ".join(summary.split()),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _documented(attributes: str) -> dict[str, str]:
    """The words for each attribute in a docstring."""
    told: dict[str, str] = {}
    name = ""
    for line in attributes.splitlines():
        if line.startswith(" " * 8) and not line.startswith(" " * 9) and ":" in line:
            name, _, text = line.strip().partition(":")
            told[name] = text.strip()
        elif name and line.strip():
            told[name] += f" {line.strip()}"
    return told


if __name__ == "__main__":
    json.dump(schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
