"""A plugin of pytest for the runs that tests make: what came of each test, as a line of JSON in the file `OUTCOMES`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _tell(report)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or not report.passed:
        _tell(report)


def _tell(report: pytest.CollectReport | pytest.TestReport) -> None:
    told = {"test": report.nodeid, "outcome": report.outcome, "message": report.longreprtext}
    with Path(os.environ["OUTCOMES"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")
