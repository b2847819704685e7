"""What a machine can lack, and how many may ask at once: runs of pytest in a place of their own.

Each run ends in time, with tests that passed or a clear message, and leaves nothing; and the next run works.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl.targets.registry import remove_folder
from pytest_modssl.wait import until
from tests.faults.conftest import LONG

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modssl.httpd.installation import Installation
    from tests.faults.conftest import Faults

SECONDS = 180
"""For a run that takes seconds on a quiet machine."""

pytestmark = pytest.mark.timeout(2400)

PROMISE = "it passes or says what is missing, nothing left, the next run works"

ALL_AT_ONCE = """
from pytest_modssl import ServerConfig, VirtualHost

def test_all_at_once(modssl_server_factory, modssl_ca):
    names = [f"h{number}.example.test" for number in range(COUNT)]
    servers = [modssl_server_factory(ServerConfig(VirtualHost(one, tls=modssl_ca.issue(one)))) for one in names]
    assert len({server.address(443) for server in servers}) == COUNT
    for name, server in zip(names, servers):
        assert server.get(f"https://{name}/").status_code == 200
"""
EACH = """
import pytest
from pytest_modssl import ServerConfig, VirtualHost

@pytest.mark.parametrize("number", range(COUNT))
def test_each(modssl_server_factory, modssl_ca, number):
    name = f"h{number}.example.test"
    server = modssl_server_factory(ServerConfig(VirtualHost(name, tls=modssl_ca.issue(name, key_type="rsa-2048"))))
    assert server.get(f"https://{name}/").status_code == 200
"""

TALKATIVE = """
import pytest
from pytest_modssl import ServerConfig, VirtualHost

NAME = "h.example.test"

@pytest.fixture(scope="module")
def server(modssl_server_factory, modssl_ca):
    host = VirtualHost(NAME, tls=modssl_ca.issue(NAME))
    return modssl_server_factory(ServerConfig(host, directives="LogLevel trace8"))

@pytest.mark.parametrize("number", range(COUNT))
def test_each(server, number):
    assert server.get(f"https://{NAME}/").status_code == 200
"""

# As suspending, and setting the clock of a virtual machine, have it; what measures a time should look at another clock.
JUMPING = """
import random, time

_numbers, _time, _asked = random.Random(SEED), time.time, []

def _jump():
    _asked.append(1)
    return _numbers.randint(-43_200, 43_200)

_time_ns = time.time_ns
time.time = lambda: _time() + _jump()
time.time_ns = lambda: _time_ns() + _jump() * 10**9

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"time was asked {len(_asked)} times")
"""


class Place:
    """A folder for the tests and all that their runs make, and nobody else's."""

    def __init__(self, folder: Path, httpd: Path) -> None:
        self.folder = folder
        self.files = folder / "t"
        self.files.mkdir(mode=0o755)
        self.files.chmod(0o755)
        self._httpd = httpd

    def run(self, text: str, *arguments: str, before: Sequence[str] = (), count: int = 3, **variables: str) -> str:
        """What a run prints; AssertionError where it does not end."""
        tests = Path(tempfile.mkdtemp(dir=self.folder, prefix="tests"))
        (tests / "test_it.py").write_text(text.replace("COUNT", str(count)))
        without = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:randomly")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MODSSL"))}
        done = subprocess.run(
            [
                *before,
                *(sys.executable, "-m", "pytest", "--modssl", "--modssl-target", f"local:{self._httpd}", "-q"),
                *(*without, *arguments, "--rootdir", str(tests), str(tests)),
            ],
            cwd=tests,
            env={**environment, "TMPDIR": str(self.files), "PYTHONDONTWRITEBYTECODE": "1", **variables},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.stdout + done.stderr

    def check_nothing_left(self, *, again: bool = True) -> None:
        """And that the next run works."""
        until(lambda: not self.left(), seconds=30, what=f"{self.left()} to be gone")
        if again:
            assert "1 passed" in self.run(ALL_AT_ONCE, count=1)

    def left(self) -> list[str]:
        found = [str(one) for base in self.files.glob("pytest-modssl-*") for one in base.iterdir() if one.is_dir()]
        here = f"{self.files}/"
        return found + [
            str(one) for one in psutil.process_iter(["cmdline"]) if here in " ".join(one.info["cmdline"] or ())
        ]


@pytest.fixture
def place(local_installation: Installation) -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="modssl-", dir="/tmp"))
    folder.chmod(0o755)
    yield Place(folder, local_installation.binary)
    remove_folder(folder)


@pytest.mark.fault("64 servers at once in one test", "each is there, nothing left")
def test_sixty_four_servers_run_at_once(place: Place, faults: Faults) -> None:
    for _ in faults.times(short=1, long=3):
        said = place.run(ALL_AT_ONCE, count=64)
        assert "1 passed" in said, said
        place.check_nothing_left(again=False)


