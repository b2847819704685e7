"""What a report of a load tells, and several side by side."""

from __future__ import annotations

import pytest

from pytest_modssl.load import Latency, LoadComparison, LoadReport


def report(**changes: object) -> LoadReport:
    values: dict[str, object] = {
        "url": "https://www.example.test/",
        "address": ("127.0.0.1", 443),
        "workers": 4,
        "connections": 100,
        "handshakes": 97,
        "requests": 96,
        "failures": {"alert handshake_failure": 3, "answer 503": 1},
        "protocols": {"TLSv1.3": 97},
        "offered": 90,
        "resumptions": {"ticket": 60, "session id": 3},
        "seconds": 0.5,
        "handshake_latency": Latency(0.001, 0.002, 0.003, 0.004),
        "latency": Latency(0.005, 0.006, 0.007, 0.008),
        "server_cpu": 0.2,
    }
    return LoadReport(**{**values, **changes})  # type: ignore[arg-type]  # values that a test chooses


def test_percentiles_are_times_that_were_measured() -> None:
    assert Latency.of([float(number) for number in range(100, 0, -1)]) == Latency(50.0, 90.0, 99.0, 100.0)
    assert Latency.of([3.0]) == Latency(3.0, 3.0, 3.0, 3.0)
    assert Latency.of([1.0, 2.0]) == Latency(1.0, 2.0, 2.0, 2.0)
    assert Latency.of([]) is None


def test_a_report_counts_failures_and_sessions() -> None:
    one = report()
    assert (one.failed, one.resumed, one.resumption_rate) == (4, 63, 0.7)
    assert one.cpu_per_connection == pytest.approx(0.002)


def test_what_cannot_be_had_is_none_and_not_nothing() -> None:
    assert report(offered=0, resumptions={}).resumption_rate is None
    assert report(server_cpu=None).cpu_per_connection is None
    assert report(connections=0).cpu_per_connection is None


def test_a_report_prints_all_of_it() -> None:
    assert str(report()).splitlines() == [
        "load on https://www.example.test/ (127.0.0.1:443)",
        "  100 connections by 4 workers in 0.50 s",
        "  handshakes: 97 (97 TLSv1.3)",
        "  answers: 96",
        "  failures: 4 (3 alert handshake_failure, 1 answer 503)",
        "  sessions resumed: 63 of 90 (70%): 60 ticket, 3 session id",
        "  handshake: p50 1.0 ms, p90 2.0 ms, p99 3.0 ms, most 4.0 ms",
        "  connection: p50 5.0 ms, p90 6.0 ms, p99 7.0 ms, most 8.0 ms",
        "  server's CPU time: 0.20 s, 2.00 ms for a connection",
    ]


def test_a_report_without_any_success_prints_too() -> None:
    nothing = report(
        handshakes=0,
        requests=0,
        failures={"refused": 100},
        protocols={},
        offered=0,
        resumptions={},
        handshake_latency=None,
        latency=None,
        server_cpu=None,
    )
    assert str(nothing).splitlines()[1:] == [
        "  100 connections by 4 workers in 0.50 s",
        "  answers: 0",
        "  failures: 100 (100 refused)",
        "  server's CPU time: cannot be had here",
    ]


def test_a_comparison_holds_each_against_the_first() -> None:
    plain = report(server_cpu=0.05, offered=0, resumptions={}, failures={}, handshake_latency=None)
    compared = LoadComparison({"HTTP": plain, "full": report(), "elsewhere": report(server_cpu=None)})
    assert compared.ratios == {"HTTP": 1.0, "full": pytest.approx(4.0), "elsewhere": None}
    assert str(compared).splitlines() == [
        "           connections  failed  resumed  handshake p50     p99  server CPU  ratio",
        "HTTP               100       0        -              -       -     0.50 ms   1.00",
        "full               100       4      70%         1.0 ms  3.0 ms     2.00 ms   4.00",
        "elsewhere          100       4      70%         1.0 ms  3.0 ms           -      -",
    ]


def test_a_comparison_with_one_that_cost_nothing_has_no_ratio() -> None:
    assert LoadComparison({"HTTP": report(server_cpu=0.0), "full": report()}).ratios == {"HTTP": None, "full": None}
    assert LoadComparison({}).ratios == {}
