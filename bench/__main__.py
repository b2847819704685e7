"""Prints every figure as a ratio to plain Python that did the same in the same rounds; a missed bar is no failure."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench import containers, looking, repositories, starting, suites, unpacked
from bench.figures import table
from bench.place import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.figures import Figure
    from bench.place import Bench

_PACKAGES = ("pytest-modssl", "pytest", "pytest-xdist", "pyOpenSSL", "cryptography", "requests")


def main() -> None:
    started = time.perf_counter()
    with opened() as bench:
        for line in _header(bench):
            print(line)
        print()
        figures: list[Figure] = []
        skipped = ""
        for part in (starting, unpacked, suites, repositories, looking, containers):
            try:
                for figure in part.measure(bench):
                    figures.append(figure)
                    print(f"\r{len(figures)} measured, {time.perf_counter() - started:.0f} s", end="", file=sys.stderr)
            except containers.NoEngine as error:
                skipped = f"containers were not measured: {error}"
        print(file=sys.stderr)
        print(table(figures))
        if skipped:
            print(skipped)
    missed = sum(not figure.reached for figure in figures)
    print(f"\n{len(figures) - missed} of {len(figures)} bars reached, {time.perf_counter() - started:.0f} s in all")


def _header(bench: Bench) -> Iterator[str]:
    installation = bench.target.installation
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    yield f"machine:  {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, load {load}"
    yield f"httpd:    {installation.version} with {installation.tls_library} {installation.openssl}"
    yield f"Python:   {platform.python_version()} with {ssl.OPENSSL_VERSION}"
    yield f"packages: {', '.join(f'{name} {importlib.metadata.version(name)}' for name in _PACKAGES)}"
    yield "bare is plain Python on the same httpd.conf, or the same work by the library beneath; all are medians"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
