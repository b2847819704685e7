"""The reference, made of the code: public names, fixtures, settings, markers, commands.

What can be read is read (griffe, without running anything), so that types that are imported for type checkers alone are
known; what is declared as a value (settings, commands, features) is taken from there. Docstrings are rendered by
mkdocstrings, which a page asks for an object by `::: its path`.
"""

from __future__ import annotations

import argparse
import ast
import functools
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import griffe

import pytest_modssl
from manual.links import ROOT
from pytest_modssl import cli, plugin
from pytest_modssl import settings as run_settings
from pytest_modssl.cli.statuses import EXIT_STATUS
from pytest_modssl.httpd.features import FEATURES
from pytest_modssl.repo import settings as repo_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_modssl.settings import Declared

SETTINGS = {"Of a run": run_settings.ALL, "Of a repository's checks": repo_settings.ALL}
# The functions whose arguments are those of a marker.
MARKERS = {"modssl": "pytest_modssl.marker.modssl", "modssl_requires": "pytest_modssl.httpd.requirements.requirement"}
# What else of the environment is read, by a library for us too.
VARIABLES = {
    "DOCKER_HOST": "the container engine, where `--modssl-engine` names none",
    "DOCKER_CONTEXT": "the context of docker's command line that names the engine, where neither of these does",
    "XDG_RUNTIME_DIR": "where the sockets of rootless engines are looked for",
    "HOME": "the same, for Docker Desktop; also where the caches are, without the next one",
    "XDG_CACHE_HOME": "the folder of the caches: RSA keys, httpds, sources; `~/.cache` by default",
    "TMPDIR": "the folder of the servers' files; without it they are in memory (`/dev/shm`) where that may be",
    "PATH": "where httpd and other programs are looked for; `/usr/sbin` and the like are looked at too",
    "TERM": "`dumb` is a terminal without a line that is written anew",
    "GITHUB_ACTIONS": "`true` annotates failures, and writes the job's summary",
    "GITHUB_WORKSPACE": "the folder that paths of annotations are relative to",
    "GITHUB_STEP_SUMMARY": "the file of the job's summary",
    "PIP_INDEX_URL": "the index that httpd's sources are fetched from, for `source:VERSION`",
}
_HOOKS = """\
# Hooks

pytest-modssl declares no hooks of its own: a `conftest.py` has none to implement. What they would be for is done by

- [fixtures](fixtures.md), each of which a module, a class or a `conftest.py` may override: `modssl_config` is what a
  server serves, `modssl_ca` who issues its certificates;
- [markers](markers.md), for one test;
- [settings](settings.md), for a run.

Of pytest's own hooks, those that see tests see the checks of a repository too: they are items, as tests are, with ids
such as `conf/httpd.conf::www.example.com:443::hsts`. `pytest_collection_modifyitems` may mark, order and deselect them;
`pytest_runtest_logreport` gets their reports, with what is shown below a failure in `report.sections`.
"""


@dataclass(frozen=True, slots=True)
class Fixture:
    """A fixture as its source has it.

    Attributes:
        name: what tests ask for.
        path: the path of its function.
        scope: `"function"`, `"session"`, ...
        type: the annotation of what it gives.
        uses: the fixtures that it asks for.
        docstring: what it says of itself.
    """

    name: str
    path: str
    scope: str
    type: str
    uses: tuple[str, ...]
    docstring: griffe.Docstring | None


@functools.cache
def package() -> griffe.Module:
    """The package as it stands in its source."""
    loaded = griffe.load("pytest_modssl", search_paths=[ROOT], docstring_parser="google")
    assert isinstance(loaded, griffe.Module)
    return loaded


def fixtures() -> list[Fixture]:
    """Every fixture of the plugin, in the order of the source."""
    modules = [package()[name.removeprefix("pytest_modssl.")] for name in plugin.pytest_plugins]
    return [
        _fixture(function, decorator)
        for module in modules
        for function in module.functions.values()
        for decorator in function.decorators
        if decorator.callable_path == "pytest.fixture"
    ]


def _fixture(function: griffe.Function, decorator: griffe.Decorator) -> Fixture:
    call = ast.parse(str(decorator.value), mode="eval").body
    given = {one.arg: ast.literal_eval(one.value) for one in call.keywords} if isinstance(call, ast.Call) else {}
    gives = re.sub(r"^(?:Iterator|Generator)\[(\w+).*\]$", r"\1", str(function.returns))
    uses = tuple(one.name for one in function.parameters if one.name != "request")
    return Fixture(function.name, function.path, given.get("scope", "function"), gives, uses, function.docstring)


def errors() -> list[str]:
    """The exceptions, public ones by the name that they are imported by."""
    public = set(pytest_modssl.__all__)
    classes = [name for name, one in package()["errors"].classes.items() if _is_error(one)]
    return [f"pytest_modssl.{name}" if name in public else f"pytest_modssl.errors.{name}" for name in classes]


def _is_error(one: griffe.Class) -> bool:
    return one.name.endswith("Error")


