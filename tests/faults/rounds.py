"""What is done to runs in rounds, on any target: pytest itself is ended, or its workers are."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import time
from typing import TYPE_CHECKING

import psutil

from pytest_modssl.wait import until
from tests.faults.killing import RUN_SECONDS, Place

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

    from tests.faults.conftest import Faults
    from tests.plugin.inner import Popen

KILL, TERM, INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT

CLEAN = "nothing is left, no outcome is another than ever, the next run works"
AGAIN = "its tests run again or are reported as crashed, nothing of it is left"
CLEAR = "every test has an outcome, those that fail of it say what ended and how, nothing is left"

# So many killed runs are each followed by the next one, and then comes an undisturbed one.
_WHOLE = 5
# The end of a worker or of an httpd leaves a run that goes on, and is disturbed again.
_PER_RUN = 4
# A second Ctrl-C comes while the first is being heeded, which takes a few tenths of a second.
_SECOND = 0.3
# How pytest ends by Ctrl-C: before it has a session it is not there to say anything, and after it the outcome stands.
_INTERRUPTED = {(): {-INT}, ("session",): {2}, ("session", "end"): {1, 2, -INT}}


def end_runs(place: Place, faults: Faults, numbers: Iterable[int], *ways: Sequence[signal.Signals]) -> None:
    """Ends a run in each round; nothing is left of it, no test had another outcome than ever, the next run works.

    Args:
        place: where.
        faults: gives the moments.
        numbers: of the rounds.
        ways: signals that pytest gets, one after the other; each round takes one of these.
    """
    usual = place.usual
    chance = faults.random
    for number in numbers:
        signals = chance.choice(ways)
        workers = 2 if number % 4 == 1 else 0
        moment, pause = chance.uniform(0, place.length(workers)), chance.uniform(0, _SECOND)
        # A terminal tells the whole group of Ctrl-C, and so do most of those that kill.
        group = signals[0] == INT or chance.random() < 0.5
        told = (
            f"round {number}, {' and '.join(one.name for one in signals)} of pytest{' and its group' if group else ''} "
            f"with {workers} workers, at {moment:.3f} s of {place.length(workers):.2f} s"
        )
        with place.run(workers) as run:
            place.at(moment, run)
            place.remember_ports()
            before = place.told().phases
            for nth, one in enumerate(signals):
                place.at(moment + nth * pause, run)
                with contextlib.suppress(ProcessLookupError):  # it has ended
                    (os.killpg if group else os.kill)(run.pid, one)
            ended = time.monotonic()
            status = run.wait(RUN_SECONDS)
            place.clean(told, ended)
        after = place.told()
        if list(signals) == [INT] and before == after.phases:
            assert status in _INTERRUPTED[before], f"{told}, in {before}: exit code {status}\n{place.output}"
        wrong = {test: outcome for test, outcome in after.outcomes.items() if usual[test] != outcome}
        assert not wrong, f"{told}: {wrong}\n{place.output}"
        if number % _WHOLE == _WHOLE - 1:
            place.whole_run(0)
    place.whole_run(0)


def disturb_runs(
    place: Place,
    faults: Faults,
    numbers: Iterable[int],
    disturb: Callable[[Popen], str],
    says: str,
    *,
    workers: int = 0,
    per_run: int = _PER_RUN,
    mend: Callable[[], None] = lambda: None,
) -> None:
    """Disturbs a run in each round: every test has an outcome, one that is not as ever says why, and nothing is left.

    Args:
        place: where.
        faults: gives the moments.
        numbers: of the rounds.
        disturb: does it, and tells what it has done.
        says: a pattern of what a test says that failed of it, and a run that came to no tests.
        workers: how many the run has.
        per_run: how many rounds are of one run.
        mend: called when the run has ended, before it is looked what is left.
    """
    usual = place.usual
    numbers = iter(numbers)
    while batch := list(itertools.islice(numbers, per_run)):
        moments = sorted(faults.random.uniform(0, place.length(workers)) for _ in batch)
        done = []
        with place.run(workers) as run:
            for moment in moments:
                place.at(moment, run)
                done.append(f"{disturb(run)} at {moment:.3f} s of {place.length(workers):.2f} s")
            status = run.wait(RUN_SECONDS)
            mend()
            told = f"rounds {batch}, {', '.join(done)}"
            place.clean(told, time.monotonic())
        after = place.told()
        told += f", which ended with {status}\n{place.output}"
        if status == 1:
            assert after.outcomes.keys() == usual.keys(), told
        else:
            assert status in {2, 4}, told
            assert re.search(says, place.output), told
        for test in [one for one, outcome in after.outcomes.items() if usual[one] != outcome]:
            assert re.search(says, after.texts[test]), f"{test} says\n{after.texts[test]}\n in {told}"
    place.whole_run(0)


def ending_workers(place: Place, chance: random.Random) -> Callable[[Popen], str]:
    """Ends a worker, and returns when nothing of it is left."""

    def end(run: Popen) -> str:
        found = until(lambda: _workers(run) or run.poll() is not None, seconds=RUN_SECONDS, what="a worker")
        if not isinstance(found, list):
            return "nothing"
        worker, one = chance.choice(found), chance.choice((KILL, TERM))
        place.remember_ports()
        worker.send_signal(one)
        told = f"{one.name} of worker {worker.pid}"
        place.clean(told, time.monotonic(), f"-{worker.pid}-")
        return told

    return end


def _workers(run: Popen) -> list[psutil.Process]:
    try:
        return [one for one in psutil.Process(run.pid).children() if "execnet" in " ".join(one.cmdline())]
    except psutil.Error:
        return []
