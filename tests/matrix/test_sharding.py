"""Parts of a run: every test is in exactly one, all jobs agree, and they take equally long as far as tests allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.matrix.results import Place
from pytest_modssl.matrix.sharding import split

if TYPE_CHECKING:
    import random

TESTS = st.lists(
    st.builds(
        lambda file, number, target: Place(f"test_{file}.py::test_{number}", target),
        st.integers(0, 4),
        st.integers(0, 12),
        st.sampled_from(["", "local", "debian:trixie"]),
    ),
    unique=True,
    max_size=60,
)
SECONDS = st.dictionaries(st.integers(0, 12), st.floats(0, 100), max_size=13)


def durations_of(tests: list[Place], seconds: dict[int, float]) -> dict[str, float]:
    return {one.key: seconds[number] for one in tests if (number := int(one.test.rpartition("_")[2])) in seconds}


@given(TESTS, SECONDS, st.integers(1, 9), st.randoms(use_true_random=False))
def test_nothing_is_lost_or_run_twice_and_the_order_of_collection_plays_no_part(
    tests: list[Place], seconds: dict[int, float], parts: int, shuffler: random.Random
) -> None:
    durations = durations_of(tests, seconds)
    dealt = split(tests, durations, parts)
    assert len(dealt) == parts
    assert sorted(key for part in dealt for key in part) == sorted(one.key for one in tests)
    shuffled = list(tests)
    shuffler.shuffle(shuffled)
    assert split(shuffled, dict(reversed(durations.items())), parts) == dealt


@given(TESTS.filter(bool), SECONDS, st.integers(1, 5))
def test_no_part_is_longer_than_an_equal_share_and_a_tenth_by_more_than_one_test(
    tests: list[Place], seconds: dict[int, float], parts: int
) -> None:
    durations = {one.key: 1.0 for one in tests} | durations_of(tests, seconds)
    length = {key: max(value, 0.001) for key, value in durations.items()}
    share = sum(length.values()) / parts
    longest = max(sum(length[key] for key in part) for part in split(tests, durations, parts))
    assert longest <= 1.1 * share + max(length.values())


def test_tests_of_one_file_and_target_stay_together_where_the_parts_stay_equal() -> None:
    tests = [Place(f"test_{file}.py::test_{n}", target) for file in "abcd" for n in range(5) for target in ("x", "y")]
    for part in split(tests, {}, 4):
        groups = {(key.partition("::")[0], key.rpartition(" @ ")[2]) for key in part}
        assert (len(part), len(groups)) == (10, 2)


def test_a_file_that_is_longer_than_a_part_is_cut_and_its_halves_stay_in_one_piece() -> None:
    tests = [Place(f"test_long.py::test_{n}") for n in range(8)] + [Place("test_short.py::test_it")]
    first, second = split(tests, {}, 2)
    assert {len(first), len(second)} == {4, 5}


def test_a_test_of_unknown_length_counts_as_the_median_of_the_others() -> None:
    tests = [Place(f"test_{name}.py::test_it") for name in "abcde"]
    keys = [one.key for one in tests]
    known = dict(zip(keys, [1.0, 2.0, 100.0, 3.0], strict=False))
    parts = split(tests, known, 2)
    assert parts == split(tests, {**known, keys[4]: 2.5}, 2)
    assert parts[0] == {keys[2]}


@pytest.mark.parametrize("parts", [1, 3])
def test_no_tests_make_empty_parts(parts: int) -> None:
    assert split([], {}, parts) == [set()] * parts
