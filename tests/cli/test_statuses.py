"""The help of every command, and docs/command-line.md: exit statuses and `--json` are as they are told."""

from __future__ import annotations

import argparse
import re

import pytest

from pytest_modssl.cli import main, parser
from pytest_modssl.cli.statuses import EXIT_STATUS, OF_COMMAND, of_command
from tests.cli.answers import DOCUMENT

_NO_JSON = {"matrix", "report"}


def commands() -> dict[str, argparse.ArgumentParser]:
    (found,) = (one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(found.choices)


def test_the_exit_statuses_that_are_documented_are_those_of_the_code() -> None:
    titles, _, *rows = re.findall(r"^\|(.*)\|$", DOCUMENT.read_text().partition("## Exit status\n")[2], re.MULTILINE)[
        : len(OF_COMMAND) + 3
    ]
    cells = [[cell.strip().strip("`") for cell in row.split("|")] for row in rows]
    assert titles.split("|")[1:] == [f" {status} " for status in EXIT_STATUS]
    assert cells == [
        ["every one, but for", *EXIT_STATUS.values()],
        *([name, *(meanings.get(status, "") for status in EXIT_STATUS)] for name, meanings in OF_COMMAND.items()),
    ]
    assert {*OF_COMMAND} <= {*commands()}


@pytest.mark.parametrize("name", commands())
def test_help_ends_with_examples_that_can_be_read_and_the_exit_statuses(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    told = capsys.readouterr().out
    examples = re.findall(r"^  pytest-modssl (\S.*?)(?: +#.*| >.*)?$", told, re.MULTILINE)
    assert examples
    for one in examples:
        parser().parse_args(one.split())
    statuses = " ".join(told.rpartition("exit status: ")[2].split())
    assert statuses == "; ".join(f"{status} {meaning}" for status, meaning in of_command(name).items())


def test_every_command_answers_as_json_and_has_its_keys_documented_but_for_those_that_say_why_not() -> None:
    without = {name for name, one in commands().items() if "--json" not in one._option_string_actions}
    assert without == _NO_JSON
    section = DOCUMENT.read_text().partition("## As JSON\n")[2]
    assert {*re.findall(r"^### (\w+)$", section, re.MULTILINE)} == {*commands()} - _NO_JSON
    assert [name for name in _NO_JSON if f"`{name}`" not in section.partition("###")[0]] == []
