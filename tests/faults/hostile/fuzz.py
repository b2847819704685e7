"""Millions of hostile inputs against one reader, in a process of its own, whose memory is limited.

`python -m tests.faults.hostile.fuzz FOLDER READER COUNT SEED MEGABYTES` takes what `FOLDER/READER` holds, a file for
each recording. Where atheris can be imported it chooses the inputs by the lines that they reach, else `edits.drawn`
does. Prints how many were made, and what an input raised that it may not.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.hostile.edits import LONGEST, drawn, edited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECONDS = 10
"""What one input may take, on a busy machine; most take less than a millisecond."""


class HangError(BaseException):
    """An input took too long."""


def main(folder: str, reader: str, count: str, seed: str, megabytes: str) -> None:
    """See the module."""
    resource.setrlimit(resource.RLIMIT_AS, (int(megabytes) << 20, int(megabytes) << 20))
    recordings = sorted(Path(folder, reader).iterdir())
    fuzz = _with_atheris if find_spec("atheris") else _with_edits
    fuzz(reader, recordings, int(count), int(seed))


def _with_edits(reader: str, recordings: Sequence[Path], count: int, seed: int) -> None:
    from tests.faults.hostile.parsers import PARSERS

    read = _timely(PARSERS[reader][1])
    numbers = random.Random(f"{seed} {reader}")
    seeds = [path.read_bytes() for path in recordings]
    for number in range(count):
        data = edited(seeds[int(numbers.random() * len(seeds))], drawn(numbers), seeds)
        try:
            read(data)
        except BaseException:  # noqa: BLE001 - whatever it is, it is what is looked for
            _tell(number + 1, data)
            return
    _tell(count)


def _with_atheris(reader: str, recordings: Sequence[Path], count: int, seed: int) -> None:
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]  # in an environment of its own

    with atheris.instrument_imports(include=["pytest_modssl"], enable_loader_override=False):
        from tests.faults.hostile.parsers import PARSERS

    read, done = _timely(PARSERS[reader][1]), 0

    def one(data: bytes) -> None:
        nonlocal done
        done += 1
        try:
            read(data)
        except BaseException:  # noqa: BLE001 - likewise
            _tell(done, data)
            os._exit(0)
        if done == count:
            _tell(done)
            os._exit(0)

    options = [f"-seed={seed}", f"-max_len={LONGEST}", "-rss_limit_mb=0", "-timeout=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(recordings[0].parent)], one)
    atheris.Fuzz()


def _timely(read: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def stop(*_: Any) -> None:
        raise HangError

    signal.signal(signal.SIGALRM, stop)
    warnings.simplefilter("error")

    def timely(data: bytes) -> None:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            read(data)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    return timely


def _tell(count: int, data: bytes | None = None) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told: dict[str, Any] = {"count": count, "megabytes": peak, "seconds": round(time.process_time(), 1)}
    if data is not None:
        told |= {"input": data.hex(), "error": traceback.format_exc()}
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
