"""The load itself: workers that make one connection after another until the count or the time is used up.

Workers are threads. A connection whose every record is watched costs this process twice what it costs the server (4 ms
of CPU against 2, measured on httpd 2.4.71): a load shows what happens when many come at once, not how many httpd can
take.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_modssl.load.connection import Outcome, connection
from pytest_modssl.load.plan import Plan, refuse_strangers
from pytest_modssl.load.report import Latency, LoadReport

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pytest_modssl.tls import Handshake, Session


def load(
    url: str,
    address: tuple[str, int],
    *,
    connections: int = 200,
    seconds: float = 5.0,
    workers: int = 4,
    requests: int = 1,
    resume: bool = True,
    timeout: float = 5.0,
    ours: Collection[tuple[str, int]] = (),
    cpu: Callable[[], float | None] = lambda: None,
    **options: Any,
) -> LoadReport:
    """What came of many connections at once.

    It ends when the connections are made or the time is over, whichever is first, and at the latest one connection's
    time after that.

    Args:
        url: what to ask for, `https://NAME/PATH` or `http://NAME/PATH`; its name is sent as SNI and as Host.
        address: host and port to connect to, whatever the URL says: on loopback, or one of `ours`.
        connections: how many in all, at most 20,000.
        seconds: how long new ones are begun, at most 60.
        workers: how many there are at a time, each a thread; at most 64.
        requests: GETs on each connection, one after the other, at most 1,000; 0 ends it after its handshake.
        resume: whether each worker offers the session of its last connection, as a browser does; else every handshake
            is a full one.
        timeout: seconds that each step of a connection may take, at most 30; what takes longer has failed.
        ours: addresses beside loopback that servers of this run have.
        cpu: gives the seconds of CPU that the server has spent so far, where it can.
        options: as for `pytest_modssl.tls.connect`: `protocol=`, `tickets=`, `client_certificate=`, ...

    Raises:
        LoadError: for a load out of bounds, or on an address that is neither loopback nor ours.
        TlsError: for an option that cannot be carried out. Whatever the server does raises nothing.
    """
    refuse_strangers(address, ours)
    plan = Plan(
        address=address,
        url=url,
        connections=connections,
        seconds=seconds,
        workers=workers,
        requests=requests,
        resume=resume,
        timeout=timeout,
        options=options,
    )
    before, started = cpu(), time.perf_counter()
    outcomes = _carried_out(plan)
    elapsed, after = time.perf_counter() - started, cpu()
    spent = None if before is None or after is None else after - before
    return _report(plan, outcomes, seconds=elapsed, server_cpu=spent)


def _carried_out(plan: Plan) -> list[Outcome]:
    """The outcome of every connection."""
    numbers, over = itertools.count(), threading.Event()
    deadline = time.monotonic() + plan.seconds

    def goes_on() -> bool:
        # `next` of a count is one step of the interpreter: no two workers get one number.
        return not over.is_set() and time.monotonic() < deadline and next(numbers) < plan.connections

    with ThreadPoolExecutor(min(plan.workers, plan.connections), thread_name_prefix="modssl load") as pool:
        try:
            futures = [pool.submit(lambda: list(_worker(plan, goes_on))) for _ in range(plan.workers)]
            return [one for future in futures for one in future.result()]
        finally:
            over.set()


def _worker(plan: Plan, goes_on: Callable[[], bool]) -> Iterator[Outcome]:
    session: Session | None = None
    kinds = set[str]()
    while goes_on():
        outcome, session = connection(plan, session)
        # A handshake with all its records is 8 kB and what OpenSSL keeps of it: thousands of them are not kept.
        yield replace(outcome, example=None) if outcome.kind in kinds else outcome
        kinds.add(outcome.kind)


def _report(plan: Plan, outcomes: list[Outcome], *, seconds: float, server_cpu: float | None) -> LoadReport:
    examples: dict[str, Handshake] = {}
    for one in outcomes:
        if one.example is not None:
            examples.setdefault(one.kind, one.example)
    return LoadReport(
        url=plan.url,
        address=plan.address,
        workers=plan.workers,
        connections=len(outcomes),
        handshakes=sum(one.protocol is not None for one in outcomes),
        requests=sum(one.answers for one in outcomes),
        failures=Counter(one.failure for one in outcomes if one.failure),
        protocols=Counter(one.protocol for one in outcomes if one.protocol),
        offered=sum(one.offered for one in outcomes if one.protocol is not None),
        resumptions=Counter(one.resumed_by for one in outcomes if one.resumed_by),
        seconds=seconds,
        handshake_latency=Latency.of([one.handshake_seconds for one in outcomes if one.handshake_seconds is not None]),
        latency=Latency.of([one.seconds for one in outcomes if one.seconds is not None]),
        server_cpu=server_cpu,
        examples=tuple(examples.values()),
    )