@pytest.mark.fault("8 runs of pytest at once on one machine", "each passes, nothing left")
@pytest.mark.skipif(not LONG, reason="takes 15 s of a processor; two runs at once are tried in tests/plugin")
def test_eight_runs_at_once_do_not_disturb_each_other(place: Place, faults: Faults) -> None:
    for _ in faults.times(short=0, long=5):
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda _: place.run(EACH, "-n", "2", count=16), range(8)))
        assert all("16 passed" in one for one in said), said
        place.check_nothing_left()


@pytest.mark.fault("64 configurations on two workers", "each is served, nothing left")
@pytest.mark.skipif(not LONG, reason="takes 10 s of a processor")
def test_sixty_four_configurations_are_served_on_two_workers(place: Place, faults: Faults) -> None:
    for _ in faults.times(short=0, long=3):
        said = place.run(EACH, "-n", "2", count=64)
        assert "64 passed" in said, said
        place.check_nothing_left()


@pytest.mark.fault("out of file descriptors", PROMISE)
def test_a_run_that_is_out_of_descriptors_says_so(place: Place, faults: Faults) -> None:
    for _ in faults.times(short=1, long=20):
        most = faults.random.randint(14, 60)
        said = place.run(ALL_AT_ONCE, before=["prlimit", f"--nofile={most}:{most}"], count=24)
        assert "1 passed" in said or re.search(r"[Tt]oo many open files", said), f"{most} descriptors: {said}"
        assert "INTERNALERROR" not in said, f"{most} descriptors: {said}"
        place.check_nothing_left()


@pytest.mark.fault("out of disk: a tmpfs of some kilobytes", PROMISE)
@pytest.mark.usefixtures("own_namespaces")
def test_a_run_on_a_full_disk_says_so(place: Place, faults: Faults) -> None:
    for _ in faults.times(short=1, long=20):
        size = faults.random.randint(1, 60) * 4
        mount = f'mount -t tmpfs -o size={size}k,mode=755 tmpfs "$TMPDIR" && exec "$@"'
        said = place.run(ALL_AT_ONCE, before=["unshare", "-m", "sh", "-c", mount, "sh"], count=8)
        assert "1 passed" in said or "No space left on device" in said, f"{size} kB: {said}"
        assert "INTERNALERROR" not in said, f"{size} kB: {said}"
        place.check_nothing_left()


@pytest.mark.fault("a log that can no longer be written: full disk, limit of a file", "no test passes unseen")
@pytest.mark.parametrize("short", ["No space left on device", "File too large"])
def test_a_test_whose_log_is_lost_says_so(
    place: Place, faults: Faults, request: pytest.FixtureRequest, short: str
) -> None:
    for _ in faults.times(short=1, long=20):
        size = faults.random.randint(100, 400) * 1024
        before = ["prlimit", f"--fsize={size}:{size}"]
        if short == "No space left on device":
            request.getfixturevalue("own_namespaces")
            mount = f'mount -t tmpfs -o size={size},mode=755 tmpfs "$TMPDIR" && exec "$@"'
            before = ["unshare", "-m", "sh", "-c", mount, "sh"]
        said = place.run(TALKATIVE, "--maxfail=3", before=before, count=200)
        assert re.search(rf"LogLostError: {short}", said), f"{size} bytes: {said}"
        assert "stopping after 3 failures" in said, said
        place.check_nothing_left()


@pytest.mark.fault("a cache that cannot be written", "all passes without it")
@pytest.mark.parametrize("cache", ["/proc/none", "/dev/null"])
def test_a_cache_that_cannot_be_written_is_done_without(place: Place, faults: Faults, cache: str) -> None:
    for _ in faults.times(short=1, long=5):
        said = place.run(EACH, count=1, XDG_CACHE_HOME=cache)
        assert "1 passed" in said, said
        place.check_nothing_left(again=False)


@pytest.mark.fault("a slow machine: the lowest priority beside busy processes", "all passes, nothing left")
@pytest.mark.skipif(not LONG, reason="keeps the processors busy")
def test_a_slow_machine_only_takes_longer(place: Place, faults: Faults) -> None:
    for _ in faults.times(short=0, long=3):
        busy = [subprocess.Popen(["timeout", "60", "sh", "-c", "while :; do :; done"]) for _ in range(4)]
        try:
            said = place.run(EACH, "-n", "2", before=["nice", "-n", "19"], count=4)
        finally:
            for one in busy:
                one.terminate()
                one.wait()
        assert "4 passed" in said, said
        place.check_nothing_left()


@pytest.mark.fault(
    "a clock that jumps by hours, back and forth, at every look (Python's time.time)", "all passes, nothing left"
)
def test_a_clock_that_jumps_disturbs_nothing(place: Place, faults: Faults) -> None:
    (place.folder / "jumping.py").write_text(JUMPING.replace("SEED", str(faults.random.random())))
    for _ in faults.times(short=1, long=20):
        said = place.run(EACH, "-p", "jumping", count=4, PYTHONPATH=str(place.folder))
        assert "4 passed" in said, said
        assert re.search(r"time was asked [1-9]", said), said
        place.check_nothing_left()
