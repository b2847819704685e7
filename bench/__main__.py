"""`python -m bench [PART ...]`: measures ours side by side with peers, and with `--write` keeps it in the documents.

A missed bar is no failure. Each part is measured alone, in minutes, and has a place of its own in the page.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from bench import (
    containers,
    footprint,
    growth,
    looking,
    machine,
    regression,
    repositories,
    scanners,
    servers,
    starting,
    suites,
    unpacked,
)
from bench.figures import Figure, table
from bench.page import Section, replace
from bench.place import NotMeasured, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.place import Bench

_PAGE = Path(__file__).parents[1] / "docs/benchmarks.md"

# Each part's name, which is that of its place in the page, and what measures it.
PARTS: dict[str, Callable[[Bench], Iterator[Figure | Section]]] = {
    # Bars that we hold ourselves to.
    "starting": starting.measure,
    "unpacked": unpacked.measure,
    "suites": suites.measure,
    "repositories": repositories.measure,
    "looking": looking.measure,
    "containers": containers.measure,
    # Side by side with peers.
    "servers": servers.compare,
    "regression": regression.compare,
    "scanners": scanners.compare,
    "growth": growth.compare,
    "footprint": footprint.compare,
}


def main() -> None:
    options = _options()
    with opened() as bench:
        header = "\n".join(machine.header(bench.target.installation))
        print(f"{header}\n")
        if options.write:
            replace(_PAGE, "bench machine", header)
        for name in options.parts or PARTS:
            print(f"## {name}", flush=True)
            load, started = os.getloadavg()[0], time.perf_counter()
            try:
                text = _text(_told(PARTS[name](bench)))
            except NotMeasured as error:
                print(f"not measured: {error}\n", flush=True)
                continue
            taken = (
                f"{datetime.now(timezone.utc):%Y-%m-%d}, {time.perf_counter() - started:.0f} s, load {load:.1f} before"
            )
            print(f"{taken}\n", flush=True)
            if options.write:
                replace(_PAGE, f"bench {name}", f"{text}\n\n*{taken}*")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure ours side by side with peers.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--write", action="store_true", help=f"into {_PAGE.parent.name}/{_PAGE.name} too")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return options


def _told(results: Iterable[Figure | Section]) -> Iterator[Figure | Section]:
    """The same, each printed as soon as it is there."""
    for result in results:
        print(result, flush=True)
        yield result


def _text(results: Iterable[Figure | Section]) -> str:
    """Figures as one table, then the sections."""
    figures: list[Figure] = []
    sections: list[str] = []
    for result in results:
        if isinstance(result, Figure):
            figures.append(result)
        else:
            sections.append(str(result))
    return "\n\n".join(([table(figures)] if figures else []) + sections)


if __name__ == "__main__":
    main()
