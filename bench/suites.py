"""How long whole runs of pytest take, against pytest on a fixture in plain Python, and over two workers."""

from __future__ import annotations

import functools
import json
import os
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Figure, children_seconds, medians, on_two_workers, seconds, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.place import Bench

_SHARED = 200
_IN_TURN = 40
_SPREAD = 400

# What developers of this project have in their environment is part of neither side.
_NOBODYS = [f"-pno:{name}" for name in ("cacheprovider", "randomly", "hypothesispytest", "timeout")]

_OURS_SHARED = """
import pytest

NAME = "www.example.test"

@pytest.mark.parametrize("n", range({count}))
def test_host(modssl_server, n):
    assert modssl_server.handshake(NAME).verification.ok
    assert modssl_server.get(f"https://{{NAME}}/").status_code == 200
"""

# The same work within one test, and as many tests without any: what is left is what we do for each test. Sessions keep
# their connections as long as a test goes on.
_OURS_WITHIN_ONE = """
NAME = "www.example.test"

def test_host(modssl_server):
    for _ in range({count}):
        assert modssl_server.handshake(NAME).verification.ok
        assert modssl_server.get(f"https://{{NAME}}/").status_code == 200
        modssl_server.hang_up()
"""

_EMPTY = """
import pytest

@pytest.mark.parametrize("n", range({count}))
def test_nothing(n):
    pass
"""

_OURS_EACH = """
import pytest
from pytest_modssl import ServerConfig, VirtualHost

NAME = "www.example.test"

@pytest.mark.parametrize("n", range({count}))
def test_host(modssl_server_factory, modssl_ca, n):
    server = modssl_server_factory(ServerConfig(VirtualHost(NAME, tls=modssl_ca.issue(NAME))))
    assert server.handshake(NAME).verification.ok
    assert server.get(f"https://{{NAME}}/").status_code == 200
"""

# Written for every start of httpd, by whichever process: how many there are is told from outside our own code.
_COUNTING = """
import sys

def _count(event, arguments):
    if event == "subprocess.Popen" and {{"-DFOREGROUND", "start"}} & set(map(str, arguments[1])):
        with open({file!r}, "a") as starts:
            starts.write("start\\n")

sys.addaudithook(_count)
"""

# The certificates of the peer come from the same CA code, so that both sides do the same work for them.
_BARE = """
import json
import uuid
from pathlib import Path

import pytest
from bare import Template, context, first_handshake, get, handshake, lay_out, start, stop
from pytest_modssl.pki import CA

NAME = "www.example.test"
TEMPLATE = Template(**json.loads({template!r}))

@pytest.fixture(scope="session")
def ca():
    return CA()

@pytest.fixture(scope="session")
def client(ca):
    return context(ca.cert_pem.bytes())

@pytest.fixture(scope="{scope}")
def server(ca, client):
    leaf = ca.issue(NAME)
    folder = Path({folder!r}, uuid.uuid4().hex)
    address = lay_out(TEMPLATE, folder, leaf.cert_file_pem.bytes(), leaf.key_file_pem.bytes())
    process = start(TEMPLATE, folder)
    first_handshake(address, client, NAME)
    yield address
    stop(process)
"""

_BARE_SHARED = """
@pytest.mark.parametrize("n", range({count}))
def test_host(server, client, n):
    handshake(server, client, NAME)
    assert get(server, client, NAME) == 200
"""

# Its handshake is the one that found the server ready.
_BARE_EACH = """
@pytest.mark.parametrize("n", range({count}))
def test_host(server, client, n):
    assert get(server, client, NAME) == 200
"""


def measure(bench: Bench) -> Iterator[Figure]:
    yield from shared(bench)
    yield in_turn(bench)
    yield spread(bench)


def shared(bench: Bench) -> Iterator[Figure]:
    """Many tests on one configuration: what we cost beside the test's own work, and how often httpd is started.

    That work is once what our clients do, and once the same in plain Python, where starting and ending the run counts
    as ours too.
    """
    suite = _ours(bench, "ours-shared", _OURS_SHARED.format(count=_SHARED))
    within = _ours(bench, "ours-within", _OURS_WITHIN_ONE.format(count=_SHARED))
    empty, none = (_nobodys(bench, f"empty-{count}", _EMPTY.format(count=count)) for count in (_SHARED, 1))
    peer = _peer(bench, "bare-shared", _BARE_SHARED.format(count=_SHARED), scope="session")
    suites = (suite, within, empty, none, peer)
    mine, work, nothing, run, other = _medians(*(functools.partial(run_pytest, one) for one in suites), rounds=5)
    for beside, bare in (
        ("what the test itself has us do", work + nothing - run),
        ("the same handshake and GET in plain Python", other),
    ):
        each = (mine - bare) / _SHARED
        yield Figure(
            what=f"{_SHARED} tests on one configuration, ours for each beside {beside}",
            ours=seconds(mine),
            bare=seconds(bare),
            ratio=seconds(each),
            bar="< 5 ms",
            reached=each < 0.005,
        )
    alone, two = starts(bench, suite, "0"), starts(bench, suite, "2")
    yield Figure(
        what=f"{_SHARED} tests on one configuration, starts of httpd, -n 0 and -n 2",
        ours=f"{alone}, {two}",
        bare="",
        ratio="",
        bar="1 a worker",
        reached=alone == 1 and two <= 2,
    )


