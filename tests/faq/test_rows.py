"""Every demonstration of the catalogue on a real server: the problem fails and is diagnosed, the remedy cures it."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.faq import entries, entry
from pytest_modssl.faq.demos import DEMONSTRATIONS, Demonstration, Scene, play
from tests.faq.healthy import HEALTHY, Healthy

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

    from pytest_modssl.pki import CA
    from pytest_modssl.targets.base import Target


@pytest.fixture
def scene(modssl_ca: CA, modssl_target: Target) -> Scene:
    return Scene(ca=modssl_ca, installation=modssl_target.installation)


_FIRST = {one.entry: one for one in reversed(DEMONSTRATIONS)}
# What these tell of is decided by which account asks, in each of their demonstrations by another rule.
_OF_ACCOUNTS = {"ssl-mutex-permissions", "key-file-unreadable", "file-permissions", "script-not-run"}


def _marked(demonstration: Demonstration) -> ParameterSet:
    """Where and as whom `make test` plays a demonstration again, after all of them on this machine.

    One of each entry of the FAQ shows that what it tells of is seen in containers, and of each as an ordinary user (in
    containers `make diagnosis-table` plays all of them). Protocols are the same to every account; files, ports and
    processes are not.
    """
    further = demonstration is not _FIRST[demonstration.entry]
    beyond = entry(demonstration.entry).group == "beyond"
    by_account = entry(demonstration.entry).group != "protocol" and (not further or demonstration.entry in _OF_ACCOUNTS)
    marks = [pytest.mark.any_target] if further or beyond else []
    marks += [] if by_account else [pytest.mark.any_account]
    return pytest.param(demonstration, id=str(demonstration), marks=marks)


@pytest.mark.parametrize("demonstration", [_marked(one) for one in DEMONSTRATIONS])
def test_a_problem_is_diagnosed_and_its_remedy_cures_it(
    demonstration: Demonstration, scene: Scene, modssl_target: Target
) -> None:
    if not demonstration.available(scene.installation):
        pytest.skip(f"not to be seen on {scene.installation.id}")
    problem = play(modssl_target, demonstration.problem(scene), demonstration.check)

    assert problem.error is not None, "the check passed on the problem"
    assert [one.entry.id for one in problem.diagnoses] == [demonstration.entry, *demonstration.also], problem.error
    first = problem.diagnoses[0]
    assert str(first) in str(problem.error)
    if demonstration.place:
        assert first.place is not None
        origin = first.place.origin
        assert "/faq/demos/" in origin.file
        assert demonstration.place in linecache.getline(origin.file, origin.line)
    if demonstration.number:
        assert any(line.startswith(f"{demonstration.number}: ") for line in first.finding.seen)
        assert demonstration.number in first.entry.numbers

    remedy = play(modssl_target, demonstration.remedy(scene), demonstration.cure or demonstration.check)

    assert remedy.error is None
    assert remedy.diagnoses == ()


@pytest.mark.parametrize("healthy", HEALTHY, ids=lambda one: one.name)
def test_a_healthy_server_gets_no_diagnosis(healthy: Healthy, scene: Scene, modssl_target: Target) -> None:
    played = play(modssl_target, healthy.config(scene), healthy.look)
    assert played.error is None
    assert played.diagnoses == ()


def test_every_entry_that_is_recognised_has_a_demonstration_and_the_other_way_round() -> None:
    recognised = {one.id for one in entries() if one.recognisers}
    assert recognised == {one.entry for one in DEMONSTRATIONS}
    assert all(entry(one.entry) for one in DEMONSTRATIONS)
