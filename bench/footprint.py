"""What pytest-modssl costs itself: where it is not used, beside each test, in memory, in what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import psutil

from bench import bare
from bench.figures import medians, seconds
from bench.page import Section
from bench.suites import run_pytest, write_suite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.place import Bench

_TESTS = 1000
_ROUNDS = 7
_IMPORTS = 11
_OFF = ("-p", "no:modssl")

_IDLE = ("plugin", "fixtures", "fixtures_repo", "plugin_matrix", "plugin_repo")
_USED = (*_IDLE, "run", "targets.local", "targets.pool", "pki", "tls", "http")

_NOTHING = """
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_nothing(n):
    pass
"""
_SERVER = """
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_server(modssl_server, n):
    pass
"""
_FIXTURE = """
import pytest

@pytest.fixture(scope="module")
def fixture():
    return 1

@pytest.mark.parametrize("n", range({count}))
def test_fixture(fixture, n):
    pass
"""
# One of each kind of look, so that all that they need is loaded.
_LOOKING = """
import psutil
from conftest import tell
from pytest_modssl import assert_handshake

def test_looking(modssl_server):
    assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.3")
    assert modssl_server.get("https://www.example.test/").status_code == 200
    modssl_server.scan("www.example.test")
    tell("server", [one for one in psutil.Process().children(recursive=True) if "-DFOREGROUND" in one.cmdline()])
"""
_TELLING = """
import json, os, psutil
from pathlib import Path

def tell(who, processes):
    sizes = [one.memory_full_info() for one in processes]
    with Path({file!r}).open("a") as file:
        file.write(json.dumps([who, sum(one.rss for one in sizes), sum(one.pss for one in sizes)]) + "\\n")

def pytest_unconfigure(config):
    worker, controller = os.environ.get("PYTEST_XDIST_WORKER"), config.getoption("tx", None)
    tell("a worker" if worker else "its controller" if controller else "pytest in one process", [psutil.Process()])
"""
_FAILING = """
import pytest
from pytest_modssl import assert_handshake

@pytest.mark.parametrize("n", range(10))
def test_protocol(modssl_server, n):
    assert_handshake(modssl_server, "www.example.test", protocol="TLSv1.1")
"""
_PLAIN_FAILING = """
import pytest

@pytest.mark.parametrize("n", range(10))
def test_protocol(n):
    assert "TLSv1.3" == "TLSv1.1"
