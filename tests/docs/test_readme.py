"""What the documents print works as printed."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.snippets import DOCUMENTS, ROOT, blocks

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation

# Their examples need a repository, which `test_snippets.py` and `tests/plugin/test_own_tests.py` give them.
_OF_REPOSITORIES = {"docs/repositories.md", "docs/tutorial-repository.md"}
_OF_THIS_MACHINE = "docs/backends.md"


def _examples(document: str) -> list[str]:
    return [block.text for block in blocks(document, "python") if not block.word]


_WITH_EXAMPLES = [one for one in DOCUMENTS if _examples(one) and one not in {*_OF_REPOSITORIES, _OF_THIS_MACHINE}]
_WITH_FAILURES = [one for one in DOCUMENTS if any(block.word == "fails" for block in blocks(one, "python"))]


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_every_example_passes_in_an_empty_folder(tmp_path: Path) -> None:
    assert {"README.md", "docs/tutorial.md", "docs/how-to.md", "docs/ci.md"} <= {*_WITH_EXAMPLES}
    _pass(_WITH_EXAMPLES, tmp_path, "--modssl")


def test_the_example_of_back_ends_passes_on_this_machine(local_installation: Installation, tmp_path: Path) -> None:
    local_installation.require(["proxy", "proxy_http"])
    _pass([_OF_THIS_MACHINE], tmp_path, "--modssl", f"--modssl-target=local:{local_installation.binary}")


def _pass(documents: list[str], folder: Path, *options: str) -> None:
    tests = 0
    for document in documents:
        for number, example in enumerate(_examples(document), 1):
            name = f"test_{Path(document).stem.replace('-', '_').lower()}_{number}.py"
            (folder / name).write_text(example, encoding="utf-8")
            tests += len(re.findall("^def test_", example, re.MULTILINE))
    assert tests

    run = _run(folder, *options)

    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"= (\d+) passed in", run.stdout)
    assert passed is not None, run.stdout
    assert int(passed[1]) >= tests


def test_the_example_of_the_readme_is_skipped_without_the_flag(tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(_examples("README.md")[0], encoding="utf-8")

    run = _run(tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 skipped" in run.stdout


@pytest.mark.parametrize("document", _WITH_FAILURES)
def test_the_failures_that_documents_show_are_those_that_pytest_prints(document: str, tmp_path: Path) -> None:
    shown = blocks(document)
    failing = [
        (one, output) for one, output in itertools.pairwise(shown) if one.word == "fails" and output.language == "text"
    ]
    assert len(failing) == sum(one.word == "fails" for one in shown), "a failing example without its output"
    assert len(failing) == 1, "the example is written into a file of one name"
    (tmp_path / "test_site.py").write_text(failing[0][0].text, encoding="utf-8")

    run = _run(tmp_path, "--modssl")

    assert run.returncode == 1, run.stdout + run.stderr
    assert " passed" not in run.stdout
    assert [line for _, output in failing for line in output.text.splitlines() if line not in run.stdout] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(document: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / document).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / document).parent.joinpath(link).exists()] == []
