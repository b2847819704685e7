"""The diagnosis table calls a row right only where all that is true was told, the main thing first, and no more."""

from __future__ import annotations

import pytest

from tests.faq import table
from tests.faq.table import Row


@pytest.mark.parametrize(
    ("wanted", "given", "right"),
    [
        (("a",), ("a",), True),
        (("a", "b"), ("a", "b"), True),
        ((), (), True),
        (("a",), (), False),
        (("a",), ("b",), False),
        (("a",), ("a", "b"), False),
        (("a",), ("b", "a"), False),
        (("a", "b"), ("b", "a"), False),
        ((), ("a",), False),
    ],
)
def test_a_row_is_right_when_what_was_given_is_what_is_true(
    wanted: tuple[str, ...], given: tuple[str, ...], *, right: bool
) -> None:
    assert Row("name", wanted, given).right is right
    assert not Row("name", wanted, given, fault="the check passed").right


@pytest.mark.parametrize(("given", "status", "told"), [((), 0, "0 false alarms"), (("a",), 1, "1 false alarms")])
def test_a_wrong_row_ends_in_exit_status_1(
    given: tuple[str, ...],
    *,
    status: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    local_installation: object,
) -> None:
    monkeypatch.setattr(table, "table", lambda _: [Row("fault", ("a",), ("a",)), Row("healthy", (), given)])
    assert table.main(["local"]) == status
    assert f"1 of 1 faults right, {told} over 1 healthy servers" in capsys.readouterr().out