"""


def compare(bench: Bench) -> Iterator[Section]:
    yield _times(bench)
    yield _memory(bench)
    yield _sizes(bench)


def _times(bench: Bench) -> Section:
    """Runs of pytest with us and without, of one test and of many, in the same rounds."""
    suites = {
        (name, count): write_suite(bench, f"{name}-{count}", tests.format(count=count), "modssl_target = local")
        for name, tests in (("nothing", _NOTHING), ("server", _SERVER), ("fixture", _FIXTURE))
        for count in (1, _TESTS)
    }
    cases = {
        "installed, not used": ("nothing", ()),
        "`--modssl`, tests that use no server": ("nothing", ("--modssl",)),
        "`--modssl`, tests on one server": ("server", ("--modssl",)),
        "without us, tests of nothing": ("nothing", _OFF),
        "without us, tests with a fixture": ("fixture", _OFF),
    }
    runs = [partial(run_pytest, suites[name, n], *options) for name, options in cases.values() for n in (1, _TESTS)]
    for run in runs:
        run()  # compiles modules
    taken = iter(medians(*runs, rounds=_ROUNDS))
    rows = []
    for what in cases:
        one, many = next(taken), next(taken)
        rows.append((what, seconds(one), seconds(many), seconds((many - one) / (_TESTS - 1))))
    idle, used = medians(lambda: _import(_IDLE), lambda: _import(_USED), rounds=_IMPORTS)
    rows.append(("import alone, of what is loaded without `--modssl`", seconds(idle), "", ""))
    rows.append(("import alone, of what a handshake and an answer need", seconds(used), "", ""))
    return Section(
        title="Time",
        how=f"Whole runs of pytest, median of {_ROUNDS}. Imports are timed after pytest's own, median of {_IMPORTS}.",
        columns=("run", "one test", f"{_TESTS:,} tests", "each further test"),
        rows=tuple(rows),
    )


def _import(modules: Sequence[str]) -> float:
    """How many seconds an interpreter takes for modules of ours that has pytest and its own loaded."""
    names = ", ".join(f"pytest_modssl.{name}" for name in modules)
    code = f"import pytest, time; before = time.perf_counter(); import {names}; print(time.perf_counter() - before)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def _memory(bench: Bench) -> Section:
    """What processes have at their end, and servers after a handshake."""
    ours = _told(bench, "looking", _LOOKING, ("--modssl", "--modssl-target=local"))
    others = _told(bench, "not-looking", _NOTHING.format(count=1), _OFF)
    process = bare.start(bench.template, bench.folder / "template")
    try:
        address = (bench.template.address, bench.template.port)
        bare.first_handshake(address, bare.context(bench.ca.cert_pem.bytes()), bench.template.name)
        parent = psutil.Process(process.pid)
        sizes = [one.memory_full_info() for one in (parent, *parent.children(recursive=True))]
        others["server"] = (sum(one.rss for one in sizes), sum(one.pss for one in sizes))
    finally:
        bare.stop(process)
    return Section(
        title="Memory",
        how="After a handshake, an answer and a scan, against pytest without us and a test of nothing, and the same "
        "httpd started bare. RSS counts what processes share in each of them, PSS by its part. A server is httpd with "
        "its children and, ours, the shell that ends it.",
        columns=("process", "RSS", "PSS", "RSS without", "PSS without"),
        rows=tuple((who, *map(_bytes, (*ours[who], *others[who]))) for who in ours),
    )


def _told(bench: Bench, name: str, tests: str, options: Sequence[str]) -> dict[str, tuple[int, int]]:
    """RSS and PSS of the processes of a run in one process and of one with a worker."""
    file = bench.folder / f"{name}-memory"
    suite = write_suite(bench, name, tests, "")
    (suite / "conftest.py").write_text(_TELLING.format(file=str(file)))
    for workers in ("0", "1"):
        run_pytest(suite, "-n", workers, *options)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return {who: (rss, pss) for who, rss, pss in lines}


def _sizes(bench: Bench) -> Section:
    """What runs write, by test."""
    good = write_suite(bench, "good", _SERVER.format(count=_TESTS), "modssl = true\nmodssl_target = local")
    plain = write_suite(bench, "plain-good", _FIXTURE.format(count=_TESTS), "addopts = -p no:modssl")
    bad = write_suite(bench, "bad", _FAILING, "modssl = true\nmodssl_target = local\nmodssl_artifacts = kept")
    plain_bad = write_suite(bench, "plain-bad", _PLAIN_FAILING, "addopts = -p no:modssl")
    run_pytest(good, "--junitxml=junit.xml", "--modssl-record-durations=durations.json")
    run_pytest(plain, "--junitxml=junit.xml")
    for suite in (bad, plain_bad):
        run_pytest(suite, "--junitxml=junit.xml", "--maxfail=100", fails=True)
    kept = [path.stat().st_size for path in (bad / "kept").rglob("*") if path.is_file()]
    return Section(
        title="What is written",
        how=f"Bytes a test, in a run of {_TESTS} that pass or of {len(kept)} that fail; against `-p no:modssl` and a "
        "failed comparison of two words.",
        columns=("file", "with", "without"),
        rows=(
            ("JUnit XML, a test that passes", *(_bytes(_size(one, "junit.xml") // _TESTS) for one in (good, plain))),
            (
                "JUnit XML, a test that fails",
                *(_bytes(_size(one, "junit.xml") // len(kept)) for one in (bad, plain_bad)),
            ),
            ("bug report of a failure (`--modssl-artifacts`)", _bytes(sum(kept) // len(kept)), ""),
            ("record of durations, a test", _bytes(_size(good, "durations.json") // _TESTS), ""),
        ),
    )


def _size(suite: Path, name: str) -> int:
    return (suite / name).stat().st_size


def _bytes(size: int) -> str:
    for unit, factor in (("MiB", 2**20), ("KiB", 2**10)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} B"
