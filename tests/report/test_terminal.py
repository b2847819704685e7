"""What is told of long work, servers and failures, as functions of what was noted."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.matrix.results import Place, Report, Results
from pytest_modssl.progress import Live, Step, in_lines, looking
from pytest_modssl.report.terminal.annotations import (
    MOST,
    Annotation,
    commands,
    job_summary,
    no_commands,
    of_warning,
    together,
)
from pytest_modssl.report.terminal.durations import durations
from pytest_modssl.report.terminal.figures import Figures, Life
from pytest_modssl.wait import until


def test_steps_are_told_with_what_is_known_of_them() -> None:
    assert str(Step("fetching")) == "fetching"
    assert str(Step("fetching", 0, 8.12, "MB")) == "fetching (8.1 MB)"
    assert str(Step("fetching", 3.2, None, "MB")) == "fetching (3.2 MB)"
    assert str(Step("building: RUN x", 3, 7)) == "building: RUN x (3/7)"


def test_in_lines_a_step_is_told_once_and_an_outcome_always() -> None:
    lines: list[str] = []
    say = in_lines(lines.append)
    for told in (Step("a", 0, 2), Step("a", 1, 2), Step("b"), "done", "done", Step("b")):
        say(told)
    assert lines == ["a (2)", "b", "done", "done", "b"]


def test_a_live_line_fits_the_terminal_counts_seconds_and_gives_way_to_what_stays() -> None:
    drawn: list[str] = []
    kept: list[str] = []
    live = Live(drawn.append, kept.append, lambda: 30)
    with live.ticking():
        live(Step("fetching a package with a long name", 1, 2))
        assert drawn == ["fetching a packa...  1/2  0 s"]
        until(lambda: len(drawn) > 1, seconds=10, what="the next second")
        assert drawn[-1].endswith("1/2  1 s")
        live("kept")
        assert drawn[-1] == ""
        assert kept == ["kept"]
        live(Step("more"))
    assert drawn[-1] == ""


def test_work_that_tells_nothing_is_looked_at() -> None:
    told: list[object] = []
    began = time.monotonic()
    with looking(told.append, lambda: Step("work", time.monotonic() - began, 9)):
        until(lambda: len(told) > 2, seconds=10, what="three looks")
    assert all(isinstance(one, Step) for one in told)


def _life(kind: str, seconds: float = 1.0, why: str = "", worker: str = "") -> list[object]:
    return Life(kind, "local", "abc", "www.example.test", "a.py:7", seconds, why, "fixture f", worker).pack()


def test_it_is_told_why_servers_were_started_again() -> None:
    figures = Figures()
    figures.add([_life("started", 2.0, worker="gw0"), _life("started", 3.0, worker="gw1")], test="t")
    figures.add([_life("started", 0.001, why="the one before had ended"), _life("stopped", 0.5)])
    figures.add_shared(("local", "abc"), 5)
    assert durations(figures, most=2, shortest=0.005) == [
        "3.00s start    server 1: www.example.test (a.py:7), in t (fixture f)",
        "2.00s start    server 1: www.example.test (a.py:7), in t (fixture f)",
        "server 1 was started 3 times, shared 5 times: each of 3 workers has its own; the one before had ended",
    ]


def _error(n: int, certainty: str = "", line: int = 0, file: str = "a.conf") -> Annotation:
    return Annotation("error", file, line or n, f"title {n}", f"message {n}", certainty, (f"test {n}",))


def test_what_is_the_same_is_told_once_the_surest_first_and_no_more_than_is_shown() -> None:
    same = [_error(1, "likely", 5), _error(1, "likely", 5), _error(1, "likely", 5)]
    found = together([_error(7, file=""), _error(3), _error(8, line=3), _error(2, "certain"), *same])
    assert [one.title for one in found] == ["title 2", "title 1", "title 3", "title 7"]
    assert found[2].message == "message 3\n\nmessage 8"
    lines = list(commands(together(_error(n) for n in range(1, MOST + 4))))
    assert len(lines) == MOST + 1
    assert lines[-1] == "modssl: 3 more of level error are in the summary of the job"
    assert next(iter(commands([_error(7, file="")]))) == "::error title=title 7::message 7"


def test_a_warning_stands_at_its_line() -> None:
    found = of_warning("site has programs run. What to do: no\n  /w/r/a.conf:12: x", "/w/r/a.conf", 12, workspace="/w")
    assert (found.level, found.file, found.line) == ("warning", "r/a.conf", 12)
    assert found.title == "site has programs run. What to do: no"


@given(st.text(), st.text(), st.text())
def test_no_text_of_others_is_a_command_a_property_or_markup(file: str, title: str, message: str) -> None:
    one = Annotation("error", file, 3, title, message, tests=("t",))
    (line,) = commands([one])
    assert line.splitlines() == [line]
    assert line.isprintable() or "\x1b" not in line
    head, _, data = line.removeprefix("::error ").partition("::")
    assert len(head.split(",")) == (3 if file else 1)
    assert "\n" not in data
    results = Results(["local"])
    results.add(Report(Place("t", "local")), "call", "failed", 1.0)
    rows = job_summary([one], Figures(), results).split("\n")
    assert (
        sum(row.startswith("|") for row in rows) == len([row for row in rows if row.strip(" ") and row[0] == "|"]) == 6
    )
    assert all(row.count(" | ") == 2 for row in rows if row.startswith("| "))
    assert not any("<" in row.replace("<br>", "") for row in rows)


@given(st.lists(st.sampled_from(["::error::x", " \t", "##[set-env]", "\n", "\r\n", "\v", "a", ":"])).map("".join))
def test_no_line_of_a_message_is_a_command(text: str) -> None:
    made = no_commands(text)
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in made.splitlines())
    assert made.replace("|::", "::").replace("## [", "##[") == text
    assert no_commands("tests/test_site.py::test_login") == "tests/test_site.py::test_login"
