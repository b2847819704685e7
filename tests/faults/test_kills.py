"""Runs of pytest, their workers and their httpds are ended at random moments, from the first import to the last teardown."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from pytest_modssl.wait import until
from tests.faults.killing import RUN_SECONDS, Place, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.conftest import Faults

pytest.importorskip("xdist")

KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT

# An undisturbed run between the killed ones; the others are followed by the next one that is killed.
_WHOLE = 5
# Ends of a worker and of an httpd leave a run that goes on, and can be disturbed again.
_WORKERS_PER_RUN, _HTTPDS_PER_RUN = 2, 4


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


ENDED = "nothing is left, no outcome is wrong, the next run works"


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param([KILL], id="SIGKILL", marks=pytest.mark.fault("pytest: SIGKILL", ENDED)),
        pytest.param([TERM], id="SIGTERM", marks=pytest.mark.fault("pytest: SIGTERM", ENDED)),
        pytest.param([INT], id="Ctrl-C", marks=pytest.mark.fault("pytest: Ctrl-C", f"{ENDED}; exit code 2")),
        pytest.param([INT, INT], id="Ctrl-C-twice", marks=pytest.mark.fault("pytest: Ctrl-C, twice", ENDED)),
    ],
)
def test_nothing_is_left_of_a_run_that_is_ended(place: Place, faults: Faults, signals: list[signal.Signals]) -> None:
    end_runs(place, faults, signals, short=2, long=200)


def end_runs(place: Place, faults: Faults, signals: list[signal.Signals], *, short: int, long: int) -> None:
    """Ends runs, each followed by another one in what it has left; every fifth of those is undisturbed."""
    usual = place.whole_run(0).outcomes
    for number in faults.times(short=short, long=long):
        workers = 2 if number % 4 == 1 else 0
        moment, second = faults.random.uniform(0, place.length(workers)), faults.random.uniform(0, 0.3)
        whole = signals[0] == INT or faults.random.random() < 0.5
        told = (
            f"round {number}, {'+'.join(one.name for one in signals)} of pytest{' and all its group' if whole else ''} "
            f"with {workers} workers at {moment:.3f} s of {place.length(workers):.2f} s"
        )
        with place.run(workers) as run:
            began = time.monotonic()
            at(moment, began, run)
            place.remember_ports()
            before = place.told().phases
            for one in signals:
                at(moment, began, run)
                with contextlib.suppress(ProcessLookupError):  # it has ended
                    (os.killpg if whole else os.kill)(run.pid, one)
                ended = time.monotonic()
                moment += second
            status = run.wait(RUN_SECONDS)
            place.clean(told, ended)
        after = place.told()
        if signals == [INT] and before == after.phases:
            told += f", in phase {before}"
            assert status in {(): {-INT}, ("session",): {2}}.get(before, {1, 2, -INT}), (
                f"{told}: {status}\n{place.output}"
            )
        wrong = {one: outcome for one, outcome in after.outcomes.items() if usual[one] != outcome}
        assert not wrong, f"{told}: {wrong}\n{place.output}"
        if number % _WHOLE == _WHOLE - 1:
            place.whole_run(0)
    place.whole_run(0)


@pytest.mark.fault(
    "worker: SIGKILL, SIGTERM", "every test has an outcome, the message names the worker, nothing is left"
)
def test_no_test_is_lost_with_a_worker_and_nothing_of_it_is_left(place: Place, faults: Faults) -> None:
    usual = place.whole_run(0).outcomes
    numbers = faults.times(short=2, long=200)
    while batch := list(itertools.islice(numbers, _WORKERS_PER_RUN)):
        moments = sorted(faults.random.uniform(0, place.length(2)) for _ in batch)
        told = f"rounds {batch}, at " + ", ".join(f"{one:.3f}" for one in moments) + f" s of {place.length(2):.2f} s"
        with place.run(2) as run:
            began = time.monotonic()
            for moment in moments:
                at(moment, began, run)
                workers = until(lambda: _workers(run) or run.poll() is not None, seconds=RUN_SECONDS, what="a worker")
                if isinstance(workers, list):
                    worker = faults.random.choice(workers)
                    place.remember_ports()
                    one = faults.random.choice((KILL, TERM))
                    worker.send_signal(one)
                    told += f", {one.name} of {worker.pid}"
                    place.clean(told, time.monotonic(), f"-{worker.pid}-")
            status = run.wait(RUN_SECONDS)
            place.clean(told, time.monotonic())
        after = place.told()
        assert status == 1, f"{told}: {status}\n{place.output}"
        assert after.outcomes.keys() == usual.keys(), f"{told}\n{place.output}"
        for test, outcome in after.outcomes.items():
            crashed = re.search(r"worker 'gw\d+' crashed while running '(.*)'", after.texts.get(test, ""))
            assert outcome == usual[test] or crashed, f"{told}\n{place.output}"
    place.whole_run(0)


def _workers(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return [one for one in psutil.Process(run.pid).children() if "execnet" in " ".join(one.cmdline())]
    except psutil.Error:
        return []


CLEAR = "every test has an outcome, those that fail of it say what ended and how, nothing is left"


@pytest.mark.parametrize(
    ("parent", "signals"),
    [
        pytest.param(
            True,
            (KILL, TERM, INT),
            id="parent",
            marks=pytest.mark.fault("httpd's parent: SIGKILL, SIGTERM, SIGINT", CLEAR),
        ),
        pytest.param(
            False, (KILL, TERM), id="child", marks=pytest.mark.fault("httpd's child: SIGKILL, SIGTERM", CLEAR)
        ),
    ],
)
def test_a_test_whose_httpd_is_ended_says_so(
    place: Place, faults: Faults, *, parent: bool, signals: tuple[signal.Signals, ...]
) -> None:
    usual = place.whole_run(0).outcomes
    numbers = faults.times(short=4, long=200)
    while batch := list(itertools.islice(numbers, _HTTPDS_PER_RUN)):
        moments = sorted(faults.random.uniform(0, place.length(0)) for _ in batch)
        told = f"rounds {batch}, at " + ", ".join(f"{one:.3f}" for one in moments) + f" s of {place.length(0):.2f} s"
        with place.run(0) as run:
            began = time.monotonic()
            for moment in moments:
                at(moment, began, run)
                found = until(
                    lambda: _httpds(place, parent=parent) or run.poll() is not None,
                    seconds=RUN_SECONDS,
                    what="an httpd",
                )
                if isinstance(found, list):
                    one, httpd = faults.random.choice(signals), faults.random.choice(found)
                    httpd.send_signal(one)
                    told += f", {one.name} of {httpd.pid}"
            status = run.wait(RUN_SECONDS)
            place.clean(told, time.monotonic())
        after = place.told()
        assert status == 1, f"{told}: {status}\n{place.output}"
        assert after.outcomes.keys() == usual.keys(), f"{told}\n{place.output}"
        for test in [one for one, outcome in after.outcomes.items() if usual[one] != outcome]:
            assert _SAYS_SO[parent].search(after.texts[test]), f"{told}: {test} says\n{after.texts[test]}"
    place.whole_run(0)


_SAYS_SO = {True: re.compile("SIGKILL|SIGTERM|SIGINT"), False: re.compile("SIGKILL|SIGTERM")}


def _httpds(place: Place, *, parent: bool) -> list[psutil.Process]:
    """The parents, or the children, of all httpds that run."""
    all_of_them = place.processes("apache2")
    ids = {one.pid for one in all_of_them}
    found = []
    for one in all_of_them:
        try:
            if "-DFOREGROUND" in one.cmdline() and (one.ppid() in ids) != parent:
                found.append(one)
        except psutil.NoSuchProcess:
            pass
    return found