def in_turn(bench: Bench) -> Figure:
    """A configuration for each test, against a fixture that starts, stops and awaits a server for each."""
    suite = _ours(bench, "ours-in-turn", _OURS_EACH.format(count=_IN_TURN))
    peer = _peer(bench, "bare-in-turn", _BARE_EACH.format(count=_IN_TURN), scope="function")
    mine, other = _medians(lambda: run_pytest(suite), lambda: run_pytest(peer), rounds=5)
    return Figure(
        what=f"pytest with {_IN_TURN} configurations, against a bare fixture",
        ours=seconds(mine),
        bare=seconds(other),
        ratio=f"{mine / other:.2f}",
        bar="<= 1.0",
        reached=mine / other <= 1,
    )


def spread(bench: Bench) -> Figure:
    """A configuration for each of many tests, over two workers against one process.

    No more can come of it than the machine has free: as much is measured in the same rounds, by two processes that
    only compute against one. And one process alone has more than one core at work already: httpd and its client, and
    the next server that starts while the last one stops.
    """
    suite = _ours(bench, "ours-spread", _OURS_EACH.format(count=_SPREAD))
    shares: list[float] = []

    def alone() -> float:
        before = children_seconds()
        taken = run_pytest(suite, "-n", "0")
        shares.append((children_seconds() - before) / taken)
        return taken

    runs = (lambda: run_pytest(suite, "-n", "2"), alone, lambda: _busy(2), lambda: _busy(1))
    two, one, busy_two, busy_one = medians(*runs, rounds=2)
    free = 2 * busy_one / busy_two
    what = (
        f"pytest with {_SPREAD} configurations, -n 2 against -n 0 ({free:.1f} cores were free, of which -n 0 keeps "
        f"{statistics.median(shares):.1f} at work)"
    )
    return on_two_workers(what, one, two, bar=1.7)


def _busy(processes: int) -> float:
    """How many seconds it takes as many processes at once to compute the same each."""
    command = [sys.executable, "-c", "sum(n * n for n in range(10_000_000))"]

    def work() -> None:
        started = [subprocess.Popen(command) for _ in range(processes)]
        for process in started:
            process.wait()

    return timed(work)


def _medians(*runs: Callable[[], float], rounds: int) -> list[float]:
    """The medians, after a run of each that compiles the modules."""
    for run in runs:
        run()
    return medians(*runs, rounds=rounds)


def _ours(bench: Bench, name: str, tests: str) -> Path:
    return write_suite(bench, name, tests, "modssl = true\nmodssl_target = local")


def _peer(bench: Bench, name: str, tests: str, *, scope: str) -> Path:
    servers = bench.folder / f"{name}-servers"
    servers.mkdir()
    template = json.dumps(asdict(bench.template))
    text = _BARE.format(template=template, folder=str(servers), scope=scope) + tests
    folder = _nobodys(bench, name, text)
    (folder / "bare.py").write_text(Path(__file__).with_name("bare.py").read_text())
    return folder


def _nobodys(bench: Bench, name: str, tests: str) -> Path:
    return write_suite(bench, name, tests, "addopts = -p no:modssl")


def write_suite(bench: Bench, name: str, tests: str, ini: str) -> Path:
    folder = bench.folder / name
    folder.mkdir()
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
    (folder / "test_hosts.py").write_text(tests)
    return folder


def starts(bench: Bench, suite: Path, workers: str) -> int:
    """How often a run of a suite starts httpd, in one process ("0") or as many workers."""
    file = bench.folder / f"starts-{suite.name}-{workers}"
    conftest = suite / "conftest.py"
    conftest.write_text(_COUNTING.format(file=str(file)))
    run_pytest(suite, "-n", workers)
    conftest.unlink()
    return len(file.read_text().splitlines())


def run_pytest(suite: Path, *options: str, fails: bool = False, **variables: str) -> float:
    """How many seconds a run of pytest takes; tests that fail end the bench, unless they are to (`fails`)."""
    command = [sys.executable, "-m", "pytest", "-qx", *_NOBODYS, *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    # Compiled modules are kept from run to run, as they are for users, but not in anybody's folders.
    environment["PYTHONPYCACHEPREFIX"] = str(suite.parent / "compiled")
    environment.update(variables)
    done: list[subprocess.CompletedProcess[str]] = []
    taken = timed(
        lambda: done.append(
            subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, check=False)
        )
    )
    if done[0].returncode != int(fails):
        raise RuntimeError(f"{' '.join(command)} in {suite} failed:\n{done[0].stdout}\n{done[0].stderr}")
    return taken
