"""What the README prints works as printed; so do the examples of the tutorial."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_modssl.httpd.installation import Installation

_ROOT = Path(__file__).resolve().parents[2]
_DOCUMENTS = sorted(path.relative_to(_ROOT).as_posix() for path in (*_ROOT.glob("*.md"), *_ROOT.glob("docs/*.md")))
_PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _examples(document: str) -> list[str]:
    blocks: list[str] = _PYTHON_BLOCK.findall((_ROOT / document).read_text(encoding="utf-8"))
    return blocks


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.mark.parametrize("document", ["README.md", "docs/tutorial.md", "docs/ci.md"])
def test_every_example_passes_in_an_empty_folder(document: str, tmp_path: Path) -> None:
    _pass(document, tmp_path, "--modssl")


def test_the_example_of_back_ends_passes_on_this_machine(local_installation: Installation, tmp_path: Path) -> None:
    local_installation.require(["proxy", "proxy_http"])
    _pass("docs/backends.md", tmp_path, "--modssl", f"--modssl-target=local:{local_installation.binary}")


def _pass(document: str, tmp_path: Path, *options: str) -> None:
    examples = _examples(document)
    assert examples, f"{document} shows no example"
    for number, example in enumerate(examples, 1):
        (tmp_path / f"test_example_{number}.py").write_text(example, encoding="utf-8")

    run = _run(tmp_path, *options)

    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"= (\d+) passed in", run.stdout)
    tests = sum(len(re.findall("^def test_", example, re.MULTILINE)) for example in examples)
    assert passed is not None, run.stdout
    assert int(passed[1]) >= tests


def test_the_example_of_the_readme_is_skipped_without_the_flag(tmp_path: Path) -> None:
    (tmp_path / "test_example.py").write_text(_examples("README.md")[0], encoding="utf-8")

    run = _run(tmp_path)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "3 skipped" in run.stdout


def test_the_failure_that_the_tutorial_shows_is_the_one_that_pytest_prints(tmp_path: Path) -> None:
    tutorial = (_ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    found = re.search(r"^```python fails\n(.*?)^```$.*?^```text\n(.*?)^```$", tutorial, re.MULTILINE | re.DOTALL)
    assert found is not None
    (tmp_path / "test_example.py").write_text(found[1], encoding="utf-8")

    run = _run(tmp_path, "--modssl")

    assert run.returncode == 1, run.stdout + run.stderr
    assert [line for line in found[2].splitlines() if line not in run.stdout] == []


@pytest.mark.parametrize("document", _DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(document: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (_ROOT / document).read_text(encoding="utf-8"))
    assert [link for link in links if not (_ROOT / document).parent.joinpath(link).exists()] == []
