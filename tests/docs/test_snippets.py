"""What the documents show beside examples of tests: a repository made step by step, settings, command lines."""

from __future__ import annotations

import argparse
import configparser
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manual.reference import SETTINGS, fixtures
from pytest_modssl import cli
from tests.docs.snippets import DOCUMENTS, ROOT, blocks

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation

_TUTORIAL = "docs/tutorial-repository.md"
_DECLARED = {one.ini: one for group in SETTINGS.values() for one in group}
_OPTIONS = {one.option for one in _DECLARED.values() if not one.table}
# Which tests have the blocks of each language.
_TESTED = {
    "python": "test_readme.py; tests/plugin/test_own_tests.py (docs/repositories.md)",
    "apache": "here, with what the tutorial makes",
    "console": "here, with what the tutorial makes",
    "ini": "here",
    "toml": "here",
    "csv": "tests/repo/test_tables.py; here, with what the tutorial makes",
    "yaml": "test_ci.py; tests/repo/test_tables.py",
    "groovy": "test_ci.py",
    "text": "output, which varies; that of failing examples is in test_readme.py",
}


def _shell(folder: Path, line: str, installation: Installation) -> subprocess.CompletedProcess[str]:
    """A command line as a user gives it, on the httpd of this run."""
    local = f"local:{installation.binary}"
    line = line.replace("--modssl-target local", f"--modssl-target {local}")
    return subprocess.run(
        [*shlex.split(line), "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTEST_MODSSL_TARGET": local,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_repository_of_the_tutorial_does_what_it_says_step_by_step(
    local_installation: Installation, tmp_path: Path
) -> None:
    local_installation.require(["proxy", "proxy_http"])
    steps = blocks(_TUTORIAL)
    for step in steps:
        if step.language != "console":
            assert step.file, f"the tutorial does not say which file this is:\n{step.text}"
            _write(tmp_path, step.file, step.text)
            continue
        command, *shown = step.text.splitlines()
        run = _shell(tmp_path, command.removeprefix("$ "), local_installation)
        output = run.stdout + run.stderr
        assert [line for line in shown if line not in output] == [], output
        failed = [line for line in shown if line.startswith("FAILED ")]
        assert run.returncode == (1 if failed else 0), output
        assert output.count("\nFAILED ") == len(failed), output
    assert sum(step.language == "console" for step in steps) == 3


def test_the_examples_of_fixtures_pass_in_the_repository_of_the_tutorial(
    local_installation: Installation, tmp_path: Path
) -> None:
    local_installation.require(["proxy", "proxy_http"])
    for step in blocks(_TUTORIAL):
        if step.language in ("apache", "ini"):
            _write(tmp_path, step.file, step.text)
    for one in fixtures():
        assert one.docstring is not None
        (example,) = re.findall(r"```python\n(.*?)```", one.docstring.value, re.DOTALL)
        _write(tmp_path, f"tests/test_{one.name}.py", re.sub("^    ", "", example, flags=re.MULTILINE))

    run = _shell(tmp_path, "pytest tests", local_installation)

    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed is not None
    assert int(passed[1]) >= len(fixtures())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_settings_that_documents_show_can_be_read(document: str) -> None:
    for block in (*blocks(document, "ini"), *blocks(document, "toml")):
        read = configparser.ConfigParser(interpolation=None)
        read.read_string(block.text)
        for section in read.sections():
            for name, value in read[section].items():
                if name.startswith("modssl"):
                    lines = [line for line in value.splitlines() if line.strip()]
                    texts = lines if _DECLARED[name].table or len(lines) > 1 else re.split(r"[ \"\[\],]+", value)
                    _DECLARED[name].parse([one.strip() for one in texts if one.strip()])


def _commands(document: str) -> list[str]:
    """Command lines as documents show them: in blocks, indented, and within sentences."""
    text = (ROOT / document).read_text(encoding="utf-8")
    ours = "(?:pytest|pytest-modssl|python -m pytest_modssl)"
    found = re.findall(rf"^(?:    |\$ )(?:cd \S+ && )?({ours} .*)$", text, re.MULTILINE)
    found += re.findall(rf"`({ours} [^`]+)`", text)
    return [re.sub(" +#.*", "", one).replace("python -m pytest_modssl", "pytest-modssl") for one in found]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_that_documents_show_have_the_options_that_they_name(
    document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    monkeypatch.setattr(argparse.ArgumentParser, "error", lambda _, message: wrong.append(message))
    for command in _commands(document):
        words = shlex.split(command)
        if words[0] == "pytest":
            options = [word.partition("=")[0] for word in words if word.startswith("--modssl")]
            wrong += [f"{command}: {option}" for option in options if option not in _OPTIONS]
        elif not {"--help", "|", "...", "COMMAND"} & {*words}:
            cli.parser().parse_args(words[1:])
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_there_is_a_test_for_each_kind_of_block(document: str) -> None:
    assert {one.language for one in blocks(document)} - {*_TESTED} == set()
