"""All that a server accepts of many things, in its order, from what it selects of some of them.

Asked about all, then about all but the one it selected, and so on, it names one after the other, each by a question
that waits for the answer before. So only the first few are found that way. The others are asked for by kinds, side by
side, and what is found of each kind is merged: by one question where the server prefers all of one kind to all of the
next, by a binary search for each change between the two where it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    Select = Callable[[Sequence[int]], int | None]

_ONE_BY_ONE: Final = 8
"""A server with fewer, as most are, is asked no question more than one for each and one for the end."""


def in_order(candidates: Sequence[int], select: Select, kind: Callable[[int], int], pool: Executor) -> list[int]:
    """The candidates that a server accepts, the one it prefers to all others first.

    Args:
        candidates: numbers of what it may accept.
        select: asks it for one of these, None where it accepts none of them. Called in threads.
        kind: a candidate's kind, the smaller the more a server likely prefers it: the better the guess, the fewer the
            questions.
        pool: has a thread free for each kind.
    """
    first = _one_by_one(candidates, select, most=_ONE_BY_ONE)
    if len(first) < _ONE_BY_ONE:
        return first
    kinds: dict[int, list[int]] = {}
    for candidate in candidates:
        if candidate not in first:
            kinds.setdefault(kind(candidate), []).append(candidate)
    for found in pool.map(lambda number: _one_by_one(kinds[number], select), sorted(kinds)):
        first = _merged(first, found, select)
    return first


def _one_by_one(candidates: Sequence[int], select: Select, *, most: int | None = None) -> list[int]:
    left = list(candidates)
    found: list[int] = []
    while left and len(found) != most:
        selected = select(left)
        if selected is None:
            break
        found.append(selected)
        left.remove(selected)
    return found


def _merged(ahead: list[int], behind: list[int], select: Select) -> list[int]:
    """Both, each of which is in order, as one: `behind` is thought to follow on `ahead`."""
    merged: list[int] = []
    while ahead and behind:
        if select([ahead[-1], behind[0]]) == ahead[-1]:
            return [*merged, *ahead, *behind]
        low, high = 0, len(ahead) - 1  # the first of `behind` comes before ahead[high], and after ahead[low - 1]
        while low < high:
            middle = (low + high) // 2
            if select([ahead[middle], behind[0]]) == ahead[middle]:
                low = middle + 1
            else:
                high = middle
        merged += [*ahead[:low], behind[0]]
        ahead, behind = behind[1:], ahead[low:]
    return [*merged, *ahead, *behind]
