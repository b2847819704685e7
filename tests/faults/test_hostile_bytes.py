"""Bytes that no well-meaning peer sends, at every reader of the package: recorded conversations, spoiled.

The short form is hypothesis; in the long form processes with little memory read ten million inputs, which a mutator of
ours makes, and as many by atheris as it does in the time, chosen by the lines of the package that they reach.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from tests.faults.conftest import LONG, SEED
from tests.faults.hostile.edits import KINDS, Edit, edited
from tests.faults.hostile.parsers import PARSERS, messages_in
from tests.faults.hostile.recorded import Recorded, record

if TYPE_CHECKING:
    from pytest_modssl.targets.local import LocalTarget
    from tests.faults.conftest import Faults

PROMISE = "a value or an error of ours, in little memory and time"
EXAMPLES = 60
MEGABYTES = 512
"""Of address space for a process that reads; the package alone has 300."""

THOUSANDS = {
    "message": 3000,
    "answer": 2000,
    "refusal": 1000,
    "virtual hosts": 500,
    "mutexes": 500,
    "kernel": 500,
    "capture": 500,
    "load": 400,
    "transcript": 300,
    "certificate": 250,
    "stapled": 200,
    "hello": 150,
    "http": 150,
    "fcgi back end": 100,
    "scgi back end": 100,
    "uwsgi back end": 100,
    "ajp back end": 100,
    "http back end": 30,
    "directives": 30,
    "error log": 30,
    "tls back end": 20,
    "cgi page": 20,
    "ssi page": 10,
    "fields": 10,
}
"""How many thousand inputs each reader gets in the long form, of ten million: the dearer it is, the fewer."""

GUIDED = 1 / 40
"""The part of that that atheris makes once more: it takes many times as long for each."""

edits = st.lists(
    st.builds(Edit, st.sampled_from(KINDS), st.integers(0, 5000), st.integers(0, 127), st.integers(0, 255)), max_size=5
)


@pytest.fixture(scope="module")
def recordings(local_target: LocalTarget) -> Recorded:
    folder = Path(tempfile.mkdtemp(prefix="modssl-b"))
    folder.chmod(0o711)
    found = record(local_target, folder)
    shutil.rmtree(folder)
    found["message"] = list(dict.fromkeys(one for flight in found["tls"] for one in messages_in(flight)))
    found["kernel"] = [Path("/proc/net/tcp").read_bytes()[:1500], Path("/proc/self/stat").read_bytes()]
    return found


@pytest.fixture(scope="module")
def folder(recordings: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recordings as files, in a folder for each reader."""
    found = tmp_path_factory.mktemp("recordings")
    for reader, (kind, _) in PARSERS.items():
        (found / reader).mkdir()
        for number, data in enumerate(recordings[kind]):
            (found / reader / str(number)).write_bytes(data)
    return found


@pytest.mark.any_target
@pytest.mark.parametrize("reader", PARSERS)
def test_what_was_recorded_can_be_read(recordings: Recorded, reader: str) -> None:
    kind, read = PARSERS[reader]
    assert recordings[kind]
    for data in recordings[kind]:
        read(data)


@pytest.mark.fault("hostile bytes at each reader", PROMISE)
@pytest.mark.skipif(LONG, reason="the long form is below")
@pytest.mark.parametrize("reader", PARSERS)
def test_a_reader_ends_with_a_value_or_an_error_of_ours(recordings: Recorded, faults: Faults, reader: str) -> None:
    kind, read = PARSERS[reader]
    seeds = recordings[kind]

    @settings(max_examples=EXAMPLES)
    @seed(SEED)
    @given(st.sampled_from(range(len(seeds))), edits)
    def any_input(which: int, changes: list[Edit]) -> None:
        faults.tried += 1
        read(edited(seeds[which], changes, seeds))

    any_input()


@pytest.mark.fault("hostile bytes at each reader", PROMISE)
@pytest.mark.skipif(not LONG, reason="the short form is above")
@pytest.mark.timeout(7200)
def test_ten_million_inputs_end_with_a_value_or_an_error_of_ours(folder: Path, faults: Faults) -> None:
    assert THOUSANDS.keys() == PARSERS.keys()
    assert sum(THOUSANDS.values()) == 10_000
    assert not fuzzed(Path(sys.executable), folder, faults, {one: many * 1000 for one, many in THOUSANDS.items()})


@pytest.mark.fault("hostile bytes at each reader, by coverage (atheris)", PROMISE)
@pytest.mark.skipif(not LONG, reason="only in the long form")
@pytest.mark.timeout(7200)
def test_inputs_by_coverage_end_with_a_value_or_an_error_of_ours(folder: Path, faults: Faults, tmp_path: Path) -> None:
    venv.create(tmp_path / "atheris", with_pip=True)
    python = tmp_path / "atheris/bin/python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", "atheris>=3"], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.skip(f"atheris cannot be had for this Python: {installed.stderr.splitlines()[-1]}")
    (site,) = (tmp_path / "atheris/lib").glob("python*/site-packages")
    (site / "outer.pth").write_text(sysconfig.get_path("purelib"))
    counts = {one: int(many * 1000 * GUIDED) for one, many in THOUSANDS.items()}
    assert not fuzzed(python, folder, faults, counts, megabytes=2 * MEGABYTES)


def fuzzed(
    python: Path, folder: Path, faults: Faults, counts: dict[str, int], *, megabytes: int = MEGABYTES
) -> list[str]:
    """What was wrong, with the input that shows it; one process a processor."""

    def run(reader: str) -> tuple[int, str]:
        words = [folder, reader, counts[reader], SEED, megabytes]
        done = subprocess.run(
            [python, "-m", "tests.faults.hostile.fuzz", *map(str, words)], capture_output=True, text=True, check=False
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if not lines:
            return 0, f"{reader}: exit status {done.returncode}\n{done.stderr[-2000:]}"
        told = json.loads(lines[-1])
        print(f"{reader}: {told['count']} inputs, {told['seconds']} s, {told['megabytes']} MB")  # noqa: T201
        return told["count"], f"{reader}: {told['error']}\nof {told['input']}" if "error" in told else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(run, counts))
    faults.tried += sum(count for count, _ in done)
    return [wrong for _, wrong in done if wrong]
