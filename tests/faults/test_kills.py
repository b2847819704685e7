"""Runs of pytest, their workers and their httpds are ended at random moments, from first import to last teardown."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl.wait import until
from tests.faults.killing import RUN_SECONDS, Place
from tests.faults.rounds import AGAIN, CLEAN, CLEAR, INT, KILL, TERM, disturb_runs, end_runs, ending_workers

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator, Sequence

    from tests.faults.conftest import Faults
    from tests.plugin.inner import Popen

pytest.importorskip("xdist")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """The suite on the local target, in a place of its own, which httpd's children can enter."""
    folder = Path(tempfile.mkdtemp(prefix="modssl-", dir="/tmp"))
    folder.chmod(0o755)
    place = Place(folder)
    with pytest.MonkeyPatch.context() as patch:
        place.set_environment(patch)
        yield place
    place.remove()


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param([KILL], id="SIGKILL", marks=pytest.mark.fault("pytest: SIGKILL", CLEAN)),
        pytest.param([TERM], id="SIGTERM", marks=[pytest.mark.fault("pytest: SIGTERM", CLEAN), pytest.mark.long]),
        pytest.param([INT], id="Ctrl-C", marks=pytest.mark.fault("pytest: Ctrl-C", f"{CLEAN}; exit code 2")),
        pytest.param(
            [INT, INT],
            id="Ctrl-C-twice",
            marks=[pytest.mark.fault("pytest: Ctrl-C, and again", CLEAN), pytest.mark.long],
        ),
    ],
)
@pytest.mark.timeout(3600)
def test_nothing_is_left_of_a_run_that_is_ended(place: Place, faults: Faults, signals: list[signal.Signals]) -> None:
    end_runs(place, faults, faults.times(short=1, long=200), signals)


@pytest.mark.fault("worker: SIGKILL, SIGTERM", AGAIN)
@pytest.mark.timeout(3600)
def test_no_test_is_lost_with_a_worker_and_nothing_of_it_is_left(place: Place, faults: Faults) -> None:
    end = ending_workers(place, faults.random)
    disturb_runs(place, faults, faults.times(short=1, long=200), end, r"worker 'gw\d+' crashed", workers=2)


@pytest.mark.fault("httpd's parent: SIGKILL, SIGTERM, SIGINT", CLEAR)
@pytest.mark.timeout(3600)
def test_a_test_whose_httpd_is_ended_says_so(place: Place, faults: Faults) -> None:
    end = ending_httpds(place, faults, (KILL, TERM, INT), parents=True)
    disturb_runs(place, faults, faults.times(short=4, long=200), end, "SIGKILL|SIGTERM|SIGINT")


@pytest.mark.fault("httpd's child: SIGKILL, SIGTERM", CLEAR)
@pytest.mark.timeout(3600)
def test_a_test_whose_httpd_loses_a_child_says_so(place: Place, faults: Faults) -> None:
    end = ending_httpds(place, faults, (KILL, TERM), parents=False)
    # The daemon that starts CGI programs may be gone before it was ever seen; httpd itself tells of that.
    says = "SIGKILL|SIGTERM|AH01239: cgid daemon process died"
    disturb_runs(place, faults, faults.times(short=4, long=200), end, says)


def ending_httpds(
    place: Place, faults: Faults, signals: Sequence[signal.Signals], *, parents: bool
) -> Callable[[Popen], str]:
    """Ends the parent, or a child, of one of the httpds that run."""

    def end(run: Popen) -> str:
        some = functools.partial(httpds, place, parents=parents)
        found = until(lambda: some() or run.poll() is not None, seconds=RUN_SECONDS, what="an httpd")
        if not isinstance(found, list):
            return "nothing"
        one, httpd = faults.random.choice(signals), faults.random.choice(found)
        with contextlib.suppress(psutil.NoSuchProcess):
            httpd.send_signal(one)
        return f"{one.name} of {'parent' if parents else 'child'} {httpd.pid}"

    return end


def httpds(place: Place, *, parents: bool) -> list[psutil.Process]:
    """The parents, or the children, of all servers that run."""
    servers = {one.pid: one for one in place.processes() if _serves(one)}
    found = []
    for one in servers.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            if (one.ppid() not in servers) == parents:
                found.append(one)
    return found


def _serves(process: psutil.Process) -> bool:
    """Whether a process is a server's; others only answer what a configuration means."""
    try:
        return process.name() in {"apache2", "httpd"} and "-DFOREGROUND" in process.cmdline()
    except psutil.Error:
        return False
