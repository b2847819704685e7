"""Faults, brought about on purpose and counted: nothing lost, nothing left, nothing hanging, a clear message.

Each test is one class of faults, with the marker `fault(name, promise)`, and brings it about as often as
`faults.times` says. What is random in that comes from `faults.random`: of the seed and the test's name, so that a run
can be had again.

`FAULTS=long` takes the long form (`make faults`); `FAULTS_SEED` is another seed than 1.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.page import markdown, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = int(os.environ.get("FAULTS_SEED", "1"))
LONG = os.environ.get("FAULTS") == "long"

_PROPERTY = "fault"
_COLUMNS = ("fault", "what must hold", "times", "lost")
_PAGE = Path(__file__).parents[2] / "docs/faults.md"


class Faults:
    """Counts the faults of one test.

    Attributes:
        random: numbers that are the same at each run with one seed.
        tried: how many faults were brought about, the one that was lost included.
    """

    def __init__(self, test: str) -> None:
        self.random = random.Random(f"{SEED} {test}")
        self.tried = 0

    def times(self, *, short: int, long: int) -> Iterator[int]:
        """Numbers from 0: as many as the run's form asks for; the test does one fault for each."""
        for number in range(long if LONG else short):
            self.tried += 1
            yield number


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Iterator[Faults]:
    """What counts, and gives numbers that are random and the same again."""
    name, promise = request.node.get_closest_marker("fault").args
    counting = Faults(request.node.name)
    yield counting
    request.node.user_properties.append((_PROPERTY, [name, promise, counting.tried]))


@pytest.fixture(scope="session")
def own_namespaces() -> None:
    """Skips where a process may have no mounts and no network of its own, as in most containers."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounts and a network of its own take root on Linux")
    if missing := [one for one in ("unshare", "ip", "mount") if shutil.which(one) is None]:
        pytest.skip(f"mounts and a network of its own take {', '.join(missing)} (util-linux, iproute2)")
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no mounts and no network of its own here: {tried.stderr.strip()}")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(name, promise): the class of faults, and what must hold all the same")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A table for each file of tests; the long form of whole files writes theirs into the documents."""
    stats = terminalreporter.stats
    lost = {report.nodeid for outcome in ("failed", "error") for report in stats.get(outcome, [])}
    files: dict[str, dict[tuple[str, str], list[int]]] = {}
    # Every test has one report of its teardown, which stands under the outcome "".
    reports = (one for many in stats.values() for one in many if getattr(one, "when", "") == "teardown")
    for report in reports:
        for name, promise, tried in (value for key, value in report.user_properties if key == _PROPERTY):
            row = files.setdefault(Path(report.location[0]).stem, {}).setdefault((name, promise), [0, 0])
            row[0] += tried
            row[1] += report.nodeid in lost
    for file, rows in sorted(files.items()):
        told = [[*what, f"{tried:,}", str(missed)] for what, (tried, missed) in sorted(rows.items())]
        text = markdown(_COLUMNS, told, texts=2)
        terminalreporter.section(f"faults of {file}, with seed {SEED}")
        terminalreporter.write_line(text)
        if LONG and not stats.get("deselected"):
            day = datetime.now(timezone.utc).date()
            replace(_PAGE, file, f"{text}\n\n*{day}, seed {SEED}*")