def pages() -> dict[str, str]:
    """Every page of the reference, by its name on the site."""
    public = [name for name in pytest_modssl.__all__ if name != "__version__"]
    asserts = [f"pytest_modssl.{name}" for name in public if name.startswith("assert_")]
    objects = [f"pytest_modssl.{name}" for name in public if f"pytest_modssl.{name}" not in {*asserts, *errors()}]
    made: dict[str, Callable[[], Iterable[str]]] = {
        "fixtures": _fixtures,
        "settings": _settings,
        "markers": _markers,
        "hooks": lambda: [_HOOKS.rstrip()],
        "assertions": lambda: _objects("Assertions", asserts),
        "objects": lambda: _objects("Classes and functions", objects),
        "exceptions": lambda: _objects("Exceptions", errors()),
        "command-line": _commands,
    }
    texts = {name: "\n".join(make()) + "\n" for name, make in made.items()}
    titles = [(name, text.partition("\n")[0].removeprefix("# ")) for name, text in texts.items()]
    texts["index"] = "# Reference\n\n" + "".join(f"- [{title}]({name}.md)\n" for name, title in titles)
    return {f"reference/{name}.md": text for name, text in texts.items()}


def _objects(title: str, paths: Iterable[str]) -> Iterator[str]:
    yield f"# {title}"
    for path in sorted(paths, key=lambda path: path.rpartition(".")[2].lower()):
        yield from ("", f"::: {path}")


def _documented(path: str) -> Iterator[str]:
    """What an object's docstring says, below a heading of ours."""
    yield from ("", f"::: {path}", "    options:", "      show_root_heading: false", "      show_root_toc_entry: false")


def _fixtures() -> Iterator[str]:
    yield "# Fixtures"
    for one in fixtures():
        yield from ("", f"## `{one.name}` {{ #{one.name} }}", "")
        yield f"- **Scope:** {one.scope}"
        yield f"- **Type:** {_linked(one.type)}"
        if one.uses:
            yield f"- **Uses:** {', '.join(f'[`{name}`](#{name})' for name in one.uses)}"
        yield from _documented(one.path)


def _linked(annotation: str) -> str:
    """An annotation whose public names lead to what is said of them."""
    parts = re.split(r"(\w+)", annotation)
    return "".join(f"[`{one}`][pytest_modssl.{one}]" if one in pytest_modssl.__all__ else one for one in parts)


def _settings() -> Iterator[str]:
    yield from ("# Options, ini keys, environment variables", "")
    yield (
        "Each setting can be given in three ways; the first that has it counts: the option on the command line, the "
        "environment variable, the key in pytest's configuration file."
    )
    for title, settings in SETTINGS.items():
        yield from ("", f"## {title}")
        for one in settings:
            yield from _setting(one)
    yield from ("", "## Other variables of the environment", "", "| variable | what it is for |", "| --- | --- |")
    yield from (f"| `{name}` | {told} |" for name, told in VARIABLES.items())


def _setting(one: Declared[Any]) -> Iterator[str]:
    name = one.ini if one.table else one.option
    yield from ("", f"### `{name}` {{ #{one.ini} }}", "", f"{one.help[0].upper()}{one.help[1:]}.", "")
    if not one.table:
        yield f"- **Option:** `{f'{one.option} {one.form}'.strip()}`{', repeatable' if one.repeatable else ''}"
        yield f"- **Environment:** `{one.variable}`"
    yield f"- **Ini key:** `{one.ini}`, {_ini_type(one)}"
    yield f"- **Default:** {f'`{run_settings.shown(one.default)}`' if one.default else 'off' if one.flag else 'none'}"


def _ini_type(one: Declared[Any]) -> str:
    if one.table:
        return f"a list of lines `{one.form}`"
    return "a list" if one.repeatable else "`true` or `false`" if one.flag else "text"


def _markers() -> Iterator[str]:
    yield "# Markers"
    for name, path in MARKERS.items():
        function = package()[path.removeprefix("pytest_modssl.")]
        signature = ", ".join(_parameters(function))
        yield from ("", f"## `@pytest.mark.{name}` {{ #{name} }}", "", f"    {name}({signature})")
        yield from _documented(path)
    yield from ("", "### Features", "", "What `feature=` may name.", "", "| feature | what it is |", "| --- | --- |")
    for name, feature in FEATURES.items():
        yield f"| `{name}` | {feature.about} |"


def _parameters(function: griffe.Function) -> Iterator[str]:
    keyword = False
    for one in function.parameters:
        if one.kind is griffe.ParameterKind.keyword_only and not keyword:
            keyword = True
            yield "*"
        yield f"{one.name}={one.default}" if one.default is not None else one.name


def _commands() -> Iterator[str]:
    yield from ("# Command line", "", "`pytest-modssl`, or `python -m pytest_modssl`. The guide has", "")
    yield "- [what each exit status means](../command-line.md#exit-status);"
    yield "- [what those of pytest mean](../command-line.md#exit-status-of-pytest);"
    yield "- [the keys of answers as JSON](../command-line.md#as-json);"
    yield "- [completion in shells](../command-line.md#completion-in-shells)."
    yield from ("", "| exit status | meaning |", "| --- | --- |")
    yield from (f"| {status} | {meaning} |" for status, meaning in EXIT_STATUS.items())
    with mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}):
        yield from _command(cli.parser(), 2)


def _command(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    yield from ("", f"{'#' * level} {parser.prog}", "", "```text", parser.format_help().rstrip(), "```")
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to its commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for one in dict.fromkeys(action.choices.values()):
                yield from _command(one, min(level + 1, 4))
