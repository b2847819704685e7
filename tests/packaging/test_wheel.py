"""The wheel does all that a checkout does, in an environment that has only what the wheel asks for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ROOT = Path(__file__).resolve().parents[2]


def _run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def _files(folder: str) -> Iterator[str]:
    for path in sorted((_ROOT / folder).rglob("*")):
        name = path.relative_to(_ROOT).as_posix()
        if path.is_file() and "cache" not in name.replace("pki/cache.py", ""):
            yield name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=_ROOT)
    (built,) = target.glob("*.whl")
    return built


def _required_by(wheel: Path) -> list[str]:
    (ours,) = distributions(path=[str(wheel)])
    return ours.requires or []


def _needed(requirements: Iterable[str]) -> dict[str, Path]:
    """Top-level files and folders of all that is required, directly or not, as the running environment has them."""
    waiting = list(requirements)
    entries: dict[str, Path] = {}
    seen: set[str] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name in seen or not (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(requirement.name)
        found = distribution(requirement.name)
        waiting.extend(found.requires or ())
        for file in found.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__"):
                entries[top] = Path(str(found.locate_file(top)))
    return entries


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that holds the wheel, and links to no more than what the wheel requires.

    They are links, not installed anew, so that the test needs no package index.
    """
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    program = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", program, "--disable-pip-version-check")
    _run(*pip, "install", "--no-index", "--no-deps", wheel, cwd=home)
    (packages,) = home.glob("lib/python3*/site-packages")
    for name, path in _needed(_required_by(wheel)).items():
        (packages / name).symlink_to(path)
    return program


def test_the_wheel_holds_the_package_and_its_data(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    data = (f"pytest_modssl/_data/{name}" for folder in ("fixtures", "containers") for name in _files(folder))
    examples = (name.replace("tests/", "pytest_modssl/_data/", 1) for name in _files("tests/examples/faq"))
    assert sorted({*_files("pytest_modssl"), *data, *examples} - names) == []
    assert "pytest_modssl/py.typed" in names
    assert "pytest_modssl/_data/fixtures/repos/shop/httpd/shop.conf" in names


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert sorted(top for top in tops if not top.endswith(".dist-info")) == ["pytest_modssl"]
    assert [name for name in names if "__pycache__" in name or "_cache/" in name] == []


def test_the_documents_say_why_each_dependency_is_there(wheel: Path) -> None:
    told = (_ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    names = [Requirement(one).name for one in _required_by(wheel)]
    assert names
    assert [name for name in names if f"| {name.lower()} |" not in told.lower()] == []


def test_the_installed_wheel_runs_the_sample_repository(python: Path, tmp_path: Path) -> None:
    data = _run(python, "-c", "from pytest_modssl._data import fixture; print(fixture('repos/shop'))", cwd=tmp_path)
    assert Path(data.strip()).is_relative_to(python.parent.parent)
    shutil.copytree(data.strip(), tmp_path / "shop")

    output = _run(python, "-m", "pytest", "--modssl", "-p", "no:cacheprovider", cwd=tmp_path / "shop")

    assert " passed" in output
    assert "skipped" not in output


def test_pytest_shows_what_the_installed_wheel_brings(python: Path, tmp_path: Path) -> None:
    pytest_says = _run(python, "-m", "pytest", "--fixtures", "-p", "no:cacheprovider", cwd=tmp_path)
    for name in ("modssl_ca", "modssl_config", "modssl_server", "modssl_server_factory"):
        assert f"\n{name} " in pytest_says
