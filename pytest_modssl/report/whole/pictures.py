"""Where the parts of a picture stand, in units of an SVG's view box; the template draws them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.report.whole.value.host import Redirects

_BOX_WIDTH, _BOX_HEIGHT = 270, 34
_GAP_X, _GAP_Y = 24, 46
_LETTERS = 38
_NODES = 40
_LABEL, _PLOT, _ROW = 230, 460, 22


@dataclass(frozen=True, slots=True)
class Node:
    """A box: what stands in it, all of that, where it is, and whether redirects end well, badly or not there."""

    short: str
    text: str
    x: int
    y: int
    kind: str


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow from a box to another, and what stands beside it."""

    path: str
    label: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Graph:
    """Boxes and arrows, the size of all, and how many boxes are not there."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int
    left_out: int
    box: tuple[int, int] = (_BOX_WIDTH, _BOX_HEIGHT)


def graph(chains: Sequence[Redirects]) -> Graph:
    """Redirects from above to below: each URL once, as far down as the longest way to it."""
    depth: dict[str, int] = {}
    arrows: dict[tuple[str, str], str] = {}
    kinds: dict[str, str] = {}
    for chain in chains:
        urls = [*(hop.url for hop in chain.hops), chain.url if chain.url != chain.hops[-1].url else _end(chain)]
        for number, url in enumerate(urls):
            depth[url] = max(depth.get(url, 0), number)
        for hop, (start, end) in zip(chain.hops, itertools.pairwise(urls), strict=True):
            arrows[start, end] = str(hop.status)
        well = not chain.error and not chain.loop and chain.status is not None and chain.status < 400
        kinds[urls[-1]] = "good" if well else "bad"
    shown = list(depth)[:_NODES]
    rows: dict[int, list[str]] = {}
    for url in shown:
        rows.setdefault(depth[url], []).append(url)
    places = {
        url: (column * (_BOX_WIDTH + _GAP_X) + 1, row * (_BOX_HEIGHT + _GAP_Y) + 1)
        for row, level in enumerate(sorted(rows))
        for column, url in enumerate(rows[level])
    }
    status = {chain.url: chain.status for chain in chains}
    nodes = [Node(_short(url, status.get(url)), url, *places[url], kinds.get(url, "way")) for url in shown]
    edges = [_edge(places[a], places[b], label) for (a, b), label in arrows.items() if a in places and b in places]
    width = max((x for x, _ in places.values()), default=0) + _BOX_WIDTH + 1
    height = max((y for _, y in places.values()), default=0) + _BOX_HEIGHT + 1
    return Graph(tuple(nodes), tuple(edges), width, height, len(depth) - len(shown))


def _end(chain: Redirects) -> str:
    """Where the last hop leads, as it is written, where nobody asked for that any more."""
    return chain.hops[-1].location or "nowhere"


def _short(url: str, status: int | None) -> str:
    room = _LETTERS - (5 if status else 0)
    text = url if len(url) <= room else f"{url[: room - 1]}…"
    return f"{text}  {status}" if status else text


def _edge(start: tuple[int, int], end: tuple[int, int], label: str) -> Edge:
    (x1, y1), (x2, y2) = start, end
    a, b = x1 + _BOX_WIDTH / 2, x2 + _BOX_WIDTH / 2
    top, bottom = y1 + _BOX_HEIGHT, y2
    if y2 > y1:
        middle = (top + bottom) / 2
        return Edge(
            f"M{a:g} {top}C{a:g} {middle:g} {b:g} {middle:g} {b:g} {bottom}", label, (a + b) / 2 + 8, middle + 4
        )
    # Back up, around the side.
    side = max(x1, x2) + _BOX_WIDTH + 14
    low, high = y1 + _BOX_HEIGHT / 2, y2 + _BOX_HEIGHT / 2
    path = f"M{x1 + _BOX_WIDTH} {low:g}C{side} {low:g} {side} {high:g} {x2 + _BOX_WIDTH} {high:g}"
    return Edge(path, label, side - 30, (low + high) / 2 + 4)


@dataclass(frozen=True, slots=True)
class Dots:
    """Times as dots, a row for each thing, on an axis by powers of ten."""

    rows: tuple[tuple[str, int, tuple[float, ...]], ...]
    ticks: tuple[tuple[str, float], ...]
    width: int
    height: int
    label: int = _LABEL


def dots(times: Sequence[tuple[str, Sequence[float]]]) -> Dots:
    """A plot of times in seconds, by what took them."""
    every = [max(second, 1e-6) for _, seconds in times for second in seconds]
    if not every:
        return Dots((), (), 0, 0)
    low, high = math.floor(math.log10(min(every))), math.ceil(math.log10(max(every)))
    high = max(high, low + 1)

    def x(second: float) -> float:
        return round(_LABEL + 10 + (math.log10(max(second, 1e-6)) - low) / (high - low) * _PLOT, 1)

    rows = tuple(
        (label if len(label) <= 32 else f"{label[:31]}…", 14 + number * _ROW, tuple(map(x, seconds)))
        for number, (label, seconds) in enumerate(times)
    )
    ticks = tuple((_tick(power), x(10.0**power)) for power in range(low, high + 1))
    return Dots(rows, ticks, _LABEL + _PLOT + 40, 14 + len(times) * _ROW + 22)


def _tick(power: int) -> str:
    return f"{10 ** (power + 3):g} ms" if power < 0 else f"{10**power:g} s"
