"""Results of several targets: gathered from phases, put into a table, compared, and judged strictly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_modssl.matrix import differences, strict
from pytest_modssl.matrix.results import Place, Report, Results, without_target
from pytest_modssl.matrix.summary import summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_modssl.matrix.results import Outcome

Seen = tuple[tuple[str, str, str], ...]


def results(*targets: str) -> Results:
    return Results(list(targets))


def ran(
    into: Results, test: str, target: str, outcome: Outcome = "passed", *, unmet: str = "", seen: Seen = ()
) -> None:
    place = Place(test, target)
    if unmet:
        into.add(Report(place, unmet), "setup", "skipped", 0.0)
    else:
        into.add(Report(place), "setup", "passed", 0.5)
        into.add(Report(place, seen=seen), "call", outcome, 1.0)
    into.add(Report(place), "teardown", "passed", 0.25)


@pytest.mark.parametrize(
    ("test", "kept"),
    [
        ("t.py::test[httpd2.4.71-openssl3.0.22]", "t.py::test"),
        ("t.py::test[httpd2.4.71-openssl3.0.22-1]", "t.py::test[1]"),
        ("t.py::test[1-httpd2.4.71-openssl3.0.22]", "t.py::test[1]"),
        ("t.py::test[a-httpd2.4.71-openssl3.0.22-b]", "t.py::test[a-b]"),
        ("t.py::test[docker-httpd2.4.71-openssl3.0.22]", "t.py::test[docker]"),
        ("t.py::test[httpd2.4.71-openssl3.0.221]", "t.py::test[httpd2.4.71-openssl3.0.221]"),
        ("t.py::test", "t.py::test"),
        ("t.py::test[httpd2.4.71-openssl3.0.22-a-]", "t.py::test[a-]"),
        ("t.py::test[httpd2.4.71-openssl3.0.22-]", "t.py::test[]"),
        ("t[1].py::test[b[2]-httpd2.4.71-openssl3.0.22]", "t[1].py::test[b[2]]"),
        ("a.conf::[::1]:443::chain[httpd2.4.71-openssl3.0.22]", "a.conf::[::1]:443::chain"),
    ],
)
def test_a_test_has_one_name_on_all_targets(test: str, kept: str) -> None:
    assert without_target(test, "httpd2.4.71-openssl3.0.22") == kept


def test_a_report_travels_as_plain_data() -> None:
    report = Report(Place("t.py::test", "local"), "needs it", (("GET https://a/", "status", "200"),))
    assert Report.unpack(json.loads(json.dumps(report.pack()))) == report


def test_the_phases_of_a_test_make_one_result() -> None:
    found = results("local")
    ran(found, "t.py::good", "local")
    ran(found, "t.py::bad", "local", "failed")
    place = Place("t.py::late", "local")
    for phase, outcome in (("setup", "passed"), ("call", "passed"), ("teardown", "error")):
        found.add(Report(place), phase, outcome, 1.0)  # type: ignore[arg-type]
    found.add(Report(Place("t.py::early", "local")), "setup", "error", 1.0)
    assert {one.place.test: one.outcome for one in found} == {
        "t.py::good": "passed",
        "t.py::bad": "failed",
        "t.py::late": "error",
        "t.py::early": "error",
    }
    assert found.durations()["t.py::good @ local"] == 1.75


def test_what_was_skipped_tells_no_duration() -> None:
    found = results("local")
    ran(found, "t.py::test", "local", unmet="needs it")
    assert found.durations() == {}


def table(*targets: str, width: int = 80) -> list[str]:
    found = results(*targets)
    for target in targets:
        ran(found, "tests/test_a.py::one", target)
        ran(found, "tests/test_a.py::two", target, "failed")
        ran(found, "tests/a/very/long/path/to/some/tests/test_b.py::one", target, unmet="needs it")
        ran(found, "tests/test_a.py::three", target, "xfailed")
    ran(found, "tests/test_c.py::only_here", targets[0])
    ran(found, "tests/test_d.py::no_server", "")
    return summary(found, width=width)


def test_the_table_tells_every_file_on_every_target() -> None:
    assert table("local", "debian:trixie") == [
        "passed/failed/skipped by file and target",
        "",
        f"{'':34}          local  debian:trixie",
        f"{'...ng/path/to/some/tests/test_b.py':34}          0/0/1          0/0/1",
        f"{'tests/test_a.py':34}          2/1/0          2/1/0",
        f"{'tests/test_c.py':34}          1/0/0              -",
        f"{'all':34}          3/1/1          2/1/1",
        f"{'seconds':34}            7.2            5.5",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_table_fits_the_terminal_however_many_targets_there_are(width: int) -> None:
    targets = [f"debian:suite-{number}" for number in range(7)]
    lines = table(*targets, width=width)
    assert max(map(len, lines)) <= max(width, 34 + 2 + 14)
    for target in targets:
        assert sum(target in line for line in lines) == 1


def test_long_names_are_cut_where_they_can_be_told_apart_and_else_are_not() -> None:
    lines = table("local:/opt/a/long/folder/bin/httpd", "docker:registry.example/image:2.4.71")
    assert lines[2].split() == [".../folder/bin/httpd", "...mple/image:2.4.71"]
    same = table("local:/opt/a/long/folder/bin/httpd", "local:/opt/b/long/folder/bin/httpd", width=200)
    assert same[2].split() == ["local:/opt/a/long/folder/bin/httpd", "local:/opt/b/long/folder/bin/httpd"]


def test_no_test_that_uses_a_server_makes_no_table() -> None:
    found = results("local", "docker")
    ran(found, "t.py::test", "")
    assert summary(found, width=80) == []


TLS = "TLS handshake www.example.test port 443"


def compared(first: Seen, second: Seen) -> list[tuple[str, list[str]]]:
    found = results("a", "b")
    ran(found, "t.py::test", "a", seen=first)
    ran(found, "t.py::test", "b", seen=second)
    return [(one.what, list(one.values.values())) for one in differences.differences(found)]


def test_what_is_the_same_everywhere_is_not_told() -> None:
    assert compared(((TLS, "group", "x25519"),), ((TLS, "group", "x25519"),)) == []


def test_a_fact_that_differs_is_told_with_its_values() -> None:
    assert compared(
        ((TLS, "group", "x25519"), (TLS, "ok", "yes")), ((TLS, "group", "X25519MLKEM768"), (TLS, "ok", "yes"))
    ) == [(f"{TLS}: group", ["x25519", "X25519MLKEM768"])]


def test_a_fact_that_one_target_alone_shows_is_told() -> None:
    assert compared(((TLS, "suites TLSv1", "A"), (TLS, "ok", "yes")), ((TLS, "ok", "yes"),)) == [
        (f"{TLS}: suites TLSv1", ["A", "(not seen)"])
    ]


def test_what_only_one_target_was_asked_is_one_difference() -> None:
    assert compared(((TLS, "ok", "yes"), (TLS, "group", "x25519")), ()) == [(f"{TLS}: looked at", ["yes", "no"])]


def test_another_outcome_is_told_and_a_skipped_test_has_seen_nothing_else() -> None:
    found = results("a", "b")
    ran(found, "t.py::failing", "a", "failed", seen=((TLS, "ok", "no"),))
    ran(found, "t.py::failing", "b", seen=((TLS, "ok", "yes"),))
    ran(found, "t.py::skipped", "a", seen=((TLS, "ok", "yes"),))
    ran(found, "t.py::skipped", "b", unmet="needs httpd >3, has 2.4.71")
    ran(found, "t.py::alone", "a")
    assert differences.describe(differences.differences(found), found, width=80) == [
        "t.py::failing",
        "  outcome",
        "    a  failed",
        "    b  passed",
        f"  {TLS}: ok",
        "    a  no",
        "    b  yes",
        "t.py::skipped",
        "  outcome",
        "    a  passed",
        "    b  skipped: needs httpd >3, has 2.4.71",
        "2 of 2 tests differ between 2 targets",
        "1 more did not run on every target, and were not compared",
    ]


def test_long_values_are_wrapped_at_words() -> None:
    found = results("a", "b")
    for target, suites in (("a", "ONE " * 30), ("b", "TWO")):
        ran(found, "t.py::test", target, seen=((TLS, "suites", suites.strip()),))
    lines = differences.describe(differences.differences(found), found, width=60)
    assert max(map(len, lines)) <= 60
    assert " ".join(lines).count("ONE") == 30


def test_strict_names_the_tests_that_ran_nowhere_and_no_others() -> None:
    found = results("a", "b")
    for target in "ab":
        ran(found, "t.py::never", target, unmet=f"needs it on {target}")
        ran(found, "t.py::skipped_otherwise", target, "skipped")
    ran(found, "t.py::once", "a", unmet="needs it")
    ran(found, "t.py::once", "b")
    ran(found, "t.py::elsewhere", "a", unmet="needs it")
    assert strict.never_run(found) == {"t.py::never": {"a": "needs it on a", "b": "needs it on b"}}
    assert strict.undecided(found) == ["t.py::elsewhere"]
    assert strict.describe(found) == [
        "t.py::never",
        "  a: needs it on a",
        "  b: needs it on b",
        "not judged, as their other targets are not of this job's part: t.py::elsewhere",
    ]


@pytest.mark.parametrize(
    ("phases", "outcome"),
    [
        ([("setup", "passed")], None),
        ([("setup", "passed"), ("call", None), ("teardown", "passed")], None),
        ([("setup", "passed"), ("call", None), ("setup", "passed"), ("call", "passed")], "passed"),
        ([("setup", "passed"), ("call", "failed"), ("setup", "passed"), ("call", "passed")], "failed"),
        ([("setup", "passed"), ("call", "failed"), ("call", "passed"), ("teardown", "passed")], "failed"),
        ([("setup", "passed"), ("call", "passed"), ("teardown", "error")], "error"),
        ([("setup", "skipped"), ("teardown", "passed")], "skipped"),
    ],
    ids=["interrupted", "before another run", "run again", "in two processes", "subtest", "teardown", "skipped"],
)
def test_a_test_became_what_its_phases_say_and_nothing_before_it_is_over(
    phases: Sequence[tuple[str, Outcome | None]], outcome: Outcome | None
) -> None:
    found = results("local")
    for phase, told in phases:
        found.add(Report(Place("t.py::test", "local")), phase, told, 1.0)
    assert [one.outcome for one in found] == ([] if outcome is None else [outcome])
