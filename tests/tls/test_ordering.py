"""All that a server accepts, in its order, whatever that is, and how often it is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from pytest_modssl.tls.ordering import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CANDIDATES = range(60)
KINDS = 4


class ServerOfNumbers:
    """Selects the number that comes first in its own order, or, without one, in the order in which they are offered."""

    def __init__(self, accepted: Sequence[int], *, own_order: bool = True) -> None:
        self.accepted = accepted
        self.own_order = own_order
        self.asked = 0
        self._lock = Lock()

    def select(self, offered: Sequence[int]) -> int | None:
        with self._lock:
            self.asked += 1
        first, among = (self.accepted, offered) if self.own_order else (offered, self.accepted)
        return next((one for one in first if one in among), None)

    def accepts(self, kind: Callable[[int], int] = lambda number: number * KINDS // len(CANDIDATES)) -> list[int]:
        with ThreadPoolExecutor(KINDS) as pool:
            return in_order(CANDIDATES, self.select, kind, pool)


orders = st.permutations(CANDIDATES).flatmap(lambda order: st.integers(0, len(order)).map(lambda size: order[:size]))


@given(order=orders)
@example(order=list(CANDIDATES))
@example(order=list(CANDIDATES)[::-1])
@example(order=[])
def test_whatever_is_accepted_is_told_in_the_servers_order(order: list[int]) -> None:
    assert ServerOfNumbers(order).accepts() == list(order)


@given(accepted=st.sets(st.sampled_from(CANDIDATES)))
def test_where_the_clients_order_decides_everything_accepted_is_told(accepted: set[int]) -> None:
    found = ServerOfNumbers(sorted(accepted), own_order=False).accepts()
    assert sorted(found) == sorted(accepted)


def test_a_few_take_one_question_each_and_one_for_the_end() -> None:
    server = ServerOfNumbers([30, 2, 51, 7, 16])
    assert server.accepts() == [30, 2, 51, 7, 16]
    assert server.asked == 6


def test_where_the_kinds_follow_each_other_each_is_merged_by_one_question() -> None:
    server = ServerOfNumbers(CANDIDATES)
    assert server.accepts() == list(CANDIDATES)
    assert server.asked == len(CANDIDATES) + KINDS


def test_kinds_in_another_order_are_merged_by_binary_searches() -> None:
    order = [*CANDIDATES[:20], *CANDIDATES[40:], *CANDIDATES[20:40]]
    server = ServerOfNumbers(order)
    assert server.accepts(lambda number: number // 20) == order
    assert server.asked <= len(CANDIDATES) + 12


def test_a_server_that_contradicts_itself_is_not_asked_for_ever() -> None:
    def select(offered: Sequence[int]) -> int | None:
        return offered[-1] if len(offered) > 2 else None

    with ThreadPoolExecutor(KINDS) as pool:
        found = in_order(CANDIDATES, select, lambda number: number % KINDS, pool)
    assert len(found) == len(set(found)) == len(CANDIDATES) - 2 * KINDS
