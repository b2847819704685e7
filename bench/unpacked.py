"""How fast an httpd that is not installed is there, from an empty cache and from a warm one, against the machine's own.

The peer is the local target, as users have it: both look for their httpd, ask it what it is, and start a server.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.figures import Figure, medians, seconds
from bench.place import NAME, NotMeasured
from pytest_modssl.httpd.installation import find_httpd, probe_installation
from pytest_modssl.httpds import debian
from pytest_modssl.httpds.suites import DEFAULT
from pytest_modssl.targets.local import LocalTarget
from pytest_modssl.targets.registry import Owner, new_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.place import Bench
    from pytest_modssl.httpd.installation import Installation

_FETCHES = 3
_STARTS = 21


def measure(bench: Bench) -> Iterator[Figure]:
    if (reason := debian.why_not_here()) is not None:
        raise NotMeasured(reason)
    owner = Owner(new_run())
    try:
        with _cache(bench.folder / "cache") as folder:
            yield from _figures(bench, owner, folder)
    finally:
        owner.close()


def _figures(bench: Bench, owner: Owner, folder: Path) -> Iterator[Figure]:
    def first_handshake(httpd: Callable[[], Installation]) -> float:
        config = bench.config()
        started = time.perf_counter()
        server = LocalTarget(httpd(), owner, start_seconds=20).launch(config)
        assert server.handshake(NAME).verification.ok
        taken = time.perf_counter() - started
        server.stop()
        return taken

    def unpacked() -> float:
        return first_handshake(lambda: debian.get(DEFAULT, say=lambda _: None).installation())

    def local() -> float:
        return first_handshake(lambda: probe_installation(find_httpd()))

    def empty() -> float:
        shutil.rmtree(folder, ignore_errors=True)
        return unpacked()

    fetched = statistics.median(empty() for _ in range(_FETCHES))
    warm, other = medians(unpacked, local, rounds=_STARTS)
    yield Figure(
        what=f"debian:{DEFAULT}, empty cache to first handshake, against the local target",
        ours=seconds(fetched),
        bare=seconds(other),
        ratio=f"{fetched / other:.0f}",
        bar="<= 6 s",
        reached=fetched <= 6,
    )
    yield Figure(
        what=f"debian:{DEFAULT}, warm cache to first handshake, against the local target",
        ours=seconds(warm),
        bare=seconds(other),
        ratio=f"{warm / other:.2f}",
        bar="<= 1.5",
        reached=warm / other <= 1.5,
    )


@contextmanager
def _cache(folder: Path) -> Iterator[Path]:
    """An own cache, so that the user's stays as it is."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder)
    try:
        yield folder
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before
