"""The reference has every public name, fixture, setting, marker and command, and each of them says what it is."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import griffe
import pytest

import pytest_modssl
from manual.links import ROOT
from manual.reference import MARKERS, SETTINGS, VARIABLES, errors, fixtures, package, pages
from pytest_modssl import cli
from pytest_modssl.cli.statuses import EXIT_STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator

_PUBLIC = sorted({f"pytest_modssl.{name}" for name in pytest_modssl.__all__ if name != "__version__"} | {*errors()})


def _object(path: str) -> griffe.Object:
    found = package()[path.removeprefix("pytest_modssl.")]
    return cast("griffe.Object", found.final_target if found.is_alias else found)


def _told(one: griffe.Object | griffe.Alias) -> set[str]:
    """The names that a docstring's sections speak of."""
    kinds = (griffe.DocstringSectionKind.attributes, griffe.DocstringSectionKind.parameters)
    sections = [] if one.docstring is None else one.docstring.parse("google")
    return {item.name.lstrip("*") for section in sections if section.kind in kinds for item in section.value}


def _undocumented(path: str) -> Iterator[str]:
    one = _object(path)
    if not one.has_docstring:
        yield path
    if isinstance(one, griffe.Function):
        told = _told(one)
        yield from (f"{path}({name})" for each in one.parameters if told and (name := each.name) not in told)
        return
    for name, member in one.all_members.items():
        if name.startswith("_"):
            continue
        field = member.is_attribute and "property" not in member.labels
        if not member.has_docstring and not (field and name in _told(one)):
            yield f"{path}.{name}"


@pytest.mark.parametrize("path", _PUBLIC)
def test_every_public_name_and_every_part_of_it_says_what_it_is(path: str) -> None:
    assert list(_undocumented(path)) == []


def test_the_reference_has_every_public_name() -> None:
    shown = re.findall("^::: (.+)$", "\n".join(pages().values()), re.MULTILINE)
    assert [path for path in _PUBLIC if shown.count(path) != 1] == []


def _pytest(*arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout


def test_the_reference_has_the_fixtures_that_pytest_lists_with_their_scopes() -> None:
    listed = re.findall(r"^(modssl\w*)(?: \[(\w+) scope\])? -- ", _pytest("--fixtures", "-q", "manual"), re.MULTILINE)
    assert {(name, scope or "function") for name, scope in listed} == {(one.name, one.scope) for one in fixtures()}
    assert all(f"## `{one.name}`" in pages()["reference/fixtures.md"] for one in fixtures())


def test_every_fixture_gives_something_of_a_public_type_and_shows_an_example() -> None:
    assert [one.name for one in fixtures() if one.type not in pytest_modssl.__all__] == []
    assert [one.name for one in fixtures() if one.docstring is None or "```python" not in one.docstring.value] == []


def test_the_reference_has_the_markers_that_pytest_lists() -> None:
    listed = re.findall(r"^@pytest\.mark\.(modssl\w*)(\(.*?\)): ", _pytest("--markers"), re.MULTILINE)
    assert {name for name, _ in listed} == {*MARKERS}
    assert all(f"    {name}{signature}" in pages()["reference/markers.md"] for name, signature in listed)


def test_the_reference_has_every_setting_that_pytest_lists_and_each_shows_what_it_takes() -> None:
    told = _pytest("--help")
    declared = [one for group in SETTINGS.values() for one in group]
    assert {*re.findall(r"^  (modssl\w*) \(", told, re.MULTILINE)} == {one.ini for one in declared}
    assert {*re.findall(r"^  (--modssl[\w-]*)", told, re.MULTILINE)} == {o.option for o in declared if not o.table}
    text = pages()["reference/settings.md"]
    assert [one.ini for one in declared if f"{{ #{one.ini} }}" not in text] == []
    assert [one.ini for one in declared if bool(one.form) == one.flag] == []


def test_the_reference_has_every_variable_of_the_environment_that_the_package_reads() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "pytest_modssl").rglob("*.py")]
    named = r"""environ(?:\.get\(|\[)"([A-Z_]+)"|"([A-Z_]+)" (?:not )?in os\.environ"""
    read = {one or other for text in sources for one, other in re.findall(named, text)}
    assert read - {"_ARGCOMPLETE", "LANG", "LC_ALL"} == {*VARIABLES}
    assert [one for one in VARIABLES if f"| `{one}` |" not in pages()["reference/settings.md"]] == []


def test_there_are_no_hooks_as_the_reference_says(request: pytest.FixtureRequest) -> None:
    assert [name for name in vars(request.config.hook) if "modssl" in name] == []
    assert "declares no hooks of its own" in pages()["reference/hooks.md"]


def test_the_reference_has_every_command_and_exit_status() -> None:
    text = pages()["reference/command-line.md"]
    commands = re.search(r"\{(.*?)\}|^commands:\n(.*?)\n\n", cli.parser().format_help(), re.MULTILINE | re.DOTALL)
    assert commands is not None
    names = re.findall(r"^    (\w+) ", commands[0], re.MULTILINE)
    assert names
    assert [name for name in names if f"pytest-modssl {name}\n" not in text] == []
    assert [status for status in EXIT_STATUS if f"| {status} | " not in text] == []
