"""The sample repositories pass, and each fault of each fails exactly the tests that it should."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.plugin import run_of
from tests.repos import outcomes
from tests.repos.samples import SAMPLES, Failure, Fault, faults, faulty, healthy, places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_modssl.targets.base import Target

# Run in `make test` too: hosts that demand certificates of clients, and a configuration with certificates of its own.
_SHORT = frozenset({"clinic", "clinic-certificate-of-another-host"})
# A file and line as messages name them.
_PLACE = re.compile(r"(?P<file>[^\s:'\"]+):(?P<line>\d+)")
# What cannot be looked at, since httpd does not start, is not counted beside the test that tells why.
_WHY = ("::syntax", "::starts")
_NOT_MADE = re.compile(r"httpd does not start, see |.* is refused, see |httpd \S+ refused this configuration")


@dataclass(frozen=True)
class Outcomes:
    """What came of the tests of a repository, by their names: the messages of those that failed, else `None`."""

    messages: dict[str, str | None]
    output: str

    @property
    def failed(self) -> dict[str, str]:
        """The messages of the tests that failed, those apart that could not be made."""
        return {
            test: message
            for test, message in self.messages.items()
            if message is not None and (test.endswith(_WHY) or not _NOT_MADE.match(message))
        }


@pytest.fixture
def where(modssl_target: Target, request: pytest.FixtureRequest) -> str:
    """The target as its option is written."""
    run = run_of(request.config)
    assert run is not None
    return run.settings.targets.value[run.targets.index(modssl_target)]


def _run(folder: Path, where: str) -> Outcomes:
    told = folder.parent / "outcomes"
    plugin = Path(outcomes.__file__)
    path = os.pathsep.join(filter(None, (str(plugin.parent), os.environ.get("PYTHONPATH"))))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    before = _hashes(folder)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--modssl",
            f"--modssl-target={where}",
            "-p",
            plugin.stem,
            "-p",
            "no:cacheprovider",
        ],
        cwd=folder,
        env={**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "OUTCOMES": str(told)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert _hashes(folder) == before, "a file of the repository was changed"
    assert told.is_file(), done.stdout + done.stderr
    lines = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    messages = {one["test"]: one["message"] if one["outcome"] == "failed" else None for one in lines}
    return Outcomes(messages, done.stdout + done.stderr)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() + f" {path.stat().st_mode:o}"
        for path in folder.rglob("*")
        if path.is_file()
    }


def _long(whole: Iterable[object]) -> list[object]:
    return [pytest.param(one, id=str(one), marks=() if str(one) in _SHORT else pytest.mark.long) for one in whole]


@pytest.mark.parametrize("sample", _long(SAMPLES))
def test_a_healthy_sample_passes_whole(sample: str, where: str, tmp_path: Path) -> None:
    ran = _run(healthy(sample, tmp_path / sample), where)
    assert ran.failed == {}
    assert any(test.endswith("::hsts") for test in ran.messages), ran.output


@pytest.mark.parametrize("fault", _long(faults()))
def test_a_fault_fails_exactly_the_tests_that_it_should(fault: Fault, where: str, tmp_path: Path) -> None:
    folder = faulty(fault, tmp_path / fault.sample)
    failed = _run(folder, where).failed
    unexpected = [test for test in failed if not any(_fits(test, one) for one in fault.failures)]
    assert not unexpected, failed[unexpected[0]]
    for failure in fault.failures:
        messages = [message for test, message in failed.items() if _fits(test, failure)]
        assert messages, f"{failure.test} does not fail"
        wanted = places(failure, folder)
        for message in messages:
            assert [one for one in failure.says if one not in message] == [], message
            named = {((folder / one["file"]).resolve(), int(one["line"])) for one in _PLACE.finditer(message)}
            assert any(path.is_relative_to(folder.resolve()) and path.is_file() for path, _ in named), message
            assert not wanted or wanted & named, message


def _fits(test: str, failure: Failure) -> bool:
    return re.fullmatch(".*".join(map(re.escape, failure.test.split("*"))), test) is not None


@pytest.mark.parametrize("fault", faults(), ids=str)
def test_a_fault_changes_what_stands_there_and_blames_a_line_of_it(fault: Fault, tmp_path: Path) -> None:
    folder = faulty(fault, tmp_path / fault.sample)
    for failure in fault.failures:
        assert failure.at is None or places(failure, folder), f"{failure.at[0]} has no line with {failure.at[1]!r}"
